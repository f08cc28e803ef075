#include "db/sqlite/connection/sqlite_error.h"

#include <stdlib.h>
#include <string.h>

static enum error_kind map_result(int result)
{
    switch (result & 0xff) {
    case SQLITE_FULL:
        return ERROR_STORAGE_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERROR_STORAGE_BUSY;
    case SQLITE_INTERRUPT:
        return ERROR_READ_TIMEOUT;
    default:
        return ERROR_INTERNAL;
    }
}

bool sqlite_error_set(sqlite3 *db, const char *doing, struct error *err)
{
    const int result = sqlite3_extended_errcode(db);

    return error_set(err, map_result(result), NULL, "SQLite error %d while %s: %s", result, doing,
                     sqlite3_errmsg(db));
}

int sqlite_error_result_of(const struct error *err, const char **why)
{
    static const char begin[] = "SQLite error ";
    const char *colon = strchr(err->detail, ':');

    *why = err->detail;
    if (strncmp(err->detail, begin, sizeof(begin) - 1) != 0 || colon == NULL)
        return SQLITE_OK;
    *why = colon + 2;
    return (int)strtol(err->detail + sizeof(begin) - 1, NULL, 10);
}

bool sqlite_error_is_system_failure(const struct error *err)
{
    const char *why;

    switch (sqlite_error_result_of(err, &why) & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
        return true;
    default:
        return false;
    }
}

bool sqlite_error_is_harmless(int result)
{
    if (result == SQLITE_CORRUPT_VTAB) /* virtual tables are synced before the commit */
        return true;
    switch (result & 0xff) {
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_CONSTRAINT:
        return true;
    default:
        return false;
    }
}

bool sqlite_error_is_fatal(int result)
{
    switch (result & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return true;
    default:
        return false;
    }
}
