/*
 * Relocation: a folder was moved, and so are the project paths of its sessions, a page at a time.
 *
 * The sessions are found by the index on project_path: first those of the folder itself, then those
 * below it, which follow one another there. The index ends in (status, seq), so a page walks the
 * groups of one path and one status. When the destination is inside the folder, or the folder
 * inside the destination, a later page may find a session that was moved already. So it skips
 * sessions in the destination that were changed since the first page began.
 */

#include "db/base/timestamp.h"
#include "db/runtime/job_arena.h"
#include "db/sqlite/connection/column.h"
#include "db/sqlite/write/bulk.h"
#include "db/sqlite/write/event.h"
#include "db/sqlite/write/operations.h"

#include <stdlib.h>

/* The page in progress. `path` and `status` are those of the current group, in the job's memory. */
struct move {
    struct write_operations *ops;
    struct store_job *job;
    struct slice from; /* without a slash at the end */
    struct slice to;
    struct slice path;
    struct slice status;
    struct bulk_rows rows;
};

/* The root is written `/`, but what is below it begins with one slash, not two. */
static struct slice without_last_slashes(struct slice path)
{
    while (path.len > 0 && path.data[path.len - 1] == '/')
        path.len--;
    return path;
}

static bool is_below(struct slice path, struct slice folder)
{
    return path.len > folder.len && memcmp(path.data, folder.data, folder.len) == 0 &&
           path.data[folder.len] == '/';
}

static bool is_inside(struct slice path, struct slice folder)
{
    return slice_equal(path, folder) || is_below(path, folder);
}

static struct slice join(struct store_job *job, struct slice text, char last)
{
    char *joined = job_arena_alloc(job, text.len + 1);

    memcpy(joined, text.data, text.len);
    joined[text.len] = last;
    return (struct slice){joined, text.len + 1};
}

/* --- Groups ---------------------------------------------------------------------------------- */

/* Moves to the first group behind (path, status) and before `end`. */
static bool find_group(struct move *move, struct slice path, struct slice status, struct slice end,
                       bool *found, struct error *err)
{
    struct write_statements *statements = &move->ops->statements;
    sqlite3_stmt *stmt = statements->prepared[WRITE_RELOCATION_GROUP];
    bool ok;

    column_bind_text(stmt, 1, path);
    column_bind_text(stmt, 2, status);
    column_bind_text(stmt, 3, end);
    *found = write_next_row(statements, WRITE_RELOCATION_GROUP, "finding sessions", &ok, err);
    if (!*found)
        return ok;
    move->path = job_arena_copy(move->job, column_text(stmt, 0));
    move->status = job_arena_copy(move->job, column_text(stmt, 1));
    write_reset(statements, WRITE_RELOCATION_GROUP);
    return true;
}

/* Skips paths that sort between the folder and those below it, such as `/a-b` after `/a`. */
static bool next_group(struct move *move, bool *found, struct error *err)
{
    const struct slice below = join(move->job, move->from, '/');
    const struct slice end = join(move->job, move->from, '0'); /* `0` follows `/` */

    if (slice_equal(move->path, move->from)) {
        if (!find_group(move, move->path, move->status, below, found, err))
            return false;
        if (*found && slice_equal(move->path, move->from))
            return true;
        move->path = below;
        move->status = SLICE_LITERAL("");
    }
    return find_group(move, move->path, move->status, end, found, err);
}

static bool was_moved(const struct move *move, sqlite3_stmt *stmt)
{
    const int64_t began_us = move->job->bulk.place.began_us;
    int64_t updated_us;

    return began_us != 0 && is_inside(move->path, move->to) &&
           timestamp_parse(column_text(stmt, 7), &updated_us) && updated_us >= began_us;
}

/* *full: the page ends within the group. */
static bool take_group(struct move *move, int64_t *seq, bool *full, struct error *err)
{
    struct write_statements *statements = &move->ops->statements;
    sqlite3_stmt *stmt = statements->prepared[WRITE_RELOCATION];
    bool ok;

    column_bind_text(stmt, 1, move->from);
    column_bind_text(stmt, 2, move->to);
    column_bind_text(stmt, 3, move->path);
    column_bind_text(stmt, 4, move->status);
    sqlite3_bind_int64(stmt, 5, *seq);
    while (write_next_row(statements, WRITE_RELOCATION, "finding sessions", &ok, err)) {
        *full = !write_bulk_count_row(&move->rows) ||
                (!was_moved(move, stmt) && !write_bulk_add(&move->rows, stmt));
        if (*full) {
            write_reset(statements, WRITE_RELOCATION);
            return true;
        }
        *seq = sqlite3_column_int64(stmt, 0);
    }
    return ok;
}

