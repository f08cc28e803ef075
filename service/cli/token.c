/* sessiond token: generates a token and its line for the token file. */

#include "service/auth/tokens.h"
#include "service/cli/command.h"
#include "service/cli/terminal.h"

#include <stdlib.h>
#include <sys/random.h>

#define TOKEN_BYTES 32
#define PREFIX "sd_" /* lets secret scanners recognize the token */
#define TOKEN_SIZE (sizeof(PREFIX) + (TOKEN_BYTES * 8 + 5) / 6)

/* base64url without padding (RFC 4648 §5). */
static void encode_base64url(const unsigned char *bytes, size_t count, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned held = 0;
    int held_bits = 0;

    for (size_t i = 0; i < count; i++) {
        held = held << 8 | bytes[i];
        for (held_bits += 8; held_bits >= 6; held_bits -= 6)
            *out++ = digits[held >> (held_bits - 6) & 63];
    }
    if (held_bits > 0)
        *out++ = digits[held << (6 - held_bits) & 63];
    *out = '\0';
}

static void generate_token(char token[TOKEN_SIZE])
{
    unsigned char bytes[TOKEN_BYTES];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        abort();
    memcpy(token, PREFIX, sizeof(PREFIX));
    encode_base64url(bytes, sizeof(bytes), token + sizeof(PREFIX) - 1);
    explicit_bzero(bytes, sizeof(bytes));
}

static void print_token(const char *name, const char *scope)
{
    char token[TOKEN_SIZE];
    unsigned char digest[SHA256_BYTES];

    generate_token(token);
    sha256_text(slice_from(token), digest);
    printf("%s\n%s:%s:", token, name, scope);
    for (size_t i = 0; i < sizeof(digest); i++)
        printf("%02x", digest[i]);
    printf("\n");
    explicit_bzero(token, sizeof(token));
}

static enum command_exit run(const struct config *config)
{
    if (!token_name_is_valid(slice_from(config->file))) {
        terminal_print(
            stderr,
            "sessiond token: invalid NAME \"%.80s\": use 1 to %d characters of A-Z a-z 0-9 . _ -\n",
            config->file, TOKEN_NAME_MAX);
        return COMMAND_USAGE;
    }
    if (scope_parse(slice_from(config->second)) == SCOPE_UNKNOWN) {
        terminal_print(stderr,
                       "sessiond token: invalid SCOPE \"%.80s\": use read, write or admin\n",
                       config->second);
        return COMMAND_USAGE;
    }
    print_token(config->file, config->second);
    if (fflush(stdout) != 0) {
        fprintf(stderr, "sessiond token: cannot write the token to stdout\n");
        return COMMAND_UNAVAILABLE;
    }
    fprintf(stderr,
            "The first line is the token; store it, because it is not shown again. Add the second "
            "line to the file of --token-file.\n");
    return COMMAND_DONE;
}

const struct command command_token = {
    .name = "token",
    .file = COMMAND_NAME_AND_SCOPE,
    .summary = "generate a token and its line for --token-file",
    .help =
        "Prints a new random token and, below it, its line for the token file. Add that line to\n"
        "the file of --token-file and send SIGHUP to the service. The file contains a digest\n"
        "instead of the token: store the first line, because it is not shown again.\n\n"
        "NAME appears in the log. SCOPE is read (GET requests), write (also changes) or admin\n"
        "(also backups and the other requests to /admin).\n\n"
        "Exit codes: 0 printed, 2 wrong usage, 3 the token cannot be written.\n",
    .run = run,
};
