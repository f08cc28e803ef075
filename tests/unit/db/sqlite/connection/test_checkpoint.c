/* Checkpoints: complete, held back by a reader, failed; and the log that they leave. */

#include "tests/unit/support/database_fixture.h"
#include "tests/unit/support/faulty_vfs.h"

#include "db/sqlite/connection/checkpoint.h"
#include "db/sqlite/connection/connection.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define DUE_PAGES 40

static sqlite3 *writer;
static struct reader_pool readers;
static struct error err;
static struct checkpointer checkpointer;

static void begin(void)
{
    folder_enter();
    faulty_vfs_install();
    writer = database_on_disk();
    cr_assert(reader_pool_init(&readers, DATABASE_PATH, 2, 60000, NULL, &err), "%s", err.detail);
    cr_assert(checkpointer_init(&checkpointer, writer, &readers, DUE_PAGES, &err), "%s",
              err.detail);
}

static void end(void)
{
    faulty_vfs_heal();
    reader_pool_release(&readers);
    connection_close(writer);
    folder_leave();
}

TestSuite(checkpoint, .init = begin, .fini = end);

/* Returns the pages that the log has afterwards. */
static int write_session(int64_t seq)
{
    database_insert(writer, seq, "/p", "t", SESSION_CREATED);
    reader_pool_on_commit(&readers);
    return checkpointer.pages;
}

static enum checkpoint_result run(void)
{
    return checkpointer_run(&checkpointer, &err);
}

/* A read that begins now and stays. */
static struct reader *begin_read(void)
{
    struct reader *reader = reader_pool_lease(&readers, &err);

    cr_assert_not_null(reader, "%s", err.detail);
    database_number(reader->db, "SELECT count(*) FROM sessions");
    return reader;
}

/* What a reader sees that has only the database file. */
static int64_t sessions_in_file(void)
{
    sqlite3 *copy;

    cr_assert_eq(system("rm -f copy.db*; cp " DATABASE_PATH " copy.db"), 0);
    cr_assert_eq(sqlite3_open("copy.db", &copy), SQLITE_OK);
    const int64_t count = database_number(copy, "SELECT count(*) FROM sessions");
    sqlite3_close(copy);
    return count;
}

Test(checkpoint, complete_copies_all_and_the_log_starts_anew)
{
    for (int64_t seq = 1; seq <= 20; seq++)
        write_session(seq);
    const int before = checkpointer.pages;
    cr_expect_eq(run(), CHECKPOINT_COMPLETE);
    cr_expect_eq(sessions_in_file(), 20);
    cr_expect_lt(write_session(21), before);
}

Test(checkpoint, idle_readers_do_not_hold_it_back)
{
    struct reader *a = begin_read();
    struct reader *b = begin_read();

    reader_pool_return(&readers, a);
    reader_pool_return(&readers, b);
    for (int64_t seq = 1; seq <= 20; seq++)
        write_session(seq);
    const int before = checkpointer.pages;
    cr_expect_eq(run(), CHECKPOINT_COMPLETE);
    cr_expect_lt(write_session(21), before);
}

Test(checkpoint, partial_while_a_reader_holds_an_old_state)
{
    write_session(1);
    struct reader *reader = begin_read();
    for (int64_t seq = 2; seq <= 10; seq++)
        write_session(seq);
    const int before = checkpointer.pages;
    cr_expect_eq(run(), CHECKPOINT_PARTIAL);
    cr_expect_gt(write_session(11), before, "the log goes on");
    cr_expect_eq(database_number(reader->db, "SELECT count(*) FROM sessions"), 1,
                 "the read goes on undisturbed");

    reader_pool_return(&readers, reader);
    cr_expect_eq(run(), CHECKPOINT_COMPLETE);
    cr_expect_eq(sessions_in_file(), 11);
    cr_expect_lt(write_session(12), before);
}

/* A reader of the newest state needs the log no less, but all of it can be copied. */
Test(checkpoint, complete_while_a_reader_holds_the_newest_state)
{
    for (int64_t seq = 1; seq <= 10; seq++)
        write_session(seq);
    struct reader *reader = begin_read();
    const int before = checkpointer.pages;
    cr_expect_eq(run(), CHECKPOINT_COMPLETE);
    cr_expect_eq(sessions_in_file(), 10);
    write_session(11);
    cr_expect_eq(database_number(reader->db, "SELECT count(*) FROM sessions"), 10);
    reader_pool_return(&readers, reader);
    cr_expect_eq(run(), CHECKPOINT_COMPLETE);
    cr_expect_lt(write_session(12), before);
}

Test(checkpoint, nothing_to_copy_is_complete)
{
    cr_expect_eq(run(), CHECKPOINT_COMPLETE);
    cr_expect_eq(run(), CHECKPOINT_COMPLETE);
}

