/* Entries of a stream matched with the lines of a file. */
#include "service/cli/claude/digests.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define NO_UUID SLICE_LITERAL("")

static enum transcript_match match(struct transcript_digests *digests, const char *uuid,
                                   const char *text)
{
    return transcript_digests_match(digests, slice_from(uuid), slice_from(text));
}

Test(transcript_digests, uuid_is_matched_once_and_only_with_its_text)
{
    struct transcript_digests digests = {0};

    transcript_digests_store(&digests, SLICE_LITERAL("u1"), SLICE_LITERAL("a"));
    cr_expect_eq(match(&digests, "u1", "b"), TRANSCRIPT_CONFLICT);
    cr_expect_eq(match(&digests, "u1", "a"), TRANSCRIPT_STORED);
    cr_expect_eq(match(&digests, "u1", "a"), TRANSCRIPT_REPEATED);
    cr_expect_eq(match(&digests, "u1", "b"), TRANSCRIPT_CONFLICT);
    cr_expect_eq(match(&digests, "u2", "a"), TRANSCRIPT_NEW);
    cr_expect_eq(match(&digests, "u2", "a"), TRANSCRIPT_REPEATED);
    cr_expect_eq(match(&digests, "u2", "b"), TRANSCRIPT_CONFLICT);
    transcript_digests_release(&digests);
}

Test(transcript_digests, text_without_uuid_is_matched_as_often_as_it_is_stored)
{
    struct transcript_digests digests = {0};

    transcript_digests_store(&digests, NO_UUID, SLICE_LITERAL("a"));
    transcript_digests_store(&digests, NO_UUID, SLICE_LITERAL("a"));
    cr_expect_eq(match(&digests, "", "b"), TRANSCRIPT_NEW);
    cr_expect_eq(match(&digests, "", "b"), TRANSCRIPT_NEW);
    cr_expect_eq(match(&digests, "", "a"), TRANSCRIPT_STORED);
    cr_expect_eq(match(&digests, "", "a"), TRANSCRIPT_STORED);
    cr_expect_eq(match(&digests, "", "a"), TRANSCRIPT_NEW);
    cr_expect_eq(match(&digests, "a", "a"), TRANSCRIPT_NEW); /* a uuid is no text */
    transcript_digests_release(&digests);
}

Test(transcript_digests, table_finds_all_and_stays_small)
{
    enum { COUNT = 200000 };
    struct transcript_digests digests = {0};
    char uuid[24];

    for (int i = 0; i < COUNT; i++) {
        snprintf(uuid, sizeof(uuid), "u%d", i);
        transcript_digests_store(&digests, slice_from(uuid), SLICE_LITERAL("text"));
    }
    cr_expect_eq(digests.used, COUNT);
    cr_expect_leq(digests.room, COUNT * 2);
    for (int i = 0; i < 2 * COUNT; i++) {
        snprintf(uuid, sizeof(uuid), "u%d", i);
        cr_assert_eq(match(&digests, uuid, "text"), i < COUNT ? TRANSCRIPT_STORED : TRANSCRIPT_NEW);
    }
    transcript_digests_release(&digests);
    cr_expect_null(digests.slots);
}