static bool gather(struct move *move, struct error *err)
{
    struct store_bulk *many = &move->job->bulk;
    int64_t seq = many->next.seq;
    bool found = true;
    bool full = false;

    if (move->path.data == NULL) {
        /* Files of Python have sessions without a path, which are not in the root. */
        move->path = move->from.len == 0 ? SLICE_LITERAL("/") : move->from;
        move->status = SLICE_LITERAL("");
    }
    while (found) {
        if (!take_group(move, &seq, &full, err))
            return false;
        if (full)
            break;
        if (!next_group(move, &found, err))
            return false;
        seq = 0;
    }
    many->more = full;
    many->next.seq = seq;
    many->next.path = move->path;
    return !full || session_status_parse(move->status, &many->next.status) ||
           error_set(err, ERROR_INTERNAL, NULL, "a session has an unknown status");
}

/* --- Moves ----------------------------------------------------------------------------------- */

static bool fits(struct move *move)
{
    const struct bulk_rows *rows = &move->rows;
    const size_t most = move->job->bulk.max_path_bytes;

    for (size_t i = 0; i < rows->count; i++) {
        const struct slice id = rows->all[i].session.id;
        if (rows->all[i].destination.len > most)
            return error_set(&move->job->error, ERROR_INVALID_PAYLOAD, "/to",
                             "the project_path of session %.*s would be longer than %zu bytes",
                             (int)(id.len < UUID_LENGTH ? id.len : UUID_LENGTH), id.data, most);
    }
    return true;
}

static bool move_row(struct write_operations *ops, struct bulk_row *row, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_RELOCATE];
    struct session *session = &row->session;
    const struct slice from = session->project_path;

    session->version++;
    session->updated_us = clock_next(&ops->state.clock);
    session->project_path = row->destination;
    sqlite3_bind_int64(stmt, 1, session->seq);
    column_bind_time(stmt, 2, session->updated_us);
    column_bind_text(stmt, 3, session->project_path);
    if (!write_run(&ops->statements, WRITE_RELOCATE, "moving a session", err))
        return false;
    struct store_event event = write_event_of(session, EVENT_SESSION_RELOCATED);
    event.from = from;
    return write_event(ops, &event, err);
}

static int compare_rows(const void *left, const void *right)
{
    const struct bulk_row *a = left;
    const struct bulk_row *b = right;

    return (a->session.seq > b->session.seq) - (a->session.seq < b->session.seq);
}

static bool change(struct move *move, struct error *err)
{
    struct bulk_rows *rows = &move->rows;

    if (rows->count > 1)
        qsort(rows->all, rows->count, sizeof(*rows->all), compare_rows);
    for (size_t i = 0; i < rows->count; i++) {
        if (move->job->bulk.dry_run)
            rows->all[i].session.project_path = rows->all[i].destination;
        else if (!move_row(move->ops, &rows->all[i], err))
            return false;
    }
    move->ops->state.pair_changes += !move->job->bulk.dry_run;
    write_bulk_answer(rows);
    return true;
}

/* Refuses the job when its cursor is not one of this folder. */
static bool begin(struct move *move)
{
    struct store_job *job = move->job;
    struct store_bulk *many = &job->bulk;
    const bool first = many->place.began_us == 0;

    if (!write_bulk_check_place(move->ops, job))
        return false;
    if (!first && !is_inside(many->place.path, move->from))
        return error_set(&job->error, ERROR_INVALID_QUERY, "cursor",
                         "cursor has to be a next_cursor of a relocation of the same folder");
    many->more = false;
    many->next = many->place;
    if (first) {
        many->next.began_us = clock_next(&move->ops->state.clock);
        return true;
    }
    move->path = many->place.path;
    move->status = slice_from(session_status_name(many->place.status));
    return true;
}

bool write_relocate(struct write_operations *ops, struct store_job *job, struct error *err)
{
    struct move move = {
        .ops = ops,
        .job = job,
        .from = without_last_slashes(job->project_path),
        .to = without_last_slashes(job->bulk.destination),
        .rows = {.job = job},
    };

    if (!begin(&move))
        return true;
    if (!gather(&move, err))
        return false;
    return !write_bulk_admit(&move.rows) || !fits(&move) || change(&move, err);
}
