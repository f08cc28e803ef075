#include "service/transcript_uuids.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct known {
    size_t line_len;
    const char *line; /* behind the uuid, in the same piece of memory */
    char uuid[];
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct known *)a)->uuid, ((const struct known *)b)->uuid);
}

static struct known *known_new(struct slice uuid, struct slice line)
{
    struct known *known = malloc(sizeof(*known) + uuid.len + 1 + line.len);

    if (known == NULL)
        abort();
    char *copy = known->uuid + uuid.len + 1;
    memcpy(known->uuid, uuid.data, uuid.len);
    known->uuid[uuid.len] = '\0';
    memcpy(copy, line.data, line.len);
    known->line = copy;
    known->line_len = line.len;
    return known;
}

enum transcript_uuid transcript_uuids_add(struct transcript_uuids *uuids, struct slice uuid,
                                          struct slice line)
{
    struct known *known = known_new(uuid, line);
    struct known **found = tsearch(known, &uuids->tree, compare);

    if (found == NULL)
        abort();
    if (*found == known)
        return TRANSCRIPT_UUID_NEW;
    free(known);
    return slice_equal((struct slice){(*found)->line, (*found)->line_len}, line)
               ? TRANSCRIPT_UUID_REPEATED
               : TRANSCRIPT_UUID_TAKEN;
}

void transcript_uuids_release(struct transcript_uuids *uuids)
{
    tdestroy(uuids->tree, free);
    uuids->tree = NULL;
}
