/*
 * The query of a list: a cursor that is taken is the number that its digits are; the link to the
 * next page asks for the same list, behind the row that it names.
 *
 * Covers: routes/sessions/list_params.c
 */
#include "routes/sessions/list_params.h"
#include "tests/fuzz/expect.h"

#include <inttypes.h>
#include <stdint.h>

#define MAX_BYTES 1024
#define LAST INT64_C(1795502160123456)

static bool read_list(struct slice query, struct buffer *text, struct store_list_query *out)
{
    struct error err = {.kind = ERROR_NONE};

    if (list_params_read(query, text, out, &err))
        return true;
    expect(err.kind == ERROR_INVALID_QUERY && err.detail[0] != '\0', "a refusal", query);
    return false;
}

/* Where the cursor stands in the query as it was sent, its digits are the number. */
static void check_cursor(const struct store_list_query *list, struct slice query)
{
    const char *at = memmem(query.data, query.len, "cursor=", 7);
    char digits[32];

    expect(list->after >= 0, "a cursor below zero", query);
    if (list->after == 0 || at == NULL)
        return;
    const struct slice sent = {at + 7, query.len - (size_t)(at + 7 - query.data)};
    if (sent.len == 0 || sent.data[0] < '1' || sent.data[0] > '9')
        return; /* leading zeros, or escapes */
    const int len = snprintf(digits, sizeof(digits), "%" PRId64, list->after);
    const bool plain =
        memchr(query.data, '%', query.len) == NULL && (at == query.data || at[-1] == '&');
    expect(!plain || (sent.len >= (size_t)len && memcmp(sent.data, digits, (size_t)len) == 0),
           "another cursor", query);
}

static void check_link(const struct store_list_query *list, struct slice query)
{
    const struct slice head = SLICE_LITERAL("</sessions?");
    const struct slice tail = SLICE_LITERAL(">; rel=\"next\"");
    const struct store_page page = {.last = LAST, .more = true};
    struct buffer link = {0};
    struct buffer text = {0};
    struct store_list_query next;

    list_params_add_link(&link, query, &page);
    const struct slice value = buffer_slice(&link);
    expect(value.len > head.len + tail.len && memcmp(value.data, head.data, head.len) == 0 &&
               memcmp(value.data + value.len - tail.len, tail.data, tail.len) == 0,
           "the link's form", query);
    const struct slice inner = {value.data + head.len, value.len - head.len - tail.len};
    expect(read_list(inner, &text, &next), "the link is refused", inner);
    expect(next.after == LAST && next.limit == list->limit && next.statuses == list->statuses &&
               next.ascending == list->ascending && next.with_context == list->with_context &&
               slice_equal(next.thread_id, list->thread_id) &&
               slice_equal(next.project_path, list->project_path),
           "the link asks for something else", inner);
    buffer_release(&link);
    buffer_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice query = {(const char *)data, size};
    struct buffer text = {0};
    struct store_list_query list;

    if (size == 0 || size > MAX_BYTES)
        return 0;
    if (read_list(query, &text, &list)) {
        expect(list.limit >= 1 && list.limit <= 1000, "the limit", query);
        check_cursor(&list, query);
        check_link(&list, query);
    }
    buffer_release(&text);
    return 0;
}
