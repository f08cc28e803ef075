#include "db/sqlite/file/schema_check.h"

#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"

#include <ctype.h>
#include <stdlib.h>

#define SEARCH_PREFIX "search_"

/* A row of sqlite_schema. The texts are valid until the statement is stepped or reset. */
struct object {
    struct slice type;
    struct slice name;
    struct slice table;
    struct slice sql; /* data NULL: the index of a constraint */
};

struct comparison {
    sqlite3 *db;
    sqlite3 *model;
    struct error *err;
};

/* Indexes that the Python SessionManager creates if they are missing; the migration drops them. */
static const char *const dropped_indexes[] = {
    "CREATE INDEX idx_sessions_created_at ON sessions(created_at DESC)",
    "CREATE INDEX idx_sessions_created_at ON sessions(created_at)",
};

/* --- Texts --------------------------------------------------------------------------------- */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Returns the end of the comment that begins at `at`; `at` if there is none. */
static const char *skip_comment(const char *at, const char *end)
{
    const bool is_block = end - at >= 2 && at[0] == '/' && at[1] == '*';

    if (!is_block && !(end - at >= 2 && at[0] == '-' && at[1] == '-'))
        return at;
    for (at += 2; at < end; at++) {
        if (is_block && at[0] == '*' && end - at >= 2 && at[1] == '/')
            return at + 2;
        if (!is_block && *at == '\n')
            return at + 1;
    }
    return end;
}

/* Returns the end of the quoted text that begins at `at`; `at` if there is none. */
static const char *skip_quoted(const char *at, const char *end)
{
    const char open = *at;
    const char close = (char)(open == '[' ? ']' : open);

    if (*at != '\'' && *at != '"' && *at != '`' && *at != '[')
        return at;
    for (at++; at < end && *at != close; at++) {
    }
    return at < end ? at + 1 : end;
}

/* Returns the statement without comments and insignificant white space. The caller frees it. */
static char *normalize(struct slice sql)
{
    const char *end = sql.data + sql.len;
    char *out = malloc(sql.len + 1);
    bool has_gap = false;
    size_t len = 0;

    if (out == NULL)
        abort();
    for (const char *at = sql.data; at < end;) {
        const char *next = skip_comment(at, end);
        if (next != at || isspace((unsigned char)*at)) {
            has_gap = true;
            at = next != at ? next : at + 1;
            continue;
        }
        next = skip_quoted(at, end);
        if (has_gap && len > 0 && is_word(out[len - 1]) && is_word(*at))
            out[len++] = ' ';
        has_gap = false;
        const size_t part = next != at ? (size_t)(next - at) : 1;
        memcpy(out + len, at, part);
        len += part;
        at += part;
    }
    out[len] = '\0';
    return out;
}

static bool is_same_statement(struct slice a, struct slice b)
{
    if (a.data == NULL || b.data == NULL)
        return a.data == b.data;
    char *left = normalize(a);
    char *right = normalize(b);
    const bool is_same = strcmp(left, right) == 0;
    free(left);
    free(right);
    return is_same;
}

static bool has_prefix(struct slice text, const char *prefix)
{
    const size_t len = strlen(prefix);

    return text.len >= len && sqlite3_strnicmp(text.data, prefix, (int)len) == 0;
}

/* --- Objects ------------------------------------------------------------------------------- */

/* SQLite compares names without regard to case. */
static bool is_same_name(struct slice a, struct slice b)
{
    return a.len == b.len && sqlite3_strnicmp(a.data, b.data, (int)a.len) == 0;
}

static bool set_object_error(const struct object *object, const char *why, struct error *err)
{
    const bool has_table = !is_same_name(object->name, object->table);

    return error_set(err, ERROR_INTERNAL, NULL,
                     "the %.20s %.64s%s%.64s %s; drop it, or restore a backup", object->type.data,
                     object->name.data, has_table ? " of the table " : "",
                     has_table ? object->table.data : "", why);
}

static struct object read_object(sqlite3_stmt *stmt)
{
    return (struct object){.type = column_text(stmt, 0),
                           .name = column_text(stmt, 1),
                           .table = column_text(stmt, 2),
                           .sql = column_text(stmt, 3)};
}

/* Executes `sql` with the text as ?1 and reads the selected number. */
static bool query_number(sqlite3 *db, const char *sql, struct slice text, int64_t *out,
                         struct error *err)
{
    sqlite3_stmt *stmt;

    if (!connection_prepare(db, sql, &stmt, err))
        return false;
    sqlite3_bind_text64(stmt, 1, text.data, text.len, SQLITE_STATIC, SQLITE_UTF8);
    const int result = sqlite3_step(stmt);
    if (result == SQLITE_ROW)
        *out = sqlite3_column_int64(stmt, 0);
    else
        sqlite_error_set(db, "reading the schema", err);
    sqlite3_finalize(stmt);
    return result == SQLITE_ROW;
}

static bool is_dropped_index(const struct object *object)
{
    for (size_t i = 0; i < sizeof(dropped_indexes) / sizeof(dropped_indexes[0]); i++) {
        if (object->sql.data != NULL &&
            is_same_statement(object->sql, slice_from(dropped_indexes[i])))
            return true;
    }
    return false;
}

