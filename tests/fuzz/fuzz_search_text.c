/*
 * JSON texts: what is searched of them is not longer than it may be, holds no U+0000 and no long
 * run as in base64, ends with a whole character, and is the same every time.
 *
 * Covers: routes/search/text_extract.c
 */
#include "routes/json/scan.h"
#include "routes/search/text_extract.h"
#include "tests/fuzz/expect.h"

#include <stdint.h>
#include <stdlib.h>

#define MAX_DEPTH 64
#define RUN_MAX 128

static bool is_of_a_run(char c)
{
    return c != '\0' &&
           strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=-_", c) != NULL;
}

/* One run may end where a text is cut out, and the next begin: two of the longest. */
static void check_runs(struct slice text)
{
    size_t run = 0;

    for (size_t i = 0; i < text.len; i++) {
        run = is_of_a_run(text.data[i]) ? run + 1 : 0;
        expect(run <= RUN_MAX, "a long run", text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice json = {(const char *)data, size};
    struct error err;
    size_t len = 0;
    size_t again_len = 0;

    if (!json_scan(json, MAX_DEPTH, NULL, &err))
        return 0;
    char *text = search_text(json, &len);
    char *again = search_text(json, &again_len);
    expect((text == NULL) == (len == 0), "an empty text", json);
    expect(len == again_len && (len == 0 || memcmp(text, again, len) == 0), "another text", json);
    expect(len <= SEARCH_TEXT_MAX_BYTES && len <= size, "the length", json);
    expect(text == NULL || memchr(text, '\0', len) == NULL, "a NUL", json);
    check_runs((struct slice){text == NULL ? "" : text, len});
    free(text);
    free(again);
    return 0;
}
