#include "db/sqlite/connection/session_row.h"

#include "db/base/monotonic.h"
#include "db/base/timestamp.h"
#include "db/base/uuid.h"
#include "db/sqlite/connection/column.h"

#include <stdlib.h>

enum column {
    COLUMN_SEQ,
    COLUMN_ID,
    COLUMN_PROJECT_PATH,
    COLUMN_THREAD_ID,
    COLUMN_STATUS,
    COLUMN_VERSION,
    COLUMN_CREATED_AT,
    COLUMN_UPDATED_AT,
    COLUMN_RECOVERED_AT,
    COLUMN_LEASE_OWNER,
    COLUMN_LEASE_TOKEN,
    COLUMN_LEASE_TTL_MS,
    COLUMN_LEASE_DEADLINE_US,
    COLUMN_LEASE_EXPIRES_US,
    COLUMN_SIZE,
    COLUMN_ENTRY_COUNT,
    COLUMN_ENTRY_BYTES,
    COLUMN_PARENT_ID,
    COLUMN_ADOPTED_SIZE,
    COLUMN_CONTEXT,
};

static void read_context(sqlite3_stmt *stmt, session_context_fix fix_context,
                         struct session_row *out)
{
    struct slice text = column_text(stmt, COLUMN_CONTEXT);

    if (text.data == NULL) {
        text = SLICE_LITERAL("{}");
    } else if (sqlite3_column_type(stmt, COLUMN_ADOPTED_SIZE) == SQLITE_NULL) {
        out->replaced = fix_context(text);
        if (out->replaced != NULL)
            text = slice_from(out->replaced);
    }
    out->session.context = text;
    out->session.context_bytes = (int64_t)text.len;
}

static void read_lease(sqlite3_stmt *stmt, struct session_lease *lease)
{
    lease->token = column_count(stmt, COLUMN_LEASE_TOKEN);
    if (sqlite3_column_type(stmt, COLUMN_LEASE_OWNER) == SQLITE_NULL)
        return;
    lease->owner = column_text(stmt, COLUMN_LEASE_OWNER);
    lease->ttl_ms = column_count(stmt, COLUMN_LEASE_TTL_MS);
    lease->left_us = column_time(stmt, COLUMN_LEASE_DEADLINE_US) - monotonic_us();
    lease->expires_us = column_time(stmt, COLUMN_LEASE_EXPIRES_US);
}

static bool read_times(sqlite3_stmt *stmt, struct session *session)
{
    const struct slice recovered = column_text(stmt, COLUMN_RECOVERED_AT);

    return timestamp_parse(column_text(stmt, COLUMN_CREATED_AT), &session->created_us) &&
           timestamp_parse(column_text(stmt, COLUMN_UPDATED_AT), &session->updated_us) &&
           (recovered.data == NULL || timestamp_parse(recovered, &session->recovered_us));
}

static bool is_lower_case_id(struct slice text)
{
    char id[UUID_SIZE];

    return uuid_read(text, id) && slice_is(text, id);
}

/* Rejects a row that violates an invariant on which all readers depend. */
static bool check_row(const struct session *session, struct error *err)
{
    if (!is_lower_case_id(session->id))
        return error_set(err, ERROR_INTERNAL, NULL,
                         "session %.40s: the id is not a lower-case UUID", session->id.data);
    if (session->seq < 1 || session->seq > TIMESTAMP_MAX_US)
        return error_set(err, ERROR_INTERNAL, NULL, "session %.36s: the seq %lld is invalid",
                         session->id.data, (long long)session->seq);
    if (session->project_path.data == NULL || session->thread_id.data == NULL)
        return error_set(err, ERROR_INTERNAL, NULL,
                         "session %.36s: the project_path or thread_id is NULL", session->id.data);
    return true;
}

bool session_row_read(sqlite3_stmt *stmt, session_context_fix fix_context, struct session_row *out,
                      struct error *err)
{
    struct session_row row = {0};
    struct session *session = &row.session;

    session->seq = sqlite3_column_int64(stmt, COLUMN_SEQ);
    session->id = column_text(stmt, COLUMN_ID);
    session->project_path = column_text(stmt, COLUMN_PROJECT_PATH);
    session->thread_id = column_text(stmt, COLUMN_THREAD_ID);
    session->version = column_count(stmt, COLUMN_VERSION);
    session->context_bytes = column_count(stmt, COLUMN_SIZE);
    session->entry_count = column_count(stmt, COLUMN_ENTRY_COUNT);
    if (session->entry_count != 0)
        session->entry_bytes = column_count(stmt, COLUMN_ENTRY_BYTES);
    session->parent_id = column_text(stmt, COLUMN_PARENT_ID);
    if (!check_row(session, err))
        return false;
    if (!session_status_parse(column_text(stmt, COLUMN_STATUS), &session->status))
        return error_set(err, ERROR_INTERNAL, NULL, "session %.36s: the status is unknown",
                         session->id.data);
    if (!read_times(stmt, session))
        return error_set(err, ERROR_INTERNAL, NULL, "session %.36s: a time is invalid",
                         session->id.data);
    read_lease(stmt, &session->lease);
    if (fix_context != NULL)
        read_context(stmt, fix_context, &row);
    *out = row;
    return true;
}

void session_row_release(struct session_row *row)
{
    free(row->replaced);
    row->replaced = NULL;
}
