/*
 * Relocation: changes the project paths of the sessions of a moved folder, one page at a time.
 *
 * The sessions are found by the index on project_path: first those of the folder itself, then those
 * below it, which are adjacent in the index. The index ends with (status, seq), so a page iterates
 * over groups with one path and one status. When the destination is inside the folder, or the
 * folder inside the destination, a later page may find a session that was already moved. So it
 * skips sessions in the destination that were changed since the first page began.
 */

#include "db/base/timestamp.h"
#include "db/runtime/job_arena.h"
#include "db/sqlite/connection/column.h"
#include "db/sqlite/write/bulk.h"
#include "db/sqlite/write/event.h"
#include "db/sqlite/write/operations.h"

#include <stdlib.h>

/* The page in progress. `path` and `status` are those of the current group, in the job's arena. */
struct move {
    struct write_operations *ops;
    struct store_job *job;
    struct slice from; /* without a trailing slash */
    struct slice to;
    struct slice path;
    struct slice status;
    struct bulk_rows rows;
};

/* The root is `/`, but the paths below it begin with one slash, not two. */
static struct slice trim_slashes(struct slice path)
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

static struct slice append_char(struct store_job *job, struct slice text, char last)
{
    char *joined = job_arena_alloc(job, text.len + 1);

    memcpy(joined, text.data, text.len);
    joined[text.len] = last;
    return (struct slice){joined, text.len + 1};
}

/* --- Groups ---------------------------------------------------------------------------------- */

/* Advances to the first group after (path, status) and before `end`. */
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
    const struct slice below = append_char(move->job, move->from, '/');
    const struct slice end = append_char(move->job, move->from, '0'); /* `0` follows `/` */

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

static bool is_already_moved(const struct move *move, sqlite3_stmt *stmt)
{
    const int64_t began_us = move->job->bulk.place.began_us;
    int64_t updated_us;

    return began_us != 0 && is_inside(move->path, move->to) &&
           timestamp_parse(column_text(stmt, 7), &updated_us) && updated_us >= began_us;
}

/* Adds the sessions of the group. *full: the page ends within the group. */
static bool add_group(struct move *move, int64_t *seq, bool *is_full, struct error *err)
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
        *is_full = !write_bulk_count_row(&move->rows) ||
                   (!is_already_moved(move, stmt) && !write_bulk_add(&move->rows, stmt));
        if (*is_full) {
            write_reset(statements, WRITE_RELOCATION);
            return true;
        }
        *seq = sqlite3_column_int64(stmt, 0);
    }
    return ok;
}

static bool collect_rows(struct move *move, struct error *err)
{
    struct store_bulk *bulk = &move->job->bulk;
    int64_t seq = bulk->next.seq;
    bool found = true;
    bool is_full = false;

    if (move->path.data == NULL) {
        /* Files of the Python SessionManager have sessions without a path, which are not in the
         * root. */
        move->path = move->from.len == 0 ? SLICE_LITERAL("/") : move->from;
        move->status = SLICE_LITERAL("");
    }
    while (found) {
        if (!add_group(move, &seq, &is_full, err))
            return false;
        if (is_full)
            break;
        if (!next_group(move, &found, err))
            return false;
        seq = 0;
    }
    bulk->more = is_full;
    bulk->next.seq = seq;
    bulk->next.path = move->path;
    return !is_full || session_status_parse(move->status, &bulk->next.status) ||
           error_set(err, ERROR_INTERNAL, NULL, "a session has an unknown status");
}

/* --- Changes -------------------------------------------------------------------------------- */

static bool check_path_lengths(struct move *move)
{
    const struct bulk_rows *rows = &move->rows;
    const size_t max_bytes = move->job->bulk.max_path_bytes;

    for (size_t i = 0; i < rows->count; i++) {
        const struct slice id = rows->all[i].session.id;
        if (rows->all[i].destination.len > max_bytes)
            return error_set(&move->job->error, ERROR_INVALID_PAYLOAD, "/to",
                             "the project_path of session %.*s would be longer than %zu bytes",
                             (int)(id.len < UUID_LENGTH ? id.len : UUID_LENGTH), id.data,
                             max_bytes);
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
    struct store_event event = write_event_make(session, EVENT_SESSION_RELOCATED);
    event.from = from;
    return write_event(ops, &event, err);
}

static int compare_rows(const void *left, const void *right)
{
    const struct bulk_row *a = left;
    const struct bulk_row *b = right;

    return (a->session.seq > b->session.seq) - (a->session.seq < b->session.seq);
}

static bool change_rows(struct move *move, struct error *err)
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
    write_bulk_set_result(rows);
    return true;
}

/* Rejects the job when its cursor does not belong to this folder. */
static bool begin_page(struct move *move)
{
    struct store_job *job = move->job;
    struct store_bulk *bulk = &job->bulk;
    const bool is_first = bulk->place.began_us == 0;

    if (!write_bulk_check_position(move->ops, job))
        return false;
    if (!is_first && !is_inside(bulk->place.path, move->from))
        return error_set(&job->error, ERROR_INVALID_QUERY, "cursor",
                         "cursor must be a next_cursor of a relocation of the same folder");
    bulk->more = false;
    bulk->next = bulk->place;
    if (is_first) {
        bulk->next.began_us = clock_next(&move->ops->state.clock);
        return true;
    }
    move->path = bulk->place.path;
    move->status = slice_from(session_status_name(bulk->place.status));
    return true;
}

bool write_relocate(struct write_operations *ops, struct store_job *job, struct error *err)
{
    struct move move = {
        .ops = ops,
        .job = job,
        .from = trim_slashes(job->project_path),
        .to = trim_slashes(job->bulk.destination),
        .rows = {.job = job},
    };

    if (!begin_page(&move))
        return true;
    if (!collect_rows(&move, err))
        return false;
    return !write_bulk_admit(&move.rows) || !check_path_lengths(&move) || change_rows(&move, err);
}
