/*
 * json_scan() against three others: a recursive descent of RFC 8259's grammar
 * (the verdict must be the same), SQLite and json-c (what is accepted must be
 * valid to them; both let more through).
 *
 * Covers: routes/json/scan.c routes/json/string.c routes/json/utf8.c
 */
#include "routes/json/scan.h"

#include <json-c/json.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_BYTES 4096
#define MAX_DEPTH 32

struct text {
    const unsigned char *at; /* a NUL stands behind the last byte */
    const unsigned char *end;
    size_t depth; /* containers that may still be opened */
};

/* A string decoded: code points, lone surrogates as they are. */
struct name {
    uint32_t points[MAX_BYTES];
    size_t len;
};

static bool value(struct text *t);

static void space(struct text *t)
{
    while (*t->at != 0 && strchr(" \t\n\r", *t->at) != NULL)
        t->at++;
}

static bool take(struct text *t, const char *word)
{
    if (strncmp((const char *)t->at, word, strlen(word)) != 0)
        return false;
    t->at += strlen(word);
    return true;
}

static bool escape(struct text *t, struct name *out)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char *letter = *t->at == 0 ? NULL : strchr(letters, *t->at);
    uint32_t *last = &out->points[out->len - (out->len > 0)];
    unsigned unit;

    if (letter != NULL) {
        t->at++;
        out->points[out->len++] = (unsigned char)meanings[letter - letters];
        return true;
    }
    if (!take(t, "u") || strspn((const char *)t->at, "0123456789abcdefABCDEF") < 4 ||
        sscanf((const char *)t->at, "%4x", &unit) != 1)
        return false;
    t->at += 4;
    if (unit / 0x400 == 0x37 && out->len > 0 && *last / 0x400 == 0x36)
        *last = 0x10000 + *last % 0x400 * 0x400 + unit % 0x400;
    else
        out->points[out->len++] = unit;
    return true;
}

static bool character(struct text *t, struct name *out)
{
    static const uint32_t least[] = {0x20, 0x80, 0x800, 0x10000};
    unsigned first = *t->at++;
    unsigned more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    uint32_t point = more == 0 ? first : first & (0x3fu >> more);

    if (first >= 0xf8 || (first >= 0x80 && first < 0xc0))
        return false;
    for (unsigned i = 0; i < more; i++, t->at++) {
        if (*t->at >> 6 != 2)
            return false;
        point = point * 64 + *t->at % 64;
    }
    out->points[out->len++] = point;
    return point >= least[more] && point < 0x110000 && point / 0x800 != 0x1b;
}

static bool string(struct text *t, struct name *out)
{
    out->len = 0;
    if (!take(t, "\""))
        return false;
    while (t->at < t->end && *t->at != '"') {
        if (!(take(t, "\\") ? escape(t, out) : character(t, out)))
            return false;
    }
    return take(t, "\"");
}

static bool digits(struct text *t)
{
    size_t len = strspn((const char *)t->at, "0123456789");

    t->at += len;
    return len > 0;
}

static bool number(struct text *t)
{
    take(t, "-");
    if (!take(t, "0") && !digits(t))
        return false;
    if (take(t, ".") && !digits(t))
        return false;
    if (!take(t, "e") && !take(t, "E"))
        return true;
    if (!take(t, "+"))
        take(t, "-");
    return digits(t);
}

static bool array(struct text *t)
{
    space(t);
    if (take(t, "]"))
        return true;
    do {
        if (!value(t))
            return false;
    } while (take(t, ","));
    return take(t, "]");
}

static bool is_new(struct name *const *names, size_t count, const struct name *name)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i]->len == name->len &&
            memcmp(names[i]->points, name->points, name->len * sizeof(name->points[0])) == 0)
            return false;
    }
    return true;
}

static bool members(struct text *t, struct name **names)
{
    size_t count = 0;

    do {
        names[count] = malloc(sizeof(**names));
        if (names[count] == NULL)
            abort();
        space(t);
        if (!string(t, names[count]) || !is_new(names, count, names[count]))
            return false;
        count++;
        space(t);
        if (!take(t, ":") || !value(t))
            return false;
    } while (take(t, ","));
    return take(t, "}");
}