/* Its own transaction is the one that a writer's checkpoint cannot work beside. */
Test(checkpoint, a_failure_that_harms_nothing_says_why)
{
    write_session(1);
    database_run(writer, "BEGIN IMMEDIATE");
    write_session(2);
    cr_expect_eq(run(), CHECKPOINT_FAILED);
    cr_expect_eq(err.kind, ERROR_STORAGE_BUSY, "%s", err.detail);
    cr_expect_eq(checkpointer_truncate(&checkpointer, &err), CHECKPOINT_FAILED);
    cr_expect_str_neq(err.detail, "");
    database_run(writer, "COMMIT");
    cr_expect_eq(run(), CHECKPOINT_COMPLETE);
    cr_expect_eq(sessions_in_file(), 2);
}

Test(checkpoint, a_full_disk_is_no_damage)
{
    write_session(1);
    faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_MAIN_DB, SQLITE_FULL, 1, 1});
    cr_expect_eq(run(), CHECKPOINT_FAILED);
    cr_expect_eq(err.kind, ERROR_STORAGE_FULL);
    cr_expect_eq(database_number(writer, "SELECT count(*) FROM sessions"), 1);
    faulty_vfs_heal();
    cr_expect_eq(run(), CHECKPOINT_COMPLETE);
    cr_expect_eq(sessions_in_file(), 1);
}

Test(checkpoint, a_disk_that_fails_is_fatal)
{
    static const struct fault faults[] = {
        {FAULT_WRITE, SQLITE_OPEN_MAIN_DB, SQLITE_IOERR_WRITE, 1, 1},
        {FAULT_SYNC, SQLITE_OPEN_MAIN_DB, SQLITE_IOERR_FSYNC, 1, 1},
        {FAULT_SYNC, SQLITE_OPEN_WAL, SQLITE_IOERR_FSYNC, 1, 1},
        {FAULT_READ, SQLITE_OPEN_WAL, SQLITE_IOERR_READ, 1, 1},
    };

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        write_session((int64_t)i + 1);
        faulty_vfs_arm(faults[i]);
        cr_expect_eq(run(), CHECKPOINT_FATAL, "fault %zu", i);
        cr_expect_eq(faulty_vfs_failures(), 1, "fault %zu", i);
        cr_expect_eq(err.kind, ERROR_INTERNAL);
        faulty_vfs_heal();
    }
    cr_expect_eq(run(), CHECKPOINT_COMPLETE);
    cr_expect_eq(sessions_in_file(), 4, "the log kept everything");
}

Test(checkpoint, emptying_leaves_no_byte_of_the_log)
{
    write_session(1);
    cr_expect_gt(checkpointer_log_bytes(&checkpointer), 0);
    cr_expect_eq(checkpointer_truncate(&checkpointer, &err), CHECKPOINT_COMPLETE, "%s", err.detail);
    cr_expect_eq(checkpointer_log_bytes(&checkpointer), 0);
    const struct slice log = database_bytes(DATABASE_PATH "-wal");
    cr_expect_eq(log.len, 0);
    free((void *)(uintptr_t)log.data);
    cr_expect_eq(sessions_in_file(), 1);
}

Test(checkpoint, is_due_when_the_log_has_grown_enough)
{
    int64_t seq = 0;

    cr_expect_eq(run(), CHECKPOINT_COMPLETE);
    write_session(++seq);
    cr_expect(checkpointer.has_more);
    while (!checkpointer_is_due(&checkpointer))
        write_session(++seq);
    cr_expect_geq(checkpointer.pages, DUE_PAGES);
    const struct slice log = database_bytes(DATABASE_PATH "-wal");
    cr_expect_eq(checkpointer_log_bytes(&checkpointer), log.len);
    free((void *)(uintptr_t)log.data);
    cr_expect_eq(run(), CHECKPOINT_COMPLETE);
    cr_expect_not(checkpointer.has_more);
    cr_expect_not(checkpointer_is_due(&checkpointer));
}

/* It waits for a quarter of the length and does not run after each commit. */
Test(checkpoint, one_that_was_held_back_is_due_again_a_little_later)
{
    int64_t seq = 0;

    write_session(++seq);
    struct reader *reader = begin_read();
    while (!checkpointer_is_due(&checkpointer))
        write_session(++seq);
    cr_expect_eq(run(), CHECKPOINT_PARTIAL);
    const int before = checkpointer.pages;
    cr_expect_not(checkpointer_is_due(&checkpointer));
    while (!checkpointer_is_due(&checkpointer))
        write_session(++seq);
    cr_expect_geq(checkpointer.pages, before + DUE_PAGES / 4);
    cr_expect_lt(checkpointer.pages, before + DUE_PAGES);
    reader_pool_return(&readers, reader);
}
