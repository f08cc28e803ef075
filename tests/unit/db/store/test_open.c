/* Starting and ending the store: whose file it is, and what a start does when it cannot do all. */

#include "tests/unit/support/store_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct store_fixture fixture;

static void init(void)
{
    fixture_init(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_open, .init = init, .fini = release);

static void open_store(void)
{
    struct error err;

    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

/* A second store on `path` is refused, since the first one serves its file. */
static void expect_taken(const char *path)
{
    struct store_fixture other = fixture;
    struct error err;

    other.options.path = path;
    cr_assert_not(fixture_open(&other, &err), "%s", path);
    cr_expect(strstr(err.detail, "another sessiond"), "%s", err.detail);
}

Test(store_open, a_file_has_one_store)
{
    open_store();
    expect_taken(fixture.path);
}

Test(store_open, a_symbolic_link_is_the_file_it_leads_to)
{
    char link[128];

    open_store();
    snprintf(link, sizeof(link), "%s/link.db", fixture.folder);
    cr_assert_eq(symlink("sub/sessions.db", link), 0);
    expect_taken(link);
    snprintf(link, sizeof(link), "%s/folder", fixture.folder);
    cr_assert_eq(symlink("sub", link), 0);
    snprintf(link, sizeof(link), "%s/folder/sessions.db", fixture.folder);
    expect_taken(link);
}

Test(store_open, a_symbolic_link_to_a_file_that_is_not_there_yet)
{
    char folder[96];
    char link[128];

    snprintf(folder, sizeof(folder), "%s/sub", fixture.folder);
    cr_assert_eq(mkdir(folder, 0700), 0);
    snprintf(link, sizeof(link), "%s/link.db", fixture.folder);
    cr_assert_eq(symlink("sub/sessions.db", link), 0);
    fixture.options.path = link;
    open_store();
    expect_taken(fixture.path);
}
