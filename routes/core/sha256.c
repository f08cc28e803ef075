#include "routes/core/sha256.h"

#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <stdint.h>

void sha256_parts(const struct slice *parts, size_t count, unsigned char out[SHA256_BYTES])
{
    struct sha256_ctx sha256;

    sha256_init(&sha256);
    for (size_t i = 0; i < count; i++) {
        const uint64_t len = parts[i].len;
        uint8_t len_bytes[sizeof(len)];

        memcpy(len_bytes, &len, sizeof(len));
        sha256_update(&sha256, sizeof(len_bytes), len_bytes);
        sha256_update(&sha256, parts[i].len, (const uint8_t *)parts[i].data);
    }
    sha256_digest(&sha256, SHA256_BYTES, out);
}

void sha256_text(struct slice text, unsigned char out[SHA256_BYTES])
{
    struct sha256_ctx sha256;

    sha256_init(&sha256);
    sha256_update(&sha256, text.len, (const uint8_t *)text.data);
    sha256_digest(&sha256, SHA256_BYTES, out);
    explicit_bzero(&sha256, sizeof(sha256));
}

bool sha256_equal(const unsigned char a[SHA256_BYTES], const unsigned char b[SHA256_BYTES])
{
    return memeql_sec(a, b, SHA256_BYTES) != 0;
}
