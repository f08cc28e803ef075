#include "db/read_retention.h"

#include "db/connection.h"
#include "db/purge_query.h"
#include "db/translate.h"

#define COUNTED_MAX 100000

static void count(struct store_retention_of *of, const struct session *session)
{
    if (of->sessions == 0)
        of->oldest_us = session->updated_us;
    if (of->shown < STORE_RETENTION_SHOWN && session->id.len == ID_LENGTH) {
        memcpy(of->ids[of->shown], session->id.data, ID_LENGTH);
        of->ids[of->shown++][ID_LENGTH] = '\0';
    }
    of->sessions++;
    of->bytes += session->context_bytes + session->entry_bytes;
}

static bool read_rows(struct reader *reader, sqlite3_stmt *stmt, struct store_retention_of *of,
                      struct error *err)
{
    const int64_t cutoff_us = purge_query_cutoff_us(of->after_us);
    struct purge_place place = {0};
    struct session session;
    bool may_go;
    int result;

    purge_query_bind(stmt, &place, cutoff_us);
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (of->sessions == COUNTED_MAX) {
            of->more = true;
            return true;
        }
        /* A row that cannot be read is not deleted either. */
        if (purge_query_read(stmt, cutoff_us, &place, &session, &may_go, err) && may_go)
            count(of, &session);
    }
    return result == SQLITE_DONE || translate_failure(reader->db, "looking for old sessions", err);
}

bool read_retention(struct reader *reader, const int64_t retain_us[STORE_PURGE_REASONS],
                    struct store_retention *out, struct error *err)
{
    static const char *const queries[STORE_PURGE_REASONS] = {
        [STORE_PURGE_TERMINATED] = PURGE_QUERY_TERMINATED,
        [STORE_PURGE_IDLE] = PURGE_QUERY_IDLE,
    };
    bool ok = true;

    for (int i = 0; i < STORE_PURGE_REASONS && ok; i++) {
        sqlite3_stmt *stmt;
        out->of[i] = (struct store_retention_of){.after_us = retain_us[i]};
        if (retain_us[i] == 0)
            continue;
        if (!connection_prepare(reader->db, queries[i], &stmt, err))
            return false;
        ok = read_rows(reader, stmt, &out->of[i], err);
        sqlite3_finalize(stmt);
    }
    return ok;
}
