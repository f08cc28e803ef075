/*
 * Bearer tokens: who may, known by the SHA-256 of what is presented. A set is built by one thread
 * and only read from then on, by any number. Nothing of a token itself is kept.
 */
#ifndef SESSIOND_SERVICE_AUTH_TOKENS_H
#define SESSIOND_SERVICE_AUTH_TOKENS_H

#include "db/base/error.h"
#include "routes/core/scope.h"
#include "routes/core/sha256.h"

#define TOKEN_NAME_MAX 64
#define TOKENS_MAX 256
#define TOKENS_FILE_MAX_BYTES 65536

struct token {
    char name[TOKEN_NAME_MAX + 1];
    enum scope scope;
    unsigned char digest[SHA256_BYTES];
};

struct tokens;

struct tokens *tokens_new(void);

/* Wipes it, too. NULL is nothing. */
void tokens_free(struct tokens *tokens);

size_t tokens_count(const struct tokens *tokens);

/* Adds a copy. Refused when the set is full or has a token of this digest. */
MUST_USE bool tokens_add(struct tokens *tokens, const struct token *token, struct error *err);

/* Adds what a token file holds: `name:scope:sha256hex` a line; blank lines and lines that begin
 * with `#` are passed over. Any other line, and a text without a token, refuses the whole text:
 * `err` names the line and says what is taken, and the set is to be freed. */
MUST_USE bool tokens_parse(struct tokens *tokens, struct slice text, struct error *err);

/* The same with the file at `path`. */
MUST_USE bool tokens_read(struct tokens *tokens, const char *path, struct error *err);

/* The token that was presented, NULL when it is none of the set. The time it takes tells nothing of
 * the tokens in the set but their number. */
const struct token *tokens_find(const struct tokens *tokens, struct slice presented);

/* The token of this digest; NULL and the time as above. */
const struct token *tokens_find_digest(const struct tokens *tokens,
                                       const unsigned char digest[SHA256_BYTES]);

/* Whether a token may have this name: 1 to 64 letters, digits, dots, underscores and hyphens. */
bool token_name_is_valid(struct slice name);

/* Whether a text can be sent as a token (b64token, RFC 6750 §2.1). */
bool token_is_valid(struct slice text);

#endif
