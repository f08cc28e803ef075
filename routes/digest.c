#include "routes/digest.h"

#include <nettle/sha2.h>
#include <stdint.h>

void digest_parts(const struct slice *parts, size_t count, unsigned char out[DIGEST_BYTES])
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
    sha256_digest(&sha256, DIGEST_BYTES, out);
}
