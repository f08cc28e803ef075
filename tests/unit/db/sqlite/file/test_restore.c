/* What a restore leaves where no database was, and what it does not touch. */

#include "tests/unit/support/database_fixture.h"
#include "tests/unit/support/faulty_vfs.h"

#include "db/sqlite/file/restore.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <unistd.h>

TestSuite(restore, .init = folder_enter, .fini = folder_leave);

static char *take_as_it_is(struct slice text)
{
    (void)text;
    return NULL;
}

static void write_file(const char *path)
{
    FILE *file = fopen(path, "w");

    cr_assert_not_null(file);
    fputs("text", file);
    fclose(file);
}

static const struct file_observer observer;

/* Replaces the database new.db. */
static void replace(void)
{
    struct restore restore = {.from = DATABASE_PATH,
                              .to = "new.db",
                              .is_replacing = true,
                              .fix_context = take_as_it_is,
                              .observer = &observer};
    struct error err;

    sqlite3_close(database_on_disk());
    cr_assert_eq(restore_run(&restore, &err), FILE_OK, "%s", err.detail);
    cr_expect_str_empty(restore.kept);
    cr_expect_eq(access("new.db", F_OK), 0);
}

Test(restore, a_replacement_of_nothing_removes_no_file_of_the_working_folder)
{
    write_file("-wal");
    write_file("-journal");
    replace();
    cr_expect_eq(access("-wal", F_OK), 0);
    cr_expect_eq(access("-journal", F_OK), 0);
}

Test(restore, a_replacement_keeps_no_log_of_a_database_that_was_gone)
{
    glob_t kept = {0};

    write_file("new.db-wal");
    replace();
    cr_expect_eq(glob("new.db.before-*", 0, NULL, &kept), GLOB_NOMATCH);
    globfree(&kept);
    cr_expect_neq(access("new.db-wal", F_OK), 0);
}

extern const unsigned char schema_001_sessions[];

/* Its schema is an older one, so the copy is migrated. */
static void make_old_database(void)
{
    sqlite3 *db;

    cr_assert_eq(sqlite3_open(DATABASE_PATH, &db), SQLITE_OK);
    database_run(db, (const char *)schema_001_sessions);
    database_run(db, "PRAGMA user_version = 1");
    sqlite3_close(db);
}

/* The call fails from the nth time on, for each n. */
static void sweep(enum fault_call call, int result)
{
    struct error err;
    int nth = 0;

    faulty_vfs_install();
    make_old_database();
    do {
        struct restore restore = {.from = DATABASE_PATH,
                                  .to = "new.db",
                                  .fix_context = take_as_it_is,
                                  .observer = &observer};
        faulty_vfs_arm(
            (struct fault){.call = call, .result = result, .nth = ++nth, .count = 100000});
        const enum file_verdict verdict = restore_run(&restore, &err);
        cr_expect_eq(verdict, faulty_vfs_failures() > 0 ? FILE_UNKNOWN : FILE_OK,
                     "call %d: verdict %d: %s", nth, (int)verdict, err.detail);
    } while (faulty_vfs_failures() > 0 && nth < 1000);
    cr_expect_gt(nth, 10);
}

Test(restore, a_failed_read_is_no_damage)
{
    sweep(FAULT_READ, SQLITE_IOERR_READ);
}

Test(restore, a_full_disk_is_no_damage)
{
    sweep(FAULT_WRITE, SQLITE_FULL);
}
