#include "routes/json/member_name.h"

#include "routes/core/buffer.h"
#include "routes/json/index.h"
#include "routes/json/string.h"

#include <stdlib.h>

/* Up to this number of names, pairwise comparison is faster than sorting. */
#define PAIRWISE_COMPARE_MAX 16

__extension__ typedef unsigned __int128 uint128;

/* Folding the product loses bits, and the word is part of both factors, so an attacker cannot solve
 * for the last word of a name with a given hash. The `| 1` prevents a zero factor. */
static uint64_t mix_hash(uint64_t hash, uint64_t word)
{
    uint128 product = (uint128)((hash ^ word) | 1) * (word + UINT64_C(0x9e3779b97f4a7c15));

    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

static uint64_t hash_text(struct slice text)
{
    uint64_t hash = text.len;
    uint64_t word;

    for (; text.len >= sizeof(word); text.len -= sizeof(word)) {
        memcpy(&word, text.data, sizeof(word));
        hash = mix_hash(hash, word);
        text.data += sizeof(word);
    }
    word = 0;
    if (text.len > 0)
        memcpy(&word, text.data, text.len);
    return mix_hash(hash, word);
}

struct json_name json_name_make(struct slice raw, bool escaped)
{
    struct json_name name = {.raw = raw};
    struct buffer text = {0};

    if (!escaped) {
        name.hash = hash_text(raw);
        return name;
    }
    json_string_decode(raw, &text);
    name.hash = hash_text(buffer_slice(&text));
    buffer_release(&text);
    return name;
}

bool json_name_equal(const struct json_name *a, const struct json_name *b)
{
    return a->hash == b->hash && json_string_compare(a->raw, b->raw) == 0;
}

void json_names_push(struct json_names *names, struct json_name name)
{
    if (names->len == names->capacity) {
        names->capacity = names->capacity == 0 ? 32 : 2 * names->capacity;
        names->items = reallocarray(names->items, names->capacity, sizeof(*names->items));
        if (names->items == NULL)
            abort();
    }
    names->items[names->len++] = name;
}

static struct slice find_duplicate_pairwise(const struct json_name *names, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (json_name_equal(&names[i], &names[j]))
                return names[i].raw;
        }
    }
    return (struct slice){0};
}

/* Sorts by name, and equal names by their position in the text. */
static int compare_by_name_and_position(const void *left, const void *right)
{
    const struct json_index_entry *a = left;
    const struct json_index_entry *b = right;
    const struct json_name *a_name = a->item;
    const struct json_name *b_name = b->item;
    int order = (a->hash > b->hash) - (a->hash < b->hash);

    if (order == 0)
        order = json_string_compare(a_name->raw, b_name->raw);
    return order != 0 ? order : (a_name > b_name) - (a_name < b_name);
}

static const struct json_name *find_first_duplicate(const struct json_index *index)
{
    const struct json_name *first = NULL;

    for (size_t i = 1; i < index->count; i++) {
        const struct json_name *name = index->entries[i].item;

        if (index->entries[i].hash == index->entries[i - 1].hash &&
            (first == NULL || name < first) && json_name_equal(name, index->entries[i - 1].item))
            first = name;
    }
    return first;
}

static struct slice find_duplicate_by_index(const struct json_name *names, size_t count)
{
    struct json_index_entry *entries = calloc(count, sizeof(*entries));
    struct json_index index;
    const struct json_name *first;

    if (entries == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct json_index_entry){names[i].hash, &names[i]};
    json_index_init(&index, entries, count, compare_by_name_and_position);
    free(entries);
    first = find_first_duplicate(&index);
    json_index_release(&index);
    if (first == NULL)
        return (struct slice){0};
    return first->raw;
}

struct slice json_names_pop(struct json_names *names, size_t from)
{
    size_t count = names->len - from;

    names->len = from;
    if (count < 2)
        return (struct slice){0};
    if (count <= PAIRWISE_COMPARE_MAX)
        return find_duplicate_pairwise(names->items + from, count);
    return find_duplicate_by_index(names->items + from, count);
}

void json_names_release(struct json_names *names)
{
    free(names->items);
    *names = (struct json_names){0};
}
