/* The gathering file system on a disk that fails, and its calls one by one. */

#include "database_fixture.h"
#include "faulty_vfs.h"

#include "db/wal_vfs.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void begin(void)
{
    struct error err;

    folder_enter();
    faulty_vfs_install();
    cr_assert(wal_vfs_register(&err), "%s", err.detail);
}

TestSuite(wal_vfs_calls, .init = begin, .fini = folder_leave);
TestSuite(wal_vfs_faults, .init = begin, .fini = folder_leave);

/* --- The calls ----------------------------------------------------------------------------- */

#define LOG_PATH "t.db-wal"

/* A log without a database around it; SQLite wants the database file to be there. */
static sqlite3_file *open_log(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(WAL_VFS_NAME);
    sqlite3_file *file = calloc(1, (size_t)vfs->szOsFile);
    int flags = 0;

    close(open("t.db", O_CREAT | O_RDWR, 0600));
    cr_assert_eq(vfs->xOpen(vfs, LOG_PATH, file,
                            SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &flags),
                 SQLITE_OK);
    return file;
}

static void close_log(sqlite3_file *file)
{
    cr_expect_eq(file->pMethods->xClose(file), SQLITE_OK);
    free(file);
}

static void put(sqlite3_file *file, const char *text, sqlite3_int64 offset)
{
    cr_assert_eq(file->pMethods->xWrite(file, text, (int)strlen(text), offset), SQLITE_OK);
}

static void expect_file(const char *wanted)
{
    const struct slice bytes = database_bytes(LOG_PATH);

    cr_expect(slice_is(bytes, wanted), "%.*s, not %s", (int)bytes.len, bytes.data, wanted);
    free((void *)(uintptr_t)bytes.data);
}