static bool object(struct text *t)
{
    struct name *names[MAX_BYTES / 4] = {0};
    bool ok;

    space(t);
    if (take(t, "}"))
        return true;
    ok = members(t, names);
    for (size_t i = 0; i < MAX_BYTES / 4 && names[i] != NULL; i++)
        free(names[i]);
    return ok;
}

static bool container(struct text *t)
{
    bool ok;

    if (t->depth == 0)
        return false;
    t->depth--;
    ok = take(t, "[") ? array(t) : (take(t, "{") && object(t));
    t->depth++;
    return ok;
}

static bool value(struct text *t)
{
    struct name ignored;
    bool ok;

    space(t);
    if (*t->at == '"')
        ok = string(t, &ignored);
    else if (*t->at == '[' || *t->at == '{')
        ok = container(t);
    else
        ok = take(t, "true") || take(t, "false") || take(t, "null") || number(t);
    space(t);
    return ok;
}

static bool plain_verdict(const char *text, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)text;
    struct text t = {bytes, bytes + len, MAX_DEPTH};

    return value(&t) && t.at == t.end;
}

static bool sqlite_verdict(const char *text, size_t len)
{
    static sqlite3 *db;
    static sqlite3_stmt *valid;
    bool ok;

    if (db == NULL &&
        (sqlite3_open(":memory:", &db) != SQLITE_OK ||
         sqlite3_prepare_v2(db, "SELECT json_valid(?1)", -1, &valid, NULL) != SQLITE_OK))
        abort();
    sqlite3_bind_text(valid, 1, text, (int)len, SQLITE_STATIC);
    ok = sqlite3_step(valid) == SQLITE_ROW && sqlite3_column_int(valid, 0) == 1;
    sqlite3_reset(valid);
    return ok;
}

static bool jsonc_verdict(const char *text, size_t len)
{
    struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH + 1);
    bool ok;

    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    json_object_put(json_tokener_parse_ex(tokener, text, (int)len + 1));
    ok = json_tokener_get_error(tokener) == json_tokener_success;
    json_tokener_free(tokener);
    return ok;
}

static void expect(bool holds, const char *what, const char *text)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %s\n", what, text);
    abort();
}

static void check_outline(const struct json_outline *outline, struct slice text)
{
    size_t held =
        outline->member_count < JSON_OUTLINE_MEMBERS ? outline->member_count : JSON_OUTLINE_MEMBERS;

    for (size_t i = 0; i < held; i++) {
        const struct json_member *member = &outline->members[i];
        struct json_outline inner;
        struct error err;
        bool ok = json_scan(member->value, MAX_DEPTH - 1, &inner, &err);

        expect(ok && inner.type == member->type, "a member's value is none", text.data);
        expect(member->name.data > text.data && member->name.data[-1] == '"' &&
                   member->name.data[member->name.len] == '"' &&
                   member->value.data > member->name.data + member->name.len,
               "a member's name is none", text.data);
    }
}

static void check_words(const struct error *err, struct slice text)
{
    size_t line;
    size_t column;

    expect(err->kind == ERROR_MALFORMED_JSON, "kind", text.data);
    expect(sscanf(err->detail, "line %zu, column %zu: ", &line, &column) == 2 && line >= 1 &&
               line <= text.len + 1 && column >= 1 && column <= text.len + 1,
           err->detail, text.data);
    for (const char *c = err->detail; *c != '\0'; c++)
        expect(*c >= 0x20 && *c <= 0x7e, "words that cannot be printed", text.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_outline outline;
    struct error err;
    char *copy;
    struct slice text;
    bool accepted;

    if (size > MAX_BYTES)
        return 0;
    copy = calloc(1, size + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, data, size);
    text = (struct slice){copy, size};
    accepted = json_scan((struct slice){(const char *)data, size}, MAX_DEPTH, &outline, &err);
    expect(accepted == json_scan(text, MAX_DEPTH, &outline, &err), "two verdicts", copy);
    expect(accepted == plain_verdict(copy, size), "the plain descent differs", copy);
    expect(!accepted || sqlite_verdict(copy, size), "SQLite refuses", copy);
    expect(!accepted || jsonc_verdict(copy, size), "json-c refuses", copy);
    if (accepted)
        check_outline(&outline, text);
    else
        check_words(&err, text);
    free(copy);
    return 0;
}
