/* Entries of a stream matched with the lines of a file. */
#include "service/cli/claude/digests.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define NO_UUID SLICE_LITERAL("")

static enum claude_match match(struct claude_digests *digests, const char *uuid, const char *text)
{
    return claude_digests_match(digests, slice_from(uuid), slice_from(text));
}

Test(claude_digests, uuid_is_matched_once_and_only_with_its_text)
{
    struct claude_digests digests = {0};

    claude_digests_store(&digests, SLICE_LITERAL("u1"), SLICE_LITERAL("a"));
    cr_expect_eq(match(&digests, "u1", "b"), CLAUDE_CONFLICT);
    cr_expect_eq(match(&digests, "u1", "a"), CLAUDE_STORED);
    cr_expect_eq(match(&digests, "u1", "a"), CLAUDE_REPEATED);
    cr_expect_eq(match(&digests, "u1", "b"), CLAUDE_CONFLICT);
    cr_expect_eq(match(&digests, "u2", "a"), CLAUDE_NEW);
    cr_expect_eq(match(&digests, "u2", "a"), CLAUDE_REPEATED);
    cr_expect_eq(match(&digests, "u2", "b"), CLAUDE_CONFLICT);
    claude_digests_release(&digests);
}

Test(claude_digests, text_without_uuid_is_matched_as_often_as_it_is_stored)
{
    struct claude_digests digests = {0};

    claude_digests_store(&digests, NO_UUID, SLICE_LITERAL("a"));
    claude_digests_store(&digests, NO_UUID, SLICE_LITERAL("a"));
    cr_expect_eq(match(&digests, "", "b"), CLAUDE_NEW);
    cr_expect_eq(match(&digests, "", "b"), CLAUDE_NEW);
    cr_expect_eq(match(&digests, "", "a"), CLAUDE_STORED);
    cr_expect_eq(match(&digests, "", "a"), CLAUDE_STORED);
    cr_expect_eq(match(&digests, "", "a"), CLAUDE_NEW);
    cr_expect_eq(match(&digests, "a", "a"), CLAUDE_NEW); /* a uuid is no text */
    claude_digests_release(&digests);
}

Test(claude_digests, table_finds_all_and_stays_small)
{
    enum { COUNT = 200000 };
    struct claude_digests digests = {0};
    char uuid[24];

    for (int i = 0; i < COUNT; i++) {
        snprintf(uuid, sizeof(uuid), "u%d", i);
        claude_digests_store(&digests, slice_from(uuid), SLICE_LITERAL("text"));
    }
    cr_expect_eq(digests.used, COUNT);
    cr_expect_leq(digests.room, COUNT * 2);
    for (int i = 0; i < 2 * COUNT; i++) {
        snprintf(uuid, sizeof(uuid), "u%d", i);
        cr_assert_eq(match(&digests, uuid, "text"), i < COUNT ? CLAUDE_STORED : CLAUDE_NEW);
    }
    claude_digests_release(&digests);
    cr_expect_null(digests.slots);
}
