#include "db/sqlite/write/lease.h"

#include "db/base/monotonic.h"
#include "db/base/timestamp.h"
#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/write/event.h"
#include "db/sqlite/write/operations.h"

/* Limit of the leases that one transaction expires or restarts, so that it does not delay other
 * writes. */
#define LEASE_BATCH_MAX 256

static void limit_due_time(struct write_operations *ops, int64_t deadline_us)
{
    if (deadline_us < ops->state.lease_due_us)
        ops->state.lease_due_us = deadline_us;
}

static void bind_skipped(const struct write_operations *ops, sqlite3_stmt *stmt, int parameter)
{
    sqlite3_bind_int64(stmt, parameter, ops->state.lease_skipped.deadline_us);
    sqlite3_bind_int64(stmt, parameter + 1, ops->state.lease_skipped.session_seq);
}

static bool find_next_deadline(struct write_operations *ops, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_LEASE_NEXT];
    bool ok;

    ops->state.lease_due_us = INT64_MAX;
    bind_skipped(ops, stmt, 1);
    if (!write_next_row(&ops->statements, WRITE_LEASE_NEXT, "finding the next lease", &ok, err))
        return ok;
    ops->state.lease_due_us = sqlite3_column_int64(stmt, 0);
    write_reset(&ops->statements, WRITE_LEASE_NEXT);
    return true;
}

void write_lease_invalidate(struct write_operations *ops)
{
    ops->state.leases_stale = true;
    ops->state.lease_restarted = (struct lease_position){INT64_MAX, INT64_MAX};
    ops->state.lease_skipped = (struct lease_position){INT64_MIN, INT64_MIN};
    ops->state.lease_due_us = 0;
}

/* Advances to the next lease that has no new term yet. *found is false when there is none. */
static bool find_next_stale(struct write_operations *ops, bool *found, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_LEASE_NEXT_STALE];
    struct lease_position *position = &ops->state.lease_restarted;
    bool ok;

    sqlite3_bind_int64(stmt, 1, position->deadline_us);
    sqlite3_bind_int64(stmt, 2, position->session_seq);
    *found = write_next_row(&ops->statements, WRITE_LEASE_NEXT_STALE, "finding a lease", &ok, err);
    if (!*found)
        return ok;
    *position =
        (struct lease_position){sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 0)};
    write_reset(&ops->statements, WRITE_LEASE_NEXT_STALE);
    return true;
}

static bool restart_lease(struct write_operations *ops, int64_t wall_us, int64_t now_us,
                          struct error *err)
{
    const int64_t seq = ops->state.lease_restarted.session_seq;

    sqlite3_bind_int64(ops->statements.prepared[WRITE_LEASE_RESTART_TERM], 1, seq);
    sqlite3_bind_int64(ops->statements.prepared[WRITE_LEASE_RESTART_TERM], 2, wall_us);
    sqlite3_bind_int64(ops->statements.prepared[WRITE_LEASE_RESTART], 1, seq);
    sqlite3_bind_int64(ops->statements.prepared[WRITE_LEASE_RESTART], 2, now_us);
    return write_run(&ops->statements, WRITE_LEASE_RESTART_TERM, "restarting a lease", err) &&
           write_run(&ops->statements, WRITE_LEASE_RESTART, "restarting a lease", err);
}

/* Gives some leases their new term, in descending order of their deadlines. A lease whose new
 * deadline is earlier than its old one is found a second time. Its next deadline is later, so it is
 * not found a third time. */
static bool restart_leases(struct write_operations *ops, struct error *err)
{
    /* Read the wall clock first: a lease must last at least until its expires_at. */
    const int64_t wall_us = timestamp_now_us();
    const int64_t now_us = monotonic_us();
    bool found = true;

    /* A text, or a number beyond 64 bits, does not sort among the integers. */
    if (!write_run(&ops->statements, WRITE_LEASE_REPAIR, "repairing a lease", err))
        return false;
    for (int restarted = 0; restarted < LEASE_BATCH_MAX; restarted++) {
        if (!find_next_stale(ops, &found, err) ||
            (found && !restart_lease(ops, wall_us, now_us, err)))
            return false;
        if (!found)
            break;
    }
    ops->state.leases_stale = found;
    return found || find_next_deadline(ops, err);
}

