/* Maintenance tasks of the writer when their COMMIT fails: nothing that was rolled back counts. */

#include "faulty_vfs.h"
#include "store_fixture.h"

#include "db/store_figures.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define WAIT_MS 10000

static struct store_fixture fixture;
static char id[ID_SIZE];

static void init(void)
{
    faulty_vfs_install();
    fixture_init(&fixture);
}

static void release(void)
{
    faulty_vfs_heal();
    fixture_release(&fixture);
}

TestSuite(store_maintenance, .init = init, .fini = release, .timeout = 60);

static void open_store(void)
{
    struct error err;

    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static void fill_disk(void)
{
    faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, 1, INT_MAX});
}

/* Whether the condition becomes true in time. */
static bool await(bool (*condition)(void))
{
    for (int ms = 0; ms < WAIT_MS; ms++) {
        if (condition())
            return true;
        usleep(1000);
    }
    return false;
}

static bool has_failed(void)
{
    return faulty_vfs_failures() > 0;
}

static void lease(int64_t ttl_ms)
{
    struct store_job job = {
        .operation = STORE_LEASE, .owner = SLICE_LITERAL("daemon-1"), .ttl_ms = ttl_ms};

    memcpy(job.id, id, ID_SIZE);
    fixture_run(&fixture, &job);
    store_job_release(&job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
}

static int64_t count_of(enum store_count which)
{
    struct store_figures figures;

    store_figures(fixture.store, &figures);
    return figures.counts[which];
}

static bool lease_has_expired(void)
{
    return count_of(STORE_LEASES_EXPIRED) == 1;
}

Test(store_maintenance, lease_expiry_survives_a_failed_commit)
{
    open_store();
    fixture_create(&fixture, "/p", "t", "{}", id);
    lease(20);
    fill_disk();
    cr_assert(await(has_failed));
    cr_expect_eq(count_of(STORE_LEASES_EXPIRED), 0);
    faulty_vfs_heal();
    cr_expect(await(lease_has_expired), "%s", fixture.notices);
    fixture_expect(&fixture, "SELECT status FROM sessions", "PAUSED");
}
