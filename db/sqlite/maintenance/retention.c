#include "db/sqlite/maintenance/retention.h"

#include "db/base/monotonic.h"
#include "db/sqlite/write/operations.h"

#include <stdio.h>

/* Limits of a step of the maintenance task, so that writes do not wait long. The entries of a
 * deleted session are collected later. */
#define STEP_SESSIONS 32
#define STEP_BYTES (1 << 20)
#define STEP_ROWS 256

/* Limits of a job, which runs between two batches. */
#define JOB_SESSIONS 64
#define JOB_BYTES (4 << 20)
#define JOB_ROWS 4096

/* How often sessions are looked at again that were leased or had new entries. */
#define ANEW_US INT64_C(3600000000)

/* What is left of what may be done at once; below one: nothing. */
struct share {
    int64_t sessions;
    int64_t bytes;
    int64_t rows;
};

static bool is_used_up(const struct share *share)
{
    return share->sessions <= 0 || share->bytes <= 0 || share->rows <= 0;
}

static bool take(struct write_operations *ops, enum store_purge_reason reason,
                 const struct session *session, struct share *share, struct retention_tally *tally,
                 struct error *err)
{
    static const enum store_count counts[STORE_PURGE_REASONS] = {
        [STORE_PURGE_TERMINATED] = STORE_PURGED_TERMINATED,
        [STORE_PURGE_IDLE] = STORE_PURGED_IDLE,
    };

    if (!write_delete_session(ops, session, err))
        return false;
    share->sessions--;
    share->bytes -= session->context_bytes;
    tally->sessions[reason]++;
    tally->bytes += session->context_bytes + session->entry_bytes;
    ops->change.counts[counts[reason]]++;
    return true;
}

/* Looks at the next session of a reason. *found is false at the end. */
static bool look(struct write_operations *ops, enum store_purge_reason reason,
                 struct retention_position *place, struct share *share,
                 struct retention_tally *tally, bool *found, struct error *err)
{
    static const enum write_statement statements[STORE_PURGE_REASONS] = {
        [STORE_PURGE_TERMINATED] = WRITE_PURGE_TERMINATED,
        [STORE_PURGE_IDLE] = WRITE_PURGE_IDLE,
    };
    const int64_t cutoff_us = retention_query_cutoff_us(ops->state.purge.retain_us[reason]);
    struct session session;
    bool may_go;
    bool ok;

    if (!write_prepare(&ops->statements, statements[reason], err))
        return false;
    sqlite3_stmt *stmt = ops->statements.prepared[statements[reason]];
    retention_query_bind(stmt, place, cutoff_us);
    sqlite3_bind_int64(stmt, 4, place->skipped);
    *found =
        write_next_row(&ops->statements, statements[reason], "looking for old sessions", &ok, err);
    if (!*found)
        return ok;
    share->rows--;
    if (retention_query_read(stmt, cutoff_us, place, &session, &may_go, err)) {
        ok = !may_go || take(ops, reason, &session, share, tally, err);
    } else {
        skipped_rows_add(&ops->skipped, err);
        place->skipped++;
    }
    write_reset(&ops->statements, statements[reason]);
    return ok;
}

static bool walk(struct write_operations *ops, enum store_purge_reason reason,
                 struct retention_position *place, struct share *share,
                 struct retention_tally *tally, struct error *err)
{
    bool found = ops->state.purge.retain_us[reason] > 0;

    while (found && !is_used_up(share)) {
        if (!look(ops, reason, place, share, tally, &found, err))
            return false;
    }
    return true;
}

static void begin_anew(struct retention_state *purge)
{
    memset(purge->places, 0, sizeof(purge->places));
    purge->began_us = monotonic_us();
}

bool retention_step(struct write_operations *ops, bool *more, struct error *err)
{
    struct share share = {STEP_SESSIONS, STEP_BYTES, STEP_ROWS};
    struct retention_state *purge = &ops->state.purge;

    if (!purge->more && monotonic_us() - purge->began_us >= ANEW_US)
        begin_anew(purge);
    for (unsigned i = 0; i < STORE_PURGE_REASONS; i++) {
        if (!walk(ops, (enum store_purge_reason)i, &purge->places[i], &share, &purge->total, err))
            return false;
    }
    purge->more = is_used_up(&share);
    *more = purge->more;
    return true;
}

bool write_purge(struct write_operations *ops, struct store_job *job, struct error *err)
{
    struct share share = {JOB_SESSIONS, JOB_BYTES, JOB_ROWS};
    struct store_purge *purge = &job->purge;
    struct retention_position place = {purge->from.place_us, purge->from.place_seq, 0};
    struct retention_tally tally = {0};
    unsigned reason = purge->from.reason;

    for (;;) {
        if (!walk(ops, (enum store_purge_reason)reason, &place, &share, &tally, err))
            return false;
        if (is_used_up(&share) || reason + 1 == STORE_PURGE_REASONS)
            break;
        reason++;
        place = (struct retention_position){0};
    }
    purge->next = retention_query_position(&purge->from, reason, &place);
    purge->bytes = tally.bytes;
    purge->more = is_used_up(&share) && (unsigned)purge->next.reason < STORE_PURGE_REASONS;
    memcpy(purge->sessions, tally.sessions, sizeof(purge->sessions));
    return true;
}

bool retention_describe(struct retention_state *purge, char *text, size_t size)
{
    const struct retention_tally *total = &purge->total;
    const int64_t over = total->sessions[STORE_PURGE_TERMINATED];
    const int64_t idle = total->sessions[STORE_PURGE_IDLE];

    if (purge->more || over + idle == 0)
        return false;
    snprintf(text, size, "sessions deleted: %lld TERMINATED, %lld idle; %lld bytes of texts",
             (long long)over, (long long)idle, (long long)total->bytes);
    purge->total = (struct retention_tally){0};
    return true;
}
