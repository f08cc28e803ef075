/* Which media type a client asks for by name. */

#include "routes/http/accept.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

struct example {
    const char *accept;
    bool named;
};

static const struct example examples[] = {
    {"text/event-stream", true},
    {"TEXT/Event-Stream", true},
    {" text/event-stream\t", true},
    {"application/json, text/event-stream", true},
    {"application/json,text/event-stream;q=0.5", true},
    {"text/event-stream; q=0.001", true},
    {"text/event-stream;charset=utf-8", true},
    {",, text/event-stream", true},
    {"text/event-stream;q=0", false},
    {"text/event-stream; Q=0.000", false},
    {"text/event-stream;q=0, text/event-stream", true},
    {"*/*", false},
    {"text/*", false},
    {"", false},
    {"application/json", false},
    {"text/event-streams", false},
    {"text/event", false},
    {"application/json;x=text/event-stream", false},
};

ParameterizedTestParameters(accept, by_name)
{
    static int places[sizeof(examples) / sizeof(examples[0])];

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        places[i] = (int)i;
    return cr_make_param_array(int, places, sizeof(places) / sizeof(places[0]));
}

ParameterizedTest(const int *place, accept, by_name)
{
    const struct example *example = &examples[*place];

    cr_expect_eq(accept_includes(slice_from(example->accept), "text/event-stream"), example->named,
                 "Accept: %s", example->accept);
}

Test(accept, no_header_names_nothing)
{
    cr_expect_not(accept_includes((struct slice){0}, "text/event-stream"));
}
