#include "service/cli/claude/digests.h"

#include "routes/core/sha256.h"

#include <stdlib.h>

#define FIRST_ROOM 1024

struct transcript_digest {
    unsigned char name[16]; /* digest of the uuid, or of the text where there is no uuid */
    unsigned char text[8];  /* digest of the text */
    uint32_t stored;        /* entries of the stream that no line of the file was matched with */
    uint32_t seen;          /* lines of the file; a slot that is in use has one of both */
};

static bool is_used(const struct transcript_digest *slot)
{
    return slot->stored > 0 || slot->seen > 0;
}

static struct transcript_digest digest_of(struct slice uuid, struct slice text)
{
    const struct slice parts[] = {uuid.len > 0 ? SLICE_LITERAL("uuid") : SLICE_LITERAL("text"),
                                  uuid.len > 0 ? uuid : text};
    unsigned char bytes[DIGEST_BYTES];
    struct transcript_digest digest = {0};

    digest_parts(parts, 2, bytes);
    memcpy(digest.name, bytes, sizeof(digest.name));
    digest_text(text, bytes);
    memcpy(digest.text, bytes, sizeof(digest.text));
    return digest;
}

/* The slot of this name, or the free one where it belongs. The table has a free one. */
static struct transcript_digest *find(const struct transcript_digests *digests,
                                      const struct transcript_digest *wanted)
{
    uint64_t hash;

    memcpy(&hash, wanted->name, sizeof(hash));
    for (size_t at = hash % digests->room;; at = at + 1 == digests->room ? 0 : at + 1) {
        struct transcript_digest *slot = &digests->slots[at];
        if (!is_used(slot) || memcmp(slot->name, wanted->name, sizeof(slot->name)) == 0)
            return slot;
    }
}

static void resize(struct transcript_digests *digests, size_t room)
{
    struct transcript_digest *old = digests->slots;
    const size_t old_room = digests->room;

    digests->room = room;
    digests->slots = calloc(room, sizeof(*digests->slots));
    if (digests->slots == NULL)
        abort();
    for (size_t i = 0; i < old_room; i++) {
        if (is_used(&old[i]))
            *find(digests, &old[i]) = old[i];
    }
    free(old);
}

/* The slot of this digest; a new one if there is none, which the caller has to count something in.
 * At most four fifths of the slots are used; the table grows by half. */
static struct transcript_digest *slot_of(struct transcript_digests *digests,
                                         const struct transcript_digest *digest)
{
    if (digests->room == 0)
        resize(digests, FIRST_ROOM);
    else if (digests->used >= digests->room / 5 * 4)
        resize(digests, digests->room + digests->room / 2);
    struct transcript_digest *slot = find(digests, digest);
    if (!is_used(slot)) {
        *slot = *digest;
        digests->used++;
    }
    return slot;
}

void transcript_digests_store(struct transcript_digests *digests, struct slice uuid,
                              struct slice text)
{
    const struct transcript_digest digest = digest_of(uuid, text);

    slot_of(digests, &digest)->stored++;
}

enum transcript_match transcript_digests_match(struct transcript_digests *digests,
                                               struct slice uuid, struct slice text)
{
    const struct transcript_digest digest = digest_of(uuid, text);
    struct transcript_digest *slot = slot_of(digests, &digest);
    const bool was_seen = slot->seen > 0;
    const bool was_stored = slot->stored > 0;

    slot->seen++;
    if (was_stored && memcmp(slot->text, digest.text, sizeof(digest.text)) == 0) {
        slot->stored--;
        return TRANSCRIPT_STORED;
    }
    if (uuid.len == 0 || (!was_seen && !was_stored))
        return TRANSCRIPT_NEW;
    return memcmp(slot->text, digest.text, sizeof(digest.text)) == 0 ? TRANSCRIPT_REPEATED
                                                                     : TRANSCRIPT_CONFLICT;
}

void transcript_digests_release(struct transcript_digests *digests)
{
    free(digests->slots);
    *digests = (struct transcript_digests){0};
}
