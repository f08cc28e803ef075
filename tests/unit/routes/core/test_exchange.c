/* The response headers of an exchange. */

#include "routes/core/exchange.h"

#include <criterion/criterion.h>
#include <signal.h>

static struct exchange ex;

static void release(void)
{
    exchange_release(&ex);
}

TestSuite(exchange, .fini = release);

static void add_headers(size_t count)
{
    for (size_t i = 0; i < count; i++)
        exchange_add_header(&ex, "ETag", SLICE_LITERAL("\"1\""));
}

Test(exchange, takes_as_many_headers_as_it_has_room_for)
{
    add_headers(EXCHANGE_RESPONSE_HEADERS);
    cr_expect_eq(ex.response_header_count, EXCHANGE_RESPONSE_HEADERS);
    cr_expect_str_eq(exchange_header_value(&ex, EXCHANGE_RESPONSE_HEADERS - 1), "\"1\"");
}

Test(exchange, one_header_too_many_aborts, .signal = SIGABRT)
{
    add_headers(EXCHANGE_RESPONSE_HEADERS + 1);
}
