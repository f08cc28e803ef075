#include "db/sqlite/read/session.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"

bool read_get(struct reader *reader, const char *id, store_row_fn visit, void *arg,
              struct error *err)
{
    sqlite3_stmt *stmt = reader->get;
    struct session_row row;
    bool ok = false;

    sqlite3_bind_text(stmt, 1, id, UUID_LENGTH, SQLITE_STATIC);
    const int result = sqlite3_step(stmt);
    if (result == SQLITE_DONE) {
        error_set(err, ERROR_NOT_FOUND, NULL, "no session has the id %s", id);
    } else if (result != SQLITE_ROW) {
        sqlite_error_set(reader->db, "reading a session", err);
    } else if (session_row_read(stmt, reader->fix_context, &row, err)) {
        visit(arg, &row.session);
        session_row_release(&row);
        ok = true;
    }
    sqlite3_reset(stmt);
    return ok;
}

static bool get_list_statement(struct reader *reader, const struct store_list_query *query,
                               sqlite3_stmt **out, struct error *err)
{
    sqlite3_stmt **prepared = &reader->lists[list_query_shape(query)];
    char sql[LIST_QUERY_MAX_SQL];

    if (*prepared == NULL) {
        list_query_sql(query, sql);
        if (!connection_prepare(reader->db, sql, prepared, err))
            return false;
    }
    *out = *prepared;
    return true;
}

bool read_list(struct reader *reader, const struct store_list_query *query, store_row_fn visit,
               void *arg, struct store_page *page, struct error *err)
{
    struct store_page result = {.last = query->after};
    struct session_row row;
    sqlite3_stmt *stmt;
    bool ok = false;
    int step;

    if (!get_list_statement(reader, query, &stmt, err))
        return false;
    list_query_bind(stmt, query);
    for (int visited_rows = 0; (step = sqlite3_step(stmt)) == SQLITE_ROW; visited_rows++) {
        if (visited_rows == query->limit) {
            result.more = true;
            break;
        }
        if (list_query_is_truncated(stmt, query, &result.last)) {
            result.more = true;
            break;
        }
        if (!session_row_read(stmt, query->with_context ? reader->fix_context : NULL, &row, err))
            goto done;
        const enum store_visit visited = visit(arg, &row.session);
        if (visited == STORE_VISIT_NEXT)
            result.last = row.session.seq;
        session_row_release(&row);
        if (visited == STORE_VISIT_STOP) {
            result.more = true;
            break;
        }
    }
    if (step != SQLITE_DONE && step != SQLITE_ROW) {
        sqlite_error_set(reader->db, "listing sessions", err);
        goto done;
    }
    *page = result;
    ok = true;

done:
    sqlite3_reset(stmt);
    return ok;
}
