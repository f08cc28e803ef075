#include "service/auth/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define LINE_FORM "a line must be name:scope:sha256hex"

struct tokens {
    size_t count;
    struct token items[TOKENS_MAX];
};

struct tokens *tokens_new(void)
{
    struct tokens *tokens = calloc(1, sizeof(*tokens));

    if (tokens == NULL)
        abort();
    return tokens;
}

void tokens_free(struct tokens *tokens)
{
    if (tokens == NULL)
        return;
    explicit_bzero(tokens, sizeof(*tokens));
    free(tokens);
}

size_t tokens_count(const struct tokens *tokens)
{
    return tokens->count;
}

static bool consists_of(struct slice text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\0' || strchr(characters, text.data[i]) == NULL)
            return false;
    }
    return true;
}

bool token_name_is_valid(struct slice name)
{
    return name.len > 0 && name.len <= TOKEN_NAME_MAX && consists_of(name, LETTERS DIGITS "._-");
}

bool token_is_valid(struct slice text)
{
    while (text.len > 0 && text.data[text.len - 1] == '=')
        text.len--;
    return text.len > 0 && consists_of(text, LETTERS DIGITS "-._~+/");
}

/* Compares all tokens in full, so that the duration does not depend on the presented token. */
const struct token *tokens_find_digest(const struct tokens *tokens,
                                       const unsigned char digest[SHA256_BYTES])
{
    const struct token *found = NULL;

    for (size_t i = 0; i < tokens->count; i++) {
        if (sha256_equal(tokens->items[i].digest, digest))
            found = &tokens->items[i];
    }
    return found;
}

const struct token *tokens_find(const struct tokens *tokens, struct slice presented)
{
    unsigned char digest[SHA256_BYTES];

    sha256_text(presented, digest);
    return tokens_find_digest(tokens, digest);
}

bool tokens_add(struct tokens *tokens, const struct token *token, struct error *err)
{
    const struct token *existing = tokens_find_digest(tokens, token->digest);

    if (existing != NULL)
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                         "the token is the same as that of %s; remove one of the two",
                         existing->name);
    if (tokens->count == TOKENS_MAX)
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                         "there are more than %d tokens; remove tokens that are not used",
                         TOKENS_MAX);
    tokens->items[tokens->count++] = *token;
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_digest(struct slice hex, unsigned char digest[SHA256_BYTES])
{
    if (hex.len != (size_t)2 * SHA256_BYTES)
        return false;
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        const int high = hex_value(hex.data[2 * i]);
        const int low = hex_value(hex.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        digest[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

/* Removes the text before the separator, or all text without one, from *rest, and returns it. */
static struct slice split_before(struct slice *rest, char separator)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->data, separator, rest->len);
    const struct slice taken = {rest->data, end == NULL ? rest->len : (size_t)(end - rest->data)};
    const size_t step = taken.len + (end == NULL ? 0 : 1);

    *rest = (struct slice){rest->data + step, rest->len - step};
    return taken;
}

static bool parse_line(struct tokens *tokens, struct slice line, struct error *err)
{
    struct token token = {0};
    const struct slice name = split_before(&line, ':');
    const struct slice scope = split_before(&line, ':');

    token.scope = scope_parse(scope);
    if (!token_name_is_valid(name))
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                         LINE_FORM ": the name has 1 to %d characters of A-Z a-z 0-9 . _ -",
                         TOKEN_NAME_MAX);
    if (token.scope == SCOPE_UNKNOWN)
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                         LINE_FORM ": the scope is read, write or admin");
    if (!parse_digest(line, token.digest))
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                         LINE_FORM ": the SHA-256 of the token has %d hexadecimal digits and ends "
                                   "the line",
                         2 * SHA256_BYTES);
    memcpy(token.name, name.data, name.len);
    return tokens_add(tokens, &token, err);
}

bool tokens_parse(struct tokens *tokens, struct slice text, struct error *err)
{
    const size_t old_count = tokens->count;
    struct error reason;

    for (int number = 1; text.len > 0; number++) {
        const struct slice line = split_before(&text, '\n');
        if (consists_of(line, " \t") || line.data[0] == '#')
            continue;
        if (!parse_line(tokens, line, &reason))
            return error_set(err, reason.kind, NULL, "line %d: %.220s", number, reason.detail);
    }
    return tokens->count > old_count ||
           error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                     "the file has no token; generate one with sessiond token NAME SCOPE");
}

/* Reads at most TOKENS_FILE_MAX_BYTES + 1 bytes, so that the caller detects a longer file. */
static bool read_file(const char *path, char *text, size_t *len)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t count = -1;

    if (fd < 0)
        return false;
    *len = 0;
    do {
        count = read(fd, text + *len, TOKENS_FILE_MAX_BYTES + 1 - *len);
        if (count > 0)
            *len += (size_t)count;
    } while (count > 0 || (count < 0 && errno == EINTR));
    const int reason = errno;
    close(fd);
    errno = reason;
    return count == 0;
}

bool tokens_read(struct tokens *tokens, const char *path, struct error *err)
{
    char text[TOKENS_FILE_MAX_BYTES + 1];
    struct error reason;
    size_t len = 0;

    if (!read_file(path, text, &len))
        return error_set(
            err, ERROR_INVALID_PAYLOAD, "token-file",
            "--token-file %.120s: %s; use a file that the user of the service can read, "
            "with lines from sessiond token NAME SCOPE",
            path, strerror(errno));
    if (len > TOKENS_FILE_MAX_BYTES)
        return error_set(
            err, ERROR_INVALID_PAYLOAD, "token-file",
            "--token-file %.120s: the file has more than %d bytes; remove tokens that are "
            "not used",
            path, TOKENS_FILE_MAX_BYTES);
    if (tokens_parse(tokens, (struct slice){text, len}, &reason))
        return true;
    return error_set(err, reason.kind, "token-file", "--token-file %.120s: %.240s", path,
                     reason.detail);
}
