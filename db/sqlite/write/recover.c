/* Recovery after a crash: pauses the ACTIVE sessions of one owner, or those without a lease, a page
 * at a time. */

#include "db/sqlite/connection/column.h"
#include "db/sqlite/write/bulk.h"
#include "db/sqlite/write/event.h"
#include "db/sqlite/write/operations.h"

static bool has_owner(const struct store_job *job, sqlite3_stmt *stmt)
{
    const struct slice owner = column_text(stmt, 5);

    if (job->owner.data == NULL)
        return owner.data == NULL;
    return owner.data != NULL && slice_equal(owner, job->owner);
}

/* The index has the ACTIVE sessions in the order of their seq. */
static bool collect_rows(struct write_operations *ops, struct bulk_rows *rows, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_ACTIVE];
    struct store_bulk *bulk = &rows->job->bulk;
    bool ok;

    sqlite3_bind_int64(stmt, 1, bulk->next.seq);
    while (write_next_row(&ops->statements, WRITE_ACTIVE, "finding sessions", &ok, err)) {
        if (!write_bulk_count_row(rows) ||
            (has_owner(rows->job, stmt) && !write_bulk_add(rows, stmt))) {
            bulk->more = true;
            write_reset(&ops->statements, WRITE_ACTIVE);
            return true;
        }
        bulk->next.seq = sqlite3_column_int64(stmt, 0);
    }
    return ok;
}

static bool recover_row(struct write_operations *ops, const struct store_job *job,
                        struct session *session, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_RECOVER];
    const struct session_lease lease = session->lease;

    session->version++;
    session->updated_us = clock_next(&ops->state.clock);
    sqlite3_bind_int64(stmt, 1, session->seq);
    column_bind_time(stmt, 2, session->updated_us);
    column_bind_time(stmt, 3, job->session.recovered_us);
    if (!write_run(&ops->statements, WRITE_RECOVER, "recovering a session", err))
        return false;
    struct store_event event = write_event_make(session, EVENT_SESSION_RECOVERED);
    write_event_status(&event, SESSION_ACTIVE, SESSION_PAUSED);
    event.lease_owner = lease.owner;
    event.lease_token = lease.owner.data == NULL ? 0 : lease.token;
    return write_event(ops, &event, err);
}

bool write_recover(struct write_operations *ops, struct store_job *job, struct error *err)
{
    struct store_bulk *bulk = &job->bulk;
    struct bulk_rows rows = {.job = job};

    if (!write_bulk_check_position(ops, job))
        return true;
    bulk->more = false;
    bulk->next = bulk->place;
    if (bulk->next.began_us == 0)
        bulk->next.began_us = clock_next(&ops->state.clock);
    job->session.recovered_us = bulk->next.began_us;
    if (!collect_rows(ops, &rows, err))
        return false;
    if (!write_bulk_admit(&rows))
        return true;
    for (size_t i = 0; i < rows.count; i++) {
        if (!recover_row(ops, job, &rows.all[i].session, err))
            return false;
    }
    write_bulk_set_result(&rows);
    ops->change.sessions[SESSION_ACTIVE] -= (int64_t)rows.count;
    ops->change.sessions[SESSION_PAUSED] += (int64_t)rows.count;
    ops->change.counts[STORE_SESSIONS_RECOVERED] += (int64_t)rows.count;
    return true;
}
