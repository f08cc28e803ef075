#include "service/cli/claude/place.h"

#include "routes/entries/params.h"

#define LINES_SUFFIX ".jsonl"
#define METADATA_SUFFIX ".meta.json"
#define AGENTS "subagents"
#define AGENT_PREFIX "agent-"

static bool starts_with(struct slice text, const char *prefix)
{
    const size_t len = strlen(prefix);

    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

/* Removes `suffix` unless nothing would remain. Returns whether it did. */
static bool strip_suffix(struct slice *text, const char *suffix)
{
    const size_t len = strlen(suffix);

    if (text->len <= len || memcmp(text->data + text->len - len, suffix, len) != 0)
        return false;
    text->len -= len;
    return true;
}

/* Returns the last component before `end`, which is a slash or the end of the path. */
static struct slice component_before(const char *path, const char *end)
{
    const char *start = end;

    while (start > path && start[-1] != '/')
        start--;
    return (struct slice){start, (size_t)(end - start)};
}

/* Returns the innermost parent folder whose name is a UUID, and its UUID in `id`; its data is NULL
 * when there is none. */
static struct slice session_folder(const char *path, const char *name, char id[UUID_SIZE])
{
    for (const char *end = name; end > path; end = component_before(path, end - 1).data) {
        const struct slice folder = component_before(path, end - 1);
        if (uuid_read(folder, id))
            return folder;
    }
    return (struct slice){0};
}

static struct slice folder_of(const char *path, struct slice component)
{
    if (component.data == path)
        return (struct slice){"", 0};
    return component_before(path, component.data - 1);
}

static void place_in_session(const char *path, struct slice folder, const char *end,
                             struct claude_location *out)
{
    const char *start = folder.data + folder.len + 1;

    out->kind = CLAUDE_STREAM;
    out->project = folder_of(path, folder);
    buffer_add(&out->stream, (struct slice){start, (size_t)(end - start)});
}

/* `name` is the name of the file without suffix. */
static void place_lines(const char *path, struct slice name, struct claude_location *out)
{
    char folder_id[UUID_SIZE];
    const struct slice folder = session_folder(path, name.data, folder_id);
    const bool is_below_agents =
        folder.data != NULL && starts_with(slice_from(folder.data + folder.len + 1), AGENTS "/");
    const bool is_session = !is_below_agents && uuid_read(name, out->session_id);

    out->kind = CLAUDE_MAIN;
    out->project = folder_of(path, name);
    if (is_session || (folder.data == NULL && !starts_with(name, AGENT_PREFIX))) {
        buffer_add_text(&out->stream, ENTRIES_STREAM_DEFAULT);
    } else if (folder.data == NULL) {
        out->kind = CLAUDE_STREAM;
        buffer_add_text(&out->stream, AGENTS "/");
        buffer_add(&out->stream, name);
    } else {
        memcpy(out->session_id, folder_id, UUID_SIZE);
        place_in_session(path, folder, name.data + name.len, out);
    }
}

/* Metadata describes a stream of a session, so the session must be known from a folder. */
static void place_metadata(const char *path, struct slice name, struct claude_location *out)
{
    const struct slice folder = session_folder(path, name.data, out->session_id);

    if (folder.data == NULL)
        return;
    place_in_session(path, folder, name.data + name.len, out);
    out->kind = CLAUDE_METADATA;
}

void claude_location_find(const char *path, bool is_named, struct claude_location *out)
{
    struct slice name = component_before(path, path + strlen(path));

    *out = (struct claude_location){.kind = CLAUDE_OTHER, .project = {"", 0}};
    if (strip_suffix(&name, METADATA_SUFFIX))
        place_metadata(path, name, out);
    else if (strip_suffix(&name, LINES_SUFFIX) || is_named)
        place_lines(path, name, out);
}

void claude_location_release(struct claude_location *place)
{
    buffer_release(&place->stream);
}
