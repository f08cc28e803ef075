/*
 * Sets of bearer tokens. The set stores the SHA-256 of each token, never the token itself. One
 * thread builds a set; afterwards any number of threads may read it.
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

/* Creates an empty set. The caller frees it with tokens_free(). */
struct tokens *tokens_new(void);

/* Wipes and frees the set. `tokens` may be NULL. */
void tokens_free(struct tokens *tokens);

/* Returns the number of tokens in the set. */
size_t tokens_count(const struct tokens *tokens);

/* Adds a copy. Fails when the set is full or already has a token with this digest. */
MUST_USE bool tokens_add(struct tokens *tokens, const struct token *token, struct error *err);

/* Adds the tokens of a token file: one `name:scope:sha256hex` per line. Blank lines and lines that
 * begin with `#` are skipped. Fails at the first invalid line, and when the text has no token:
 * `err` names the line and the expected form, and the caller must free the set. */
MUST_USE bool tokens_parse(struct tokens *tokens, struct slice text, struct error *err);

/* As tokens_parse(), for the file at `path`. */
MUST_USE bool tokens_read(struct tokens *tokens, const char *path, struct error *err);

/* Returns the token, borrowed from the set; NULL when the set does not have it. The duration
 * depends only on the number of tokens, not on their content. */
const struct token *tokens_find(const struct tokens *tokens, struct slice presented);

/* As tokens_find(), for a digest. */
const struct token *tokens_find_digest(const struct tokens *tokens,
                                       const unsigned char digest[SHA256_BYTES]);

/* Whether `name` is valid as a token name: 1 to 64 letters, digits, dots, underscores and
 * hyphens. */
bool token_name_is_valid(struct slice name);

/* Whether a text is valid as a bearer token (b64token, RFC 6750 §2.1). */
bool token_is_valid(struct slice text);

#endif
