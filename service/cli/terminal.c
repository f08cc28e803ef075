#include "service/cli/terminal.h"

#include "routes/json/utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Invisible characters that change how other characters are displayed: bidirectional controls (UAX
 * #9), line and paragraph separators, C1 controls. */
static bool is_hidden(uint32_t point)
{
    static const struct {
        uint32_t first;
        uint32_t last;
    } ranges[] = {{0x00, 0x09},     {0x0b, 0x1f},      {0x7f, 0x9f},     {0x061c, 0x061c},
                  {0x200b, 0x200f}, {0x2028, 0x202e},  {0x2060, 0x206f}, {0xfeff, 0xfeff},
                  {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    }
    return false;
}

static void print_escaped(FILE *out, const char *at, const char *end)
{
    while (at < end) {
        const size_t len = (unsigned char)*at < 0x80 ? 1 : json_utf8_length(at, end);
        const char *next = at;
        if (len == 0) {
            fprintf(out, "\\x%02x", (unsigned)(unsigned char)*at++);
            continue;
        }
        const uint32_t point = json_utf8_decode(&next, end);
        if (is_hidden(point))
            fprintf(out, "\\u{%x}", (unsigned)point);
        else
            fwrite(at, 1, len, out);
        at += len;
    }
}

void terminal_print(FILE *out, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    const int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (len < 0)
        abort(); /* out of memory */
    print_escaped(out, text, text + len);
    free(text);
}
