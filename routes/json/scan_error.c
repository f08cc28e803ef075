#include "routes/json/scan_error.h"

#include <stdarg.h>
#include <stdio.h>

/* Longer names are truncated so that the rest of the message fits. */
#define SHOWN_NAME_BYTES 40

void json_scan_error(struct slice text, const char *at, struct error *err, const char *format, ...)
{
    const char *line_start = text.data;
    const char *newline;
    size_t line = 1;
    char words[sizeof(err->detail)];
    va_list args;

    while (line_start < at &&
           (newline = memchr(line_start, '\n', (size_t)(at - line_start))) != NULL) {
        line_start = newline + 1;
        line++;
    }
    va_start(args, format);
    vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    error_set(err, ERROR_MALFORMED_JSON, NULL, "line %zu, column %zu: %s", line,
              (size_t)(at - line_start) + 1, words);
}

static bool is_printable(char c)
{
    return c >= 0x20 && c <= 0x7e;
}

void json_scan_error_expected(struct slice text, const char *at, struct error *err,
                              const char *what)
{
    if (at == text.data + text.len)
        json_scan_error(text, at, err, "the text ends where %s is expected", what);
    else if (is_printable(*at))
        json_scan_error(text, at, err, "found '%c' where %s is expected", *at, what);
    else
        json_scan_error(text, at, err, "found the byte 0x%02X where %s is expected",
                        (unsigned)(unsigned char)*at, what);
}

void json_scan_error_repeated_name(struct slice text, struct slice name, struct error *err)
{
    char shown[SHOWN_NAME_BYTES + 1];
    size_t len = name.len < SHOWN_NAME_BYTES ? name.len : SHOWN_NAME_BYTES;

    memcpy(shown, name.data, len);
    for (size_t i = 0; i < len; i++) {
        if (!is_printable(shown[i]))
            shown[i] = '?';
    }
    shown[len] = '\0';
    json_scan_error(text, name.data - 1, err, "the member \"%s\"%s is repeated in an object", shown,
                    len < name.len ? "..." : "");
}
