/* The queries of entries and streams: what is taken, what is refused. */

#include "routes/entries/params.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct buffer text;
static struct error err;
static struct store_append append;
static struct store_entry_query query;
static struct slice after;
static int limit;
static int64_t wait_s;

static void begin(void)
{
    buffer_release(&text);
    err = (struct error){0};
    append = (struct store_append){0};
    query = (struct store_entry_query){0};
}

static bool appends(const char *sent)
{
    begin();
    return entries_params_append(slice_from(sent), &text, &append, &err);
}

static bool reads(const char *sent)
{
    begin();
    return entries_params_read(slice_from(sent), &text, &query, &wait_s, &err);
}

static bool lists(const char *sent)
{
    begin();
    return entries_params_streams(slice_from(sent), &text, &after, &limit, &err);
}

static void release(void)
{
    buffer_release(&text);
}

TestSuite(entries_params, .fini = release);

Test(entries_params, without_parameters_it_is_the_main_stream)
{
    cr_assert(appends(""));
    cr_expect(slice_is(append.stream, "main"));
    cr_expect_not(append.has_expected);
    cr_assert(reads(""));
    cr_expect(slice_is(query.stream, "main"));
    cr_expect(query.after == 0 && query.before == 0 && query.limit == 0 && !query.descending);
    cr_expect_eq(wait_s, 0);
    cr_assert(lists(""));
    cr_expect(after.len == 0 && limit == 1000);
}

Test(entries_params, every_parameter_is_read)
{
    cr_assert(appends("stream=subagents/agent-1&expect_last_seq=41"));
    cr_expect(slice_is(append.stream, "subagents/agent-1"));
    cr_expect(append.has_expected && append.expected == 41);
    cr_assert(appends("expect_last_seq=0&stream=%c3%a5%20b"));
    cr_expect(slice_is(append.stream, "\xc3\xa5 b"));
    cr_expect(append.has_expected && append.expected == 0);
    cr_assert(reads("stream=s&after=5&before=4294967295&order=desc&limit=1000"));
    cr_expect(slice_is(query.stream, "s"));
    cr_expect(query.after == 5 && query.before == INT64_C(4294967295));
    cr_expect(query.limit == 1000 && query.descending);
    cr_assert(reads("order=asc&after=0&before=1"));
    cr_expect(!query.descending && query.after == 0 && query.before == 1);
    cr_assert(reads("wait=60&after=3"));
    cr_expect_eq(wait_s, 60);
    cr_assert(lists("after=a/b&limit=7"));
    cr_expect(slice_is(after, "a/b") && limit == 7);
}

static void expect_refused(bool taken, const char *sent, const char *parameter)
{
    cr_expect_not(taken, "%s", sent);
    cr_expect_eq(err.kind, ERROR_INVALID_QUERY, "%s", sent);
    cr_expect_str_eq(err.field, parameter, "%s: %s", sent, err.field);
}

Test(entries_params, numbers_are_numbers_in_their_range)
{
    static const char *const bad[] = {"",  "-1",  "+1",   "1.",
                                      "x", "0x1", "%201", "99999999999999999999"};
    char sent[64];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(sent, sizeof(sent), "expect_last_seq=%s", bad[i]);
        expect_refused(appends(sent), sent, "expect_last_seq");
        snprintf(sent, sizeof(sent), "after=%s", bad[i]);
        expect_refused(reads(sent), sent, "after");
        snprintf(sent, sizeof(sent), "before=%s", bad[i]);
        expect_refused(reads(sent), sent, "before");
        snprintf(sent, sizeof(sent), "limit=%s", bad[i]);
        expect_refused(reads(sent), sent, "limit");
        expect_refused(lists(sent), sent, "limit");
    }
    expect_refused(reads("before=0"), "before=0", "before");
    expect_refused(reads("limit=0"), "limit=0", "limit");
    expect_refused(reads("limit=1001"), "limit=1001", "limit");
    expect_refused(reads("wait=0"), "wait=0", "wait");
    expect_refused(reads("wait=61"), "wait=61", "wait");
    expect_refused(reads("wait=1&order=desc"), "downwards", "wait");
    expect_refused(reads("order=up"), "order=up", "order");
}

Test(entries_params, a_streams_name_has_1_to_256_bytes_and_no_control_characters)
{
    char sent[300];

    snprintf(sent, sizeof(sent), "stream=%0256d", 0);
    cr_expect(reads(sent));
    cr_expect(appends(sent));
    snprintf(sent, sizeof(sent), "stream=%0257d", 0);
    expect_refused(reads(sent), sent, "stream");
    expect_refused(appends(sent), sent, "stream");
    snprintf(sent, sizeof(sent), "after=%0257d", 0);
    expect_refused(lists(sent), sent, "after");
    expect_refused(reads("stream="), "stream=", "stream");
    expect_refused(reads("stream=a%0ab"), "LF", "stream");
    expect_refused(reads("stream=a%7f"), "DEL", "stream");
    expect_refused(reads("stream=a%c2%85"), "NEL", "stream");
    cr_expect(reads("stream=%c2%a0"));
    expect_refused(reads("stream=%ff"), "no UTF-8", "stream");
}

Test(entries_params, others_and_repeated_ones_are_refused)
{
    expect_refused(appends("after=1"), "after", "after");
    expect_refused(reads("expect_last_seq=1"), "expect_last_seq", "expect_last_seq");
    expect_refused(lists("stream=s"), "stream", "stream");
    expect_refused(reads("cursor=1"), "cursor", "cursor");
    expect_refused(reads("after=1&after=1"), "twice", "after");
    expect_refused(appends("stream=a&stream=a"), "twice", "stream");
}
