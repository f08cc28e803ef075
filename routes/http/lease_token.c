#include "routes/http/lease_token.h"

bool lease_token_read(struct exchange *ex, struct error *err)
{
    const struct slice text = ex->headers[REQUEST_LEASE_TOKEN];
    int64_t token = 0;
    bool is_valid = text.len > 0 && text.len <= 18;

    if (text.data == NULL)
        return true;
    for (size_t i = 0; i < text.len && is_valid; i++) {
        is_valid = text.data[i] >= '0' && text.data[i] <= '9';
        token = token * 10 + (text.data[i] - '0');
    }
    if (!is_valid || token == 0)
        return error_set(err, ERROR_INVALID_HEADER, "Lease-Token",
                         "Lease-Token must be the token of a lease, such as 7");
    ex->job.fence = (struct store_fence){true, token};
    return true;
}
