#include "db/sqlite/file/journal_check.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"

static char folder[64];
static char database[128];
static char journal[160];

static void make_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/sessiond-journal-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(database, sizeof(database), "%s/a.db", folder);
    snprintf(journal, sizeof(journal), "%s/a.db-journal", folder);
}

static void remove_folder(void)
{
    unlink(journal);
    rmdir(journal);
    rmdir(folder);
}

TestSuite(journal_check, .init = make_folder, .fini = remove_folder);

static void write_journal(const char *bytes, size_t len)
{
    FILE *file = fopen(journal, "wb");

    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, len, file), len);
    cr_assert_eq(fclose(file), 0);
}

Test(journal_check, a_database_without_a_journal_is_accepted)
{
    struct error err;

    cr_expect(journal_check(database, &err));
}

/* A journal begins with the same bytes, and may be shorter than they are. */
Test(journal_check, a_journal_without_a_name_is_accepted)
{
    static const char begun[] = MAGIC "and the rest of its header";
    struct error err;

    write_journal("", 0);
    cr_expect(journal_check(database, &err));
    write_journal(MAGIC, 7);
    cr_expect(journal_check(database, &err));
    write_journal(begun, sizeof(begun));
    cr_expect(journal_check(database, &err));
}

Test(journal_check, a_journal_that_names_a_file_is_refused)
{
    static const char named[] = "header and pages/etc/victim\0\0\0\x0b\0\0\0\0" MAGIC;
    struct error err;

    write_journal(named, sizeof(named) - 1);
    cr_expect_not(journal_check(database, &err));
    cr_expect_not_null(strstr(err.detail, "a.db-journal names another file"), "%s", err.detail);
}

Test(journal_check, a_journal_that_cannot_be_read_is_refused)
{
    struct error err;

    cr_assert_eq(mkdir(journal, 0700), 0);
    cr_expect_not(journal_check(database, &err));
    cr_expect_not_null(strstr(err.detail, "cannot read"), "%s", err.detail);
}
