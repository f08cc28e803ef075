/* What reaches a terminal of texts that others wrote. */

#include "service/cli/terminal.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char *printed(const char *text)
{
    char *out = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&out, &size);

    cr_assert_not_null(file);
    terminal_print(file, "%s\n", text);
    fclose(file);
    return out;
}

Test(terminal, escapes_what_controls_it)
{
    static const struct {
        const char *text;
        const char *wanted;
    } cases[] = {
        {"plain text, 100 % of it", "plain text, 100 % of it\n"},
        {"Gr\xc3\xbc\xc3\x9f"
         "e \xe2\x82\xac \xf0\x9f\x98\x80",
         "Gr\xc3\xbc\xc3\x9f"
         "e \xe2\x82\xac \xf0\x9f\x98\x80\n"},
        {"two\nlines", "two\nlines\n"},
        {"\x1b[2J\a\b\r\t", "\\u{1b}[2J\\u{7}\\u{8}\\u{d}\\u{9}\n"},
        {"\x7f", "\\u{7f}\n"},
        {"\xc2\x9b"
         "31m",
         "\\u{9b}31m\n"},
        {"\xe2\x80\xae"
         "txt.exe",
         "\\u{202e}txt.exe\n"},
        {"\xe2\x81\xa6\xe2\x80\x8b\xef\xbb\xbf", "\\u{2066}\\u{200b}\\u{feff}\n"},
        {"\x9b"
         "31m \xff \xc0\xaf \xed\xa0\x80",
         "\\x9b31m \\xff \\xc0\\xaf \\xed\\xa0\\x80\n"},
        {"cut \xe2\x82", "cut \\xe2\\x82\n"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *out = printed(cases[i].text);
        cr_expect_str_eq(out, cases[i].wanted, "case %zu: %s", i, out);
        free(out);
    }
}