/* Accepts a plain table of another program without generated columns. */
static bool check_foreign_table(const struct comparison *c, const struct object *object)
{
    int64_t calculated;

    if (!has_prefix(object->sql, "CREATE TABLE "))
        return set_object_error(object, "is not part of the schema of sessiond", c->err);
    return query_number(c->db, "SELECT count(*) FROM pragma_table_xinfo(?1) WHERE hidden <> 0",
                        object->name, &calculated, c->err) &&
           (calculated == 0 || set_object_error(object, "has generated columns", c->err));
}

/* Accepts an index of a foreign table if it has no expressions and is not partial. */
static bool check_foreign_index(const struct comparison *c, const struct object *object)
{
    int64_t of_model;
    int64_t calculated;

    if (is_dropped_index(object))
        return true;
    if (!query_number(c->model, "SELECT count(*) FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE",
                      object->table, &of_model, c->err))
        return false;
    if (of_model != 0)
        return set_object_error(object, "is not part of the schema of sessiond", c->err);
    return query_number(
               c->db,
               "SELECT (SELECT count(*) FROM pragma_index_xinfo(?1) WHERE cid = -2)"
               " + (SELECT count(*) FROM sqlite_schema AS s, pragma_index_list(s.tbl_name) AS i"
               " WHERE s.name = ?1 AND i.name = ?1 AND i.partial)",
               object->name, &calculated, c->err) &&
           (calculated == 0 || set_object_error(object, "is partial or has expressions", c->err));
}

static bool check_foreign(const struct comparison *c, const struct object *object)
{
    if (slice_is(object->type, "table") && object->sql.data != NULL)
        return check_foreign_table(c, object);
    if (slice_is(object->type, "index"))
        return check_foreign_index(c, object);
    return set_object_error(object, "is not part of the schema of sessiond", c->err);
}

/* Compares an object with the model's object of the same name. Objects of the search index are
 * compared when it is opened, and rebuilt if they differ. */
static bool compare_objects(const struct comparison *c, const struct object *found,
                            const struct object *wanted)
{
    if (has_prefix(wanted->name, SEARCH_PREFIX))
        return true;
    return (slice_equal(found->type, wanted->type) && is_same_name(found->table, wanted->table) &&
            is_same_statement(found->sql, wanted->sql)) ||
           set_object_error(found, "differs from the schema of sessiond", c->err);
}

#define OBJECTS "SELECT type, name, tbl_name, sql, rootpage FROM sqlite_schema"

static bool check_object(const struct comparison *c, const struct object *found)
{
    sqlite3_stmt *stmt;

    if (found->type.data == NULL || found->name.data == NULL || found->table.data == NULL)
        return error_set(c->err, ERROR_INTERNAL, NULL,
                         "its schema has an object without a name; restore a backup");
    if (!connection_prepare(c->model, OBJECTS " WHERE name = ?1 COLLATE NOCASE", &stmt, c->err))
        return false;
    sqlite3_bind_text64(stmt, 1, found->name.data, found->name.len, SQLITE_STATIC, SQLITE_UTF8);
    const int result = sqlite3_step(stmt);
    bool ok = false;
    if (result == SQLITE_ROW) {
        const struct object wanted = read_object(stmt);
        ok = compare_objects(c, found, &wanted);
    } else if (result == SQLITE_DONE) {
        ok = check_foreign(c, found);
    } else {
        sqlite_error_set(c->model, "reading the schema", c->err);
    }
    sqlite3_finalize(stmt);
    return ok;
}

static bool check_found(const struct comparison *c)
{
    sqlite3_stmt *stmt;
    int result = SQLITE_ROW;
    bool ok = true;

    if (!connection_prepare(c->db, OBJECTS, &stmt, c->err))
        return false;
    while (ok && (result = sqlite3_step(stmt)) == SQLITE_ROW) {
        const struct object found = read_object(stmt);
        ok = check_object(c, &found);
    }
    if (ok && result != SQLITE_DONE)
        ok = sqlite_error_set(c->db, "reading the schema", c->err);
    sqlite3_finalize(stmt);
    return ok;
}

/* --- Missing objects ------------------------------------------------------------------------ */

static bool is_optional(const struct object *object)
{
    return has_prefix(object->name, SEARCH_PREFIX) ||
           slice_is(object->name, "idx_sessions_terminated") ||
           slice_is(object->name, "idx_sessions_paused");
}

static bool check_wanted(const struct comparison *c, const struct object *wanted)
{
    int64_t found;

    if (is_optional(wanted))
        return true;
    if (!query_number(c->db, "SELECT count(*) FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE",
                      wanted->name, &found, c->err))
        return false;
    return found != 0 ||
           error_set(c->err, ERROR_INTERNAL, NULL, "the %s %s is missing; restore a backup",
                     wanted->type.data, wanted->name.data);
}

static bool check_missing(const struct comparison *c)
{
    sqlite3_stmt *stmt;
    int result = SQLITE_ROW;
    bool ok = true;

    if (!connection_prepare(c->model, OBJECTS, &stmt, c->err))
        return false;
    while (ok && (result = sqlite3_step(stmt)) == SQLITE_ROW) {
        const struct object wanted = read_object(stmt);
        ok = check_wanted(c, &wanted);
    }
    if (ok && result != SQLITE_DONE)
        ok = sqlite_error_set(c->model, "reading the schema", c->err);
    sqlite3_finalize(stmt);
    return ok;
}

bool schema_check(sqlite3 *db, sqlite3 *model, struct error *err)
{
    const struct comparison comparison = {.db = db, .model = model, .err = err};

    return check_found(&comparison) && check_missing(&comparison);
}
