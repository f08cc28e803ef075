/* The token file: what is taken, what each bad line is told, and who is found. */

#include "service/auth/tokens.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* SHA-256 of "abc" (FIPS 180-4, an example) and of the empty text. */
#define OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define NAME_64 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._"

static struct tokens *tokens;
static struct error err;

static void init(void)
{
    tokens = tokens_new();
}

static void fini(void)
{
    tokens_free(tokens);
}

TestSuite(tokens, .init = init, .fini = fini);

static bool parses(const char *text)
{
    fini();
    init();
    err = (struct error){0};
    return tokens_parse(tokens, slice_from(text), &err);
}

Test(tokens, a_line_is_a_token)
{
    cr_assert(parses("ci:write:" OF_ABC "\n"), "%s", err.detail);
    cr_expect_eq(tokens_count(tokens), 1);
    const struct token *found = tokens_find(tokens, SLICE_LITERAL("abc"));
    cr_assert_not_null(found);
    cr_expect_str_eq(found->name, "ci");
    cr_expect_eq(found->scope, SCOPE_WRITE);
}

Test(tokens, what_is_presented_is_compared_wholly)
{
    static const char *const others[] = {"", "ab", "abcd", "Abc", "abc ", " abc", OF_ABC};

    cr_assert(parses("ci:read:" OF_ABC));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        cr_expect_null(tokens_find(tokens, slice_from(others[i])), "%s", others[i]);
    cr_expect_null(tokens_find(tokens, (struct slice){"abc\0", 4}));
}

Test(tokens, every_good_form_is_taken)
{
    static const char *const good[] = {
        "a:read:" OF_ABC,
        "a:read:" OF_ABC "\n",
        "a:admin:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
        NAME_64 ":read:" OF_ABC,
        "-:write:" OF_ABC,
        "# a comment\n\n \t\n#\na:read:" OF_ABC "\n\n# another, without an end of line",
        "same-name:read:" OF_ABC "\nsame-name:write:" OF_NOTHING "\n",
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        cr_expect(parses(good[i]), "%s: %s", good[i], err.detail);
        cr_expect_not_null(tokens_find(tokens, SLICE_LITERAL("abc")), "%s", good[i]);
    }
}

Test(tokens, each_bad_line_is_named_and_told_what_is_taken)
{
    static const struct {
        const char *line;
        const char *told;
    } bad[] = {
        {"a", "the scope is read, write or admin"},
        {":read:" OF_ABC, "the name has 1 to 64 characters"},
        {" a:read:" OF_ABC, "the name has 1 to 64 characters"},
        {"a b:read:" OF_ABC, "the name has 1 to 64 characters"},
        {"a\xc3\xa4:read:" OF_ABC, "the name has 1 to 64 characters"},
        {"a/b:read:" OF_ABC, "the name has 1 to 64 characters"},
        {NAME_64 "x:read:" OF_ABC, "the name has 1 to 64 characters"},
        {" # no comment", "the name has 1 to 64 characters"},
        {"a:", "the scope is read, write or admin"},
        {"a::" OF_ABC, "the scope is read, write or admin"},
        {"a:Read:" OF_ABC, "the scope is read, write or admin"},
        {"a:read :" OF_ABC, "the scope is read, write or admin"},
        {"a:owner:" OF_ABC, "the scope is read, write or admin"},
        {"a:" OF_ABC, "the scope is read, write or admin"},
        {"a:read", "64 hexadecimal digits"},
        {"a:read:", "64 hexadecimal digits"},
        {"a:read:abc", "64 hexadecimal digits"},
        {"a:read:" OF_ABC "0", "64 hexadecimal digits"},
        {"a:read:" OF_ABC "\r", "64 hexadecimal digits"},
        {"a:read:" OF_ABC " ", "64 hexadecimal digits"},
        {"a:read:" OF_ABC ":x", "64 hexadecimal digits"},
        {"a:read:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
         "64 hexadecimal digits"},
        {"a:read:-a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
         "64 hexadecimal digits"},
        {"twin:write:" OF_NOTHING, "the token is the same as that of first"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[512];
        snprintf(text, sizeof(text), "# one\nfirst:read:" OF_NOTHING "\n%s\nb:read:" OF_ABC "\n",
                 bad[i].line);
        cr_expect_not(parses(text), "\"%s\" was taken", bad[i].line);
        cr_expect_eq(err.kind, ERROR_INVALID_PAYLOAD);
        cr_expect(strstr(err.detail, "line 3: ") == err.detail, "\"%s\": %s", bad[i].line,
                  err.detail);
        cr_expect(strstr(err.detail, bad[i].told), "\"%s\": %s", bad[i].line, err.detail);
    }
}

Test(tokens, a_nul_byte_is_no_part_of_anything)
{
    static const char text[] = "a\0b:read:" OF_ABC;

    cr_expect_not(tokens_parse(tokens, (struct slice){text, sizeof(text) - 1}, &err));
    cr_expect(strstr(err.detail, "the name has 1 to 64 characters"), "%s", err.detail);
    cr_expect_not(tokens_parse(tokens, SLICE_LITERAL("\0"), &err));
}

Test(tokens, a_text_without_a_token_is_refused)
{
    static const char *const empty[] = {"", "\n", "# nobody\n", " \n\t"};

    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        cr_expect_not(parses(empty[i]), "\"%s\"", empty[i]);
        cr_expect(strstr(err.detail, "sessiond token"), "%s", err.detail);
    }
}

