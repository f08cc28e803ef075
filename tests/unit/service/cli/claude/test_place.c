/* Session and stream of a file, by its path. */
#include "service/cli/claude/place.h"

#include <criterion/criterion.h>

#define A "aaaaaaaa-0000-4000-8000-000000000001"
#define B "bbbbbbbb-0000-4000-8000-000000000002"

struct place_case {
    const char *path;
    enum claude_kind kind;
    const char *session_id;
    const char *stream;
    const char *project;
};

static const struct place_case places[] = {
    {"/h/-p/" A ".jsonl", CLAUDE_MAIN, A, "main", "-p"},
    {"/h/-p/AAAAAAAA-0000-4000-8000-000000000001.jsonl", CLAUDE_MAIN, A, "main", "-p"},
    {"/" A ".jsonl", CLAUDE_MAIN, A, "main", ""},
    {"/h/-p/notes.jsonl", CLAUDE_MAIN, "", "main", "-p"},
    {"/h/-p/agent-7.jsonl", CLAUDE_STREAM, "", "subagents/agent-7", "-p"},
    {"/h/-p/" A "/subagents/agent-1.jsonl", CLAUDE_STREAM, A, "subagents/agent-1", "-p"},
    {"/h/-p/" A "/subagents/w/wf_1/agent-1.jsonl", CLAUDE_STREAM, A, "subagents/w/wf_1/agent-1",
     "-p"},
    {"/h/-p/" A "/subagents/" B ".jsonl", CLAUDE_STREAM, A, "subagents/" B, "-p"},
    {"/h/-p/" A "/other/journal.jsonl", CLAUDE_STREAM, A, "other/journal", "-p"},
    {"/backup/" A "/-p/" B ".jsonl", CLAUDE_MAIN, B, "main", "-p"},
    {"/backup/" A "/-p/" B "/subagents/x.jsonl", CLAUDE_STREAM, B, "subagents/x", "-p"},
    {"/" A "/x.jsonl", CLAUDE_STREAM, A, "x", ""},
    {"/h/-p/" A "/subagents/agent-1.meta.json", CLAUDE_METADATA, A, "subagents/agent-1", "-p"},
    {"/h/-p/agent-1.meta.json", CLAUDE_OTHER, "", "", ""},
    {"/h/-p/" A "/tool-results/1.txt", CLAUDE_OTHER, "", "", ""},
    {"/h/-p/.jsonl", CLAUDE_OTHER, "", "", ""},
};

static void expect_place(const struct place_case *each, bool is_named)
{
    struct claude_location place;

    claude_location_find(each->path, is_named, &place);
    cr_expect_eq(place.kind, each->kind, "%s", each->path);
    cr_expect_str_eq(place.session_id, each->session_id, "%s", each->path);
    cr_expect(slice_is(buffer_slice(&place.stream), each->stream), "%s", each->path);
    cr_expect(slice_is(place.project, each->project), "%s", each->path);
    claude_location_release(&place);
}

Test(claude_location, path_gives_session_and_stream)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        expect_place(&places[i], false);
}

Test(claude_location, named_file_is_a_transcript_whatever_its_suffix)
{
    static const struct place_case named[] = {
        {"/h/-p/" A, CLAUDE_MAIN, A, "main", "-p"},
        {"/h/-p/old.txt", CLAUDE_MAIN, "", "main", "-p"},
    };

    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        expect_place(&named[i], true);
}