Test(wal_vfs_calls, a_sync_writes_what_was_gathered)
{
    sqlite3_file *file = open_log();

    put(file, "head", 0);
    put(file, "body", 4);
    cr_expect_eq(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    expect_file("headbody");
    close_log(file);
}

Test(wal_vfs_calls, a_read_sees_what_was_gathered)
{
    sqlite3_file *file = open_log();
    char bytes[8];

    put(file, "head", 0);
    put(file, "body", 4);
    cr_expect_eq(file->pMethods->xRead(file, bytes, 8, 0), SQLITE_OK);
    cr_expect_arr_eq(bytes, "headbody", 8);
    cr_expect_eq(file->pMethods->xRead(file, bytes, 8, 4), SQLITE_IOERR_SHORT_READ);
    cr_expect_arr_eq(bytes, "body\0\0\0\0", 8, "SQLite wants the rest to be zero");
    close_log(file);
}

Test(wal_vfs_calls, the_size_counts_what_was_gathered)
{
    sqlite3_file *file = open_log();
    sqlite3_int64 size = -1;

    put(file, "head", 0);
    cr_expect_eq(file->pMethods->xFileSize(file, &size), SQLITE_OK);
    cr_expect_eq(size, 4);
    close_log(file);
}

Test(wal_vfs_calls, a_truncation_cuts_what_was_gathered)
{
    sqlite3_file *file = open_log();

    put(file, "headbody", 0);
    cr_expect_eq(file->pMethods->xTruncate(file, 2), SQLITE_OK);
    expect_file("he");
    close_log(file);
    expect_file("he");
}

/* A commit ends in a sync: what comes after the last one was never committed. */
Test(wal_vfs_calls, a_close_drops_what_was_not_synced)
{
    sqlite3_file *file = open_log();

    put(file, "head", 0);
    cr_expect_eq(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    put(file, "body", 4);
    close_log(file);
    expect_file("head");
}

Test(wal_vfs_calls, a_control_finds_what_was_gathered_in_the_file)
{
    sqlite3_file *file = open_log();
    int chunk = 0;

    put(file, "head", 0);
    cr_expect_eq(file->pMethods->xFileControl(file, SQLITE_FCNTL_CHUNK_SIZE, &chunk), SQLITE_OK);
    expect_file("head");
    cr_expect_eq(file->pMethods->xFileControl(file, 123456, NULL), SQLITE_NOTFOUND);
    close_log(file);
}

Test(wal_vfs_calls, writes_may_come_in_any_order)
{
    sqlite3_file *file = open_log();

    put(file, "........", 0);
    put(file, "bb", 4);
    put(file, "cc", 6);
    put(file, "aa", 2);
    put(file, "B", 4);
    put(file, "behind", 8);
    cr_expect_eq(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    expect_file("..aaBbccbehind");
    close_log(file);
}

Test(wal_vfs_calls, writes_may_have_any_length)
{
    static const int lengths[] = {1, 24, 4096, 65536, 131070, 131071, 131072, 131073, 400000, 7};
    static char sent[2000000];
    sqlite3_file *file = open_log();
    int at = 0;

    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (char)(random() % 256);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        int left = lengths[i];
        /* The default file system itself writes no more than 17 bits of length. */
        for (int part; left > 0; left -= part, at += part) {
            part = left < 131071 ? left : 131071;
            cr_assert_eq(file->pMethods->xWrite(file, sent + at, part, at), SQLITE_OK);
        }
    }
    cr_expect_eq(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    close_log(file);
    const struct slice bytes = database_bytes(LOG_PATH);
    cr_expect_eq(bytes.len, at);
    cr_expect_eq(memcmp(bytes.data, sent, (size_t)at), 0);
    free((void *)(uintptr_t)bytes.data);
}

Test(wal_vfs_calls, the_rest_is_the_default_ones)
{
    sqlite3_file *file = open_log();
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    sqlite3_file *plain = calloc(1, (size_t)vfs->szOsFile);
    int reserved = 1;

    cr_assert_eq(vfs->xOpen(vfs, LOG_PATH, plain, SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE, NULL),
                 SQLITE_OK);
    cr_expect_eq(file->pMethods->xSectorSize(file), plain->pMethods->xSectorSize(plain));
    cr_expect_eq(file->pMethods->xDeviceCharacteristics(file),
                 plain->pMethods->xDeviceCharacteristics(plain));
    cr_expect_eq(file->pMethods->xLock(file, SQLITE_LOCK_EXCLUSIVE), SQLITE_OK);
    cr_expect_eq(file->pMethods->xCheckReservedLock(file, &reserved), SQLITE_OK);
    cr_expect_eq(reserved, 0, "a log is not locked");
    cr_expect_eq(file->pMethods->xUnlock(file, SQLITE_LOCK_NONE), SQLITE_OK);
    plain->pMethods->xClose(plain);
    free(plain);
    close_log(file);
}

/* --- The faults ---------------------------------------------------------------------------- */

static sqlite3 *open_database(void)
{
    sqlite3 *db;

    cr_assert_eq(
        sqlite3_open_v2("t.db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, WAL_VFS_NAME),
        SQLITE_OK);
    database_run(db,
                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
                 "CREATE TABLE t (k INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'one')");
    return db;
}

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

#define FILL "INSERT INTO t (v) VALUES (zeroblob(500000))"

static const struct {
    struct fault fault;
    int result;
} faults[] = {
    {{FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, 1, 1}, SQLITE_FULL},
    {{FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_IOERR_WRITE, 1, 1}, SQLITE_IOERR},
    {{FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, 3, 1}, SQLITE_FULL},
    {{FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, 4, 1}, SQLITE_FULL},
    {{FAULT_SYNC, SQLITE_OPEN_WAL, SQLITE_IOERR_FSYNC, 1, 1}, SQLITE_IOERR},
};

#define FAULTS (sizeof(faults) / sizeof(faults[0]))

static void strike(sqlite3 *db, size_t i)
{
    faulty_vfs_arm(faults[i].fault);
    cr_expect_eq(run(db, FILL) & 0xff, faults[i].result, "fault %zu: %s", i, sqlite3_errmsg(db));
    cr_expect_eq(faulty_vfs_failures(), 1, "fault %zu", i);
    faulty_vfs_heal();
}

Test(wal_vfs_faults, a_commit_that_does_not_reach_the_file_fails)
{
    sqlite3 *db = open_database();

    for (size_t i = 0; i < FAULTS; i++) {
        strike(db, i);
        cr_expect_eq(database_number(db, "SELECT count(*) FROM t"), 1, "fault %zu", i);
    }
    cr_expect_eq(run(db, FILL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_expect_eq(database_number(db, "SELECT count(*) FROM t"), 2);
    sqlite3_close(db);
}

Test(wal_vfs_faults, after_a_fault_the_log_goes_on_undamaged)
{
    for (size_t i = 0; i < FAULTS; i++) {
        sqlite3 *db = open_database();
        strike(db, i);
        cr_assert_eq(run(db, "INSERT INTO t VALUES (77, 'kept')"), SQLITE_OK);
        cr_assert_eq(system("cp t.db crashed.db; cp t.db-wal crashed.db-wal"), 0);
        sqlite3_close(db);
        cr_assert_eq(sqlite3_open("crashed.db", &db), SQLITE_OK);
        cr_expect_eq(database_number(db, "SELECT k FROM t WHERE v = 'kept'"), 77, "fault %zu", i);
        cr_expect_eq(database_number(db, "SELECT count(*) FROM pragma_integrity_check"
                                         " WHERE integrity_check = 'ok'"),
                     1, "fault %zu", i);
        sqlite3_close(db);
        cr_assert_eq(system("rm -f t.db* crashed.db*"), 0);
    }
}

/* A page that left the cache is asked for again, and was gathered but cannot be written. */
Test(wal_vfs_faults, a_read_of_what_cannot_be_written_fails)
{
    sqlite3 *db = open_database();

    database_run(db, "PRAGMA cache_size=2; BEGIN;"
                     "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 40)"
                     "INSERT INTO t SELECT i, hex(zeroblob(1000)) FROM n");
    faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_IOERR_WRITE, 1, 1000});
    cr_expect_eq(run(db, "SELECT sum(length(v)) FROM t") & 0xff, SQLITE_IOERR);
    faulty_vfs_heal();
    run(db, "ROLLBACK");
    cr_expect_eq(database_number(db, "SELECT count(*) FROM t"), 1);
    sqlite3_close(db);
}

static int call(sqlite3_file *file, int which)
{
    sqlite3_int64 size;
    char byte;

    switch (which) {
    case 0:
        return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
    case 1:
        return file->pMethods->xRead(file, &byte, 1, 0);
    case 2:
        return file->pMethods->xTruncate(file, 0);
    case 3:
        return file->pMethods->xFileSize(file, &size);
    case 4:
        return file->pMethods->xFileControl(file, SQLITE_FCNTL_CHUNK_SIZE, &(int){0});
    default:
        return file->pMethods->xWrite(file, "x", 1, 100);
    }
}

/* Each call passes on the failure of the write that it has to make first. */
Test(wal_vfs_faults, no_call_conceals_a_failed_write)
{
    const struct fault fault = {FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, 1, 1};
    sqlite3_file *file = open_log();

    for (int which = 0; which <= 5; which++) {
        put(file, "head", 0);
        faulty_vfs_arm(fault);
        cr_expect_eq(call(file, which), SQLITE_FULL, "call %d", which);
        faulty_vfs_heal();
        cr_expect_eq(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    }
    close_log(file);
}

Test(wal_vfs_faults, a_log_that_cannot_be_opened_fails_the_database)
{
    sqlite3 *db;

    faulty_vfs_arm((struct fault){FAULT_OPEN, SQLITE_OPEN_WAL, SQLITE_CANTOPEN, 1, 1000});
    cr_assert_eq(
        sqlite3_open_v2("t.db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, WAL_VFS_NAME),
        SQLITE_OK);
    run(db, "PRAGMA journal_mode=WAL");
    cr_expect_eq(run(db, "CREATE TABLE t (k)"), SQLITE_CANTOPEN);
    sqlite3_close(db);
}
