#include "db/sqlite/maintenance/retention.h"

#include "db/base/monotonic.h"
#include "db/sqlite/write/operations.h"

#include <stdio.h>

/* Limits of a step of the maintenance task, so that it does not delay other writes. The entries of
 * a deleted session are collected later. */
#define STEP_SESSIONS 32
#define STEP_BYTES (1 << 20)
#define STEP_ROWS 256

/* Limits of a job, which runs between two batches. */
#define JOB_SESSIONS 64
#define JOB_BYTES (4 << 20)
#define JOB_ROWS 4096

/* Interval after which the task examines sessions again that were leased or had new entries, in
 * µs. */
#define RESTART_INTERVAL_US INT64_C(3600000000)

/* The rest of the limits of a step. A member below one: the step is over. */
struct budget {
    int64_t sessions;
    int64_t bytes;
    int64_t rows;
};

static bool is_used_up(const struct budget *budget)
{
    return budget->sessions <= 0 || budget->bytes <= 0 || budget->rows <= 0;
}

static bool purge_session(struct write_operations *ops, enum store_purge_reason reason,
                          const struct session *session, struct budget *budget,
                          struct retention_tally *tally, struct error *err)
{
    static const enum store_count counts[STORE_PURGE_REASONS] = {
        [STORE_PURGE_TERMINATED] = STORE_PURGED_TERMINATED,
        [STORE_PURGE_IDLE] = STORE_PURGED_IDLE,
    };

    if (!write_delete_session(ops, session, err))
        return false;
    budget->sessions--;
    budget->bytes -= session->context_bytes;
    tally->sessions[reason]++;
    tally->bytes += session->context_bytes + session->entry_bytes;
    ops->change.counts[counts[reason]]++;
    return true;
}

/* Examines the next session of a reason and deletes it if it has expired. *found is false at the
 * end. */
static bool purge_next_candidate(struct write_operations *ops, enum store_purge_reason reason,
                                 struct retention_position *position, struct budget *budget,
                                 struct retention_tally *tally, bool *found, struct error *err)
{
    static const enum write_statement statements[STORE_PURGE_REASONS] = {
        [STORE_PURGE_TERMINATED] = WRITE_PURGE_TERMINATED,
        [STORE_PURGE_IDLE] = WRITE_PURGE_IDLE,
    };
    const int64_t cutoff_us = retention_query_cutoff_us(ops->state.purge.retain_us[reason]);
    struct session session;
    bool is_expired;
    bool ok;

    if (!write_prepare(&ops->statements, statements[reason], err))
        return false;
    sqlite3_stmt *stmt = ops->statements.prepared[statements[reason]];
    retention_query_bind(stmt, position, cutoff_us);
    sqlite3_bind_int64(stmt, 4, position->skipped);
    *found =
        write_next_row(&ops->statements, statements[reason], "finding expired sessions", &ok, err);
    if (!*found)
        return ok;
    budget->rows--;
    if (retention_query_read(stmt, cutoff_us, position, &session, &is_expired, err)) {
        ok = !is_expired || purge_session(ops, reason, &session, budget, tally, err);
    } else {
        skipped_rows_add(&ops->skipped, err);
        position->skipped++;
    }
    write_reset(&ops->statements, statements[reason]);
    return ok;
}

static bool purge_candidates(struct write_operations *ops, enum store_purge_reason reason,
                             struct retention_position *position, struct budget *budget,
                             struct retention_tally *tally, struct error *err)
{
    bool found = ops->state.purge.retain_us[reason] > 0;

    while (found && !is_used_up(budget)) {
        if (!purge_next_candidate(ops, reason, position, budget, tally, &found, err))
            return false;
    }
    return true;
}

static void restart_scan(struct retention_state *purge)
{
    memset(purge->places, 0, sizeof(purge->places));
    purge->began_us = monotonic_us();
}

bool retention_step(struct write_operations *ops, bool *more, struct error *err)
{
    struct budget budget = {STEP_SESSIONS, STEP_BYTES, STEP_ROWS};
    struct retention_state *purge = &ops->state.purge;

    if (!purge->more && monotonic_us() - purge->began_us >= RESTART_INTERVAL_US)
        restart_scan(purge);
    for (unsigned i = 0; i < STORE_PURGE_REASONS; i++) {
        if (!purge_candidates(ops, (enum store_purge_reason)i, &purge->places[i], &budget,
                              &purge->total, err))
            return false;
    }
    purge->more = is_used_up(&budget);
    *more = purge->more;
    return true;
}

bool write_purge(struct write_operations *ops, struct store_job *job, struct error *err)
{
    struct budget budget = {JOB_SESSIONS, JOB_BYTES, JOB_ROWS};
    struct store_purge *purge = &job->purge;
    struct retention_position position = {purge->from.place_us, purge->from.place_seq, 0};
    struct retention_tally tally = {0};
    unsigned reason = purge->from.reason;

    for (;;) {
        if (!purge_candidates(ops, (enum store_purge_reason)reason, &position, &budget, &tally,
                              err))
            return false;
        if (is_used_up(&budget) || reason + 1 == STORE_PURGE_REASONS)
            break;
        reason++;
        position = (struct retention_position){0};
    }
    purge->next = retention_query_position(&purge->from, reason, &position);
    purge->bytes = tally.bytes;
    purge->more = is_used_up(&budget) && (unsigned)purge->next.reason < STORE_PURGE_REASONS;
    memcpy(purge->sessions, tally.sessions, sizeof(purge->sessions));
    return true;
}

bool retention_describe(struct retention_state *purge, char *text, size_t size)
{
    const struct retention_tally *total = &purge->total;
    const int64_t terminated = total->sessions[STORE_PURGE_TERMINATED];
    const int64_t idle = total->sessions[STORE_PURGE_IDLE];

    if (purge->more || terminated + idle == 0)
        return false;
    snprintf(text, size,
             "deleted sessions: %lld TERMINATED, %lld PAUSED; %lld bytes of contexts and entries",
             (long long)terminated, (long long)idle, (long long)total->bytes);
    purge->total = (struct retention_tally){0};
    return true;
}