static bool set_lease_held_error(struct store_job *job)
{
    const struct slice owner = job->session.lease.owner;

    return error_set(&job->error, ERROR_LEASE_HELD, NULL,
                     "%.*s holds the lease of the session; send its Lease-Token, or wait until the "
                     "lease expires",
                     (int)(owner.len < 64 ? owner.len : 64), owner.data);
}

static bool set_lease_lost_error(struct store_job *job)
{
    return error_set(&job->error, ERROR_LEASE_LOST, "Lease-Token",
                     "the lease with token %lld has ended; the session may have changed since; "
                     "acquire the lease again and read the session",
                     (long long)job->fence.token);
}

static bool is_held(const struct session_lease *lease)
{
    return lease->owner.data != NULL;
}

/* Whether the job presents the token of the held lease. */
static bool is_holder(const struct store_job *job)
{
    return is_held(&job->session.lease) && job->fence.present &&
           job->fence.token == job->session.lease.token;
}

static bool belongs_to_another(const struct store_job *job)
{
    const struct session_lease *lease = &job->session.lease;

    return is_held(lease) && !slice_equal(lease->owner, job->owner);
}

bool write_lease_check_fence(struct write_operations *ops, struct store_job *job)
{
    if (is_holder(job) || (!is_held(&job->session.lease) && !job->fence.present))
        return true;
    ops->change.counts[STORE_WRITES_FENCED]++;
    return job->fence.present ? set_lease_lost_error(job) : set_lease_held_error(job);
}

bool write_lease_clear(struct write_operations *ops, struct session *session, struct error *err)
{
    if (!is_held(&session->lease))
        return true;
    sqlite3_bind_int64(ops->statements.prepared[WRITE_LEASE_CLEAR], 1, session->seq);
    session->lease = (struct session_lease){.token = session->lease.token};
    return write_run(&ops->statements, WRITE_LEASE_CLEAR, "clearing a lease", err);
}

/* Stores the end of the new term and sets it in the job's result. Reads the wall clock first, so
 * that a lease lasts at least until its expires_at. */
static bool begin_term(struct write_operations *ops, struct store_job *job, int64_t *deadline_us,
                       struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_LEASE_TERM];
    struct session_lease *lease = &job->session.lease;

    lease->owner = job->owner;
    lease->ttl_ms = job->ttl_ms;
    lease->left_us = job->ttl_ms * 1000;
    lease->expires_us = timestamp_now_us() + lease->left_us;
    *deadline_us = monotonic_us() + lease->left_us;
    limit_due_time(ops, *deadline_us);
    sqlite3_bind_int64(stmt, 1, job->session.seq);
    sqlite3_bind_int64(stmt, 2, lease->expires_us);
    return write_run(&ops->statements, WRITE_LEASE_TERM, "beginning a term", err);
}

static bool renew_lease(struct write_operations *ops, struct store_job *job, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_LEASE_RENEW];
    int64_t deadline_us;

    if (!begin_term(ops, job, &deadline_us, err))
        return false;
    sqlite3_bind_int64(stmt, 1, job->session.seq);
    sqlite3_bind_int64(stmt, 2, job->ttl_ms);
    sqlite3_bind_int64(stmt, 3, deadline_us);
    return write_run(&ops->statements, WRITE_LEASE_RENEW, "renewing a lease", err);
}

/* `lease` is the lease that begins or ends. */
static bool write_lease_event(struct write_operations *ops, const struct session *session,
                              enum store_event_type type, enum session_status from,
                              const struct session_lease *lease, struct error *err)
{
    struct store_event event = write_event_make(session, type);

    write_event_status(&event, from, session->status);
    event.lease_owner = lease->owner;
    event.lease_token = lease->token;
    return write_event(ops, &event, err);
}

