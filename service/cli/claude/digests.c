#include "service/cli/claude/digests.h"

#include "routes/core/sha256.h"

#include <stdlib.h>

#define FIRST_ROOM 1024

struct claude_digest {
    unsigned char name[16]; /* digest of the uuid or, without a uuid, of the text */
    unsigned char text[8];  /* digest of the text */
    uint32_t stored;        /* entries of the stream that no line of the file has matched */
    uint32_t seen;          /* lines of the file; in a used slot, `stored` or `seen` is above 0 */
};

static bool is_used(const struct claude_digest *slot)
{
    return slot->stored > 0 || slot->seen > 0;
}

static struct claude_digest make_digest(struct slice uuid, struct slice text)
{
    const struct slice parts[] = {uuid.len > 0 ? SLICE_LITERAL("uuid") : SLICE_LITERAL("text"),
                                  uuid.len > 0 ? uuid : text};
    unsigned char bytes[SHA256_BYTES];
    struct claude_digest digest = {0};

    sha256_parts(parts, 2, bytes);
    memcpy(digest.name, bytes, sizeof(digest.name));
    sha256_text(text, bytes);
    memcpy(digest.text, bytes, sizeof(digest.text));
    return digest;
}

/* Returns the slot of this name, or the free slot for it. The table must have a free slot. */
static struct claude_digest *find_slot(const struct claude_digests *digests,
                                       const struct claude_digest *wanted)
{
    uint64_t hash;

    memcpy(&hash, wanted->name, sizeof(hash));
    for (size_t at = hash % digests->room;; at = at + 1 == digests->room ? 0 : at + 1) {
        struct claude_digest *slot = &digests->slots[at];
        if (!is_used(slot) || memcmp(slot->name, wanted->name, sizeof(slot->name)) == 0)
            return slot;
    }
}

static void resize(struct claude_digests *digests, size_t room)
{
    struct claude_digest *old = digests->slots;
    const size_t old_room = digests->room;

    digests->room = room;
    digests->slots = calloc(room, sizeof(*digests->slots));
    if (digests->slots == NULL)
        abort();
    for (size_t i = 0; i < old_room; i++) {
        if (is_used(&old[i]))
            *find_slot(digests, &old[i]) = old[i];
    }
    free(old);
}

/* Returns the slot of this digest. Adds a new one if there is none; the caller must then increment
 * `stored` or `seen`. At most four fifths of the slots are used; the table grows by half. */
static struct claude_digest *find_or_add_slot(struct claude_digests *digests,
                                              const struct claude_digest *digest)
{
    if (digests->room == 0)
        resize(digests, FIRST_ROOM);
    else if (digests->used >= digests->room / 5 * 4)
        resize(digests, digests->room + digests->room / 2);
    struct claude_digest *slot = find_slot(digests, digest);
    if (!is_used(slot)) {
        *slot = *digest;
        digests->used++;
    }
    return slot;
}

void claude_digests_store(struct claude_digests *digests, struct slice uuid, struct slice text)
{
    const struct claude_digest digest = make_digest(uuid, text);

    find_or_add_slot(digests, &digest)->stored++;
}

enum claude_match claude_digests_match(struct claude_digests *digests, struct slice uuid,
                                       struct slice text)
{
    const struct claude_digest digest = make_digest(uuid, text);
    struct claude_digest *slot = find_or_add_slot(digests, &digest);
    const bool was_seen = slot->seen > 0;
    const bool was_stored = slot->stored > 0;

    slot->seen++;
    if (was_stored && memcmp(slot->text, digest.text, sizeof(digest.text)) == 0) {
        slot->stored--;
        return CLAUDE_STORED;
    }
    if (uuid.len == 0 || (!was_seen && !was_stored))
        return CLAUDE_NEW;
    return memcmp(slot->text, digest.text, sizeof(digest.text)) == 0 ? CLAUDE_REPEATED
                                                                     : CLAUDE_CONFLICT;
}

void claude_digests_release(struct claude_digests *digests)
{
    free(digests->slots);
    *digests = (struct claude_digests){0};
}
