/* A probe of a disk that is full, and of one that was written to just before. */

#include "tests/unit/support/faulty_vfs.h"
#include "tests/unit/support/store_fixture.h"

#include <criterion/criterion.h>
#include <unistd.h>

static struct store_fixture fixture;

static void open_store(void)
{
    fixture_start_on_faulty_disk(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_probe, .init = open_store, .fini = release, .timeout = 60);

static enum error_kind probe(void)
{
    struct store_job job = {.operation = STORE_PROBE};

    fixture_run(&fixture, &job);
    store_job_release(&job);
    return job.error.kind;
}

/* One that failed stands for the others of the same second, and so does one that did not. */
Test(store_probe, writes_once_a_second)
{
    sleep(1); /* longer than since any commit of the start */
    faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, 1, 1000});
    cr_expect_eq(probe(), ERROR_STORAGE_FULL);
    cr_expect_not(store_has_just_committed(fixture.store));
    faulty_vfs_heal();
    cr_expect_eq(probe(), ERROR_STORAGE_FULL, "although the disk has room now");
    sleep(1);
    cr_expect_eq(probe(), ERROR_NONE);
    faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, 1, 1000});
    cr_expect_eq(probe(), ERROR_NONE, "nothing is written");
    sleep(1);
    cr_expect_eq(probe(), ERROR_STORAGE_FULL);
    faulty_vfs_heal();
    cr_expect_eq(fixture.failures, 0);
}