/* Makes a token greater than that of the session and those of all deleted sessions: a deleted
 * session may have had the same id. */
static bool next_token(struct write_operations *ops, int64_t *token, struct error *err)
{
    int64_t floor;
    bool ok;

    if (!write_next_row(&ops->statements, WRITE_LEASE_FLOOR, "finding a token", &ok, err))
        return ok && error_set(err, ERROR_INTERNAL, NULL, "the table sessiond_leases has no row");
    floor = column_count(ops->statements.prepared[WRITE_LEASE_FLOOR], 0);
    write_reset(&ops->statements, WRITE_LEASE_FLOOR);
    floor = *token > floor ? *token : floor;
    if (floor == COLUMN_COUNT_MAX)
        return error_set(err, ERROR_INTERNAL, NULL,
                         "a stored fencing token is out of range; run sessiond check");
    *token = floor + 1;
    return true;
}

static bool grant_lease(struct write_operations *ops, struct store_job *job, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_LEASE_GRANT];
    struct session *session = &job->session;
    const enum session_status from = session->status;
    const bool is_stolen = belongs_to_another(job);
    int64_t deadline_us;

    if (!next_token(ops, &session->lease.token, err) || !begin_term(ops, job, &deadline_us, err))
        return false;
    session->version++;
    session->updated_us = clock_next(&ops->state.clock);
    sqlite3_bind_int64(stmt, 1, session->seq);
    column_bind_time(stmt, 2, session->updated_us);
    column_bind_text(stmt, 3, job->owner);
    sqlite3_bind_int64(stmt, 4, session->lease.token);
    sqlite3_bind_int64(stmt, 5, job->ttl_ms);
    sqlite3_bind_int64(stmt, 6, deadline_us);
    write_count_status(ops, session->status, SESSION_ACTIVE);
    session->status = SESSION_ACTIVE;
    ops->change.counts[STORE_LEASES_GRANTED]++;
    ops->change.counts[STORE_LEASES_STOLEN] += is_stolen;
    return write_run(&ops->statements, WRITE_LEASE_GRANT, "granting a lease", err) &&
           write_lease_event(ops, session, is_stolen ? EVENT_LEASE_STOLEN : EVENT_LEASE_GRANTED,
                             from, &session->lease, err);
}

/* Rejects the job unless the stored session allows the lease. The same owner without its token is a
 * restarted process and gets a new lease. A request with a token never takes a lease over, not even
 * with `steal`: its client may have lost the lease long ago and must read the session first. */
static bool check_grant(struct store_job *job)
{
    const struct session *session = &job->session;

    if (job->fence.present && !is_holder(job))
        return set_lease_lost_error(job);
    if (!session_may_become(session->status, SESSION_ACTIVE))
        return error_set(&job->error, ERROR_INVALID_TRANSITION, NULL,
                         "a session with status %s cannot have a lease",
                         session_status_name(session->status));
    if (belongs_to_another(job) && (job->fence.present || !job->steal))
        return set_lease_held_error(job);
    return true;
}

bool write_lease(struct write_operations *ops, struct store_job *job, struct error *err)
{
    bool found;

    if (!write_find(ops, job, false, &found, err))
        return false;
    if (!found)
        return true;
    if (is_holder(job) && slice_equal(job->session.lease.owner, job->owner))
        return renew_lease(ops, job, err);
    return !check_grant(job) || grant_lease(ops, job, err);
}