Test(tokens, there_is_a_limit)
{
    char text[TOKENS_MAX * 100] = "";
    size_t len = 0;

    for (int i = 0; i < TOKENS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "n:read:%064x\n", i);
    cr_expect(parses(text), "%s", err.detail);
    cr_expect_eq(tokens_count(tokens), TOKENS_MAX);
    snprintf(text + len, sizeof(text) - len, "n:read:%064x\n", TOKENS_MAX);
    cr_expect_not(parses(text));
    cr_expect(strstr(err.detail, "line 257: there are more than 256 tokens"), "%s", err.detail);
}

static void write_file(const char *path, size_t bytes)
{
    FILE *file = fopen(path, "w");

    cr_assert_not_null(file);
    fputs("ci:admin:" OF_ABC "\n#", file);
    for (size_t i = (size_t)ftell(file); i < bytes; i++)
        fputc('x', file);
    fclose(file);
}

Test(tokens, a_file_is_read_up_to_its_limit)
{
    char path[] = "/tmp/sessiond-tokens-XXXXXX";

    cr_assert_geq(mkstemp(path), 0);
    write_file(path, TOKENS_FILE_MAX_BYTES);
    cr_expect(tokens_read(tokens, path, &err), "%s", err.detail);
    cr_expect_eq(tokens_count(tokens), 1);
    fini();
    init();
    write_file(path, TOKENS_FILE_MAX_BYTES + 1);
    cr_expect_not(tokens_read(tokens, path, &err));
    cr_expect(strstr(err.detail, "more than 65536 bytes"), "%s", err.detail);
    unlink(path);
    cr_expect_not(tokens_read(tokens, path, &err));
    cr_expect(strstr(err.detail, path) && strstr(err.detail, "No such file"), "%s", err.detail);
    cr_expect_not(tokens_read(tokens, "/tmp", &err), "a folder");
    cr_expect(strstr(err.detail, "Is a directory"), "%s", err.detail);
}

Test(tokens, texts_that_can_be_sent)
{
    static const char *const good[] = {"a", "sd_Az09-._~+/", "YQ==", "a="};
    static const char *const bad[] = {"", "=", "a=b", "a b", "a\n", "\xc3\xa4", "a:b", "\"a\""};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        cr_expect(token_is_valid(slice_from(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(token_is_valid(slice_from(bad[i])), "%s", bad[i]);
}

Test(scope, names_there_and_back)
{
    static const enum scope scopes[] = {SCOPE_READ, SCOPE_WRITE, SCOPE_ADMIN};

    for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
        cr_expect_eq(scope_parse(slice_from(scope_name(scopes[i]))), scopes[i]);
    cr_expect_eq(scope_parse(SLICE_LITERAL("")), SCOPE_UNKNOWN);
    cr_expect_eq(scope_parse(SLICE_LITERAL("reader")), SCOPE_UNKNOWN);
    cr_expect_str_eq(scope_name(SCOPE_OPEN), "");
    cr_expect_lt(SCOPE_READ, SCOPE_WRITE, "each includes the ones before");
    cr_expect_lt(SCOPE_WRITE, SCOPE_ADMIN);
}