/* recovered_us is 0 when the owner released the lease. */
static bool end_lease(struct write_operations *ops, struct session *session,
                      enum store_event_type type, int64_t now_us, int64_t recovered_us,
                      struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_LEASE_END];
    const enum session_status from = session->status;
    const enum session_status to = from == SESSION_ACTIVE ? SESSION_PAUSED : from;
    const struct session_lease ended = session->lease;

    sqlite3_bind_int64(stmt, 1, session->seq);
    column_bind_time(stmt, 2, now_us);
    column_bind_text(stmt, 3, slice_from(session_status_name(to)));
    if (recovered_us != 0)
        column_bind_time(stmt, 4, recovered_us);
    write_count_status(ops, from, to);
    session->status = to;
    session->version++;
    session->updated_us = now_us;
    session->lease = (struct session_lease){.token = session->lease.token};
    return write_run(&ops->statements, WRITE_LEASE_END, "ending a lease", err) &&
           write_lease_event(ops, session, type, from, &ended, err);
}

bool write_release(struct write_operations *ops, struct store_job *job, struct error *err)
{
    const struct session_lease *lease = &job->session.lease;
    bool found;

    if (!write_find(ops, job, false, &found, err))
        return false;
    if (!found)
        return true;
    if (is_holder(job))
        return end_lease(ops, &job->session, EVENT_LEASE_RELEASED, clock_next(&ops->state.clock), 0,
                         err);
    if (!is_held(lease) && job->fence.present && job->fence.token == lease->token)
        return true; /* a retry of a release */
    if (!is_held(lease) && !job->fence.present) {
        error_set(&job->error, ERROR_NO_LEASE, NULL, "the session has no lease");
        return true;
    }
    job->fence.present ? set_lease_lost_error(job) : set_lease_held_error(job);
    return true;
}

/* Reads the current row of the statement; the slices are valid until it is stepped or reset. */
static bool read_overdue(sqlite3_stmt *stmt, struct session *out, struct error *err)
{
    const struct slice status = column_text(stmt, 1);

    *out = (struct session){
        .seq = sqlite3_column_int64(stmt, 0),
        .id = column_text(stmt, 2),
        .thread_id = column_text(stmt, 3),
        .project_path = column_text(stmt, 4),
        .version = column_count(stmt, 5),
        .lease = {.owner = column_text(stmt, 6), .token = column_count(stmt, 7)},
    };
    return session_status_parse(status, &out->status) ||
           error_set(err, ERROR_INTERNAL, NULL, "session %.*s has an unknown status",
                     (int)(out->id.len < UUID_LENGTH ? out->id.len : UUID_LENGTH),
                     out->id.data == NULL ? "" : out->id.data);
}

static bool expire_lease(struct write_operations *ops, sqlite3_stmt *stmt, struct error *err)
{
    struct session session;

    if (!read_overdue(stmt, &session, err)) {
        skipped_rows_add(&ops->skipped, err);
        ops->state.lease_skipped =
            (struct lease_position){sqlite3_column_int64(stmt, 8), session.seq};
        return true;
    }
    const int64_t time_us = clock_next(&ops->state.clock);
    ops->change.counts[STORE_LEASES_EXPIRED]++;
    ops->change.counts[STORE_SESSIONS_RECOVERED]++;
    return end_lease(ops, &session, EVENT_LEASE_EXPIRED, time_us, time_us, err);
}

/* Expires the lease with the earliest overdue deadline. *found is false when there is none. */
static bool expire_first_lease(struct write_operations *ops, int64_t now_us, bool *found,
                               struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_LEASE_OVERDUE];
    bool ok;

    sqlite3_bind_int64(stmt, 1, now_us);
    bind_skipped(ops, stmt, 2);
    *found = write_next_row(&ops->statements, WRITE_LEASE_OVERDUE, "finding a lease", &ok, err);
    if (!*found)
        return ok;
    ok = expire_lease(ops, stmt, err);
    write_reset(&ops->statements, WRITE_LEASE_OVERDUE);
    return ok;
}

bool write_lease_expire(struct write_operations *ops, struct error *err)
{
    const int64_t now_us = monotonic_us();
    bool found = true;

    if (ops->state.leases_stale)
        return restart_leases(ops, err);
    for (int ended = 0; ended < LEASE_BATCH_MAX && found; ended++) {
        if (!expire_first_lease(ops, now_us, &found, err))
            return false;
    }
    return find_next_deadline(ops, err);
}
