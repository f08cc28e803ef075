/* Which form of an answer a client asks for. */

#include "routes/accept.h"

#include <criterion/criterion.h>

#define LINES "application/x-ndjson"

static void expect(const char *accept, bool asked)
{
    cr_expect_eq(accept_asks_for(slice_from(accept), LINES), asked, "%s",
                 accept == NULL ? "(none)" : accept);
}

Test(accept, a_type_is_asked_for_by_its_name)
{
    expect("application/x-ndjson", true);
    expect("Application/X-NDJSON", true);
    expect(" application/x-ndjson ", true);
    expect("application/x-ndjson;charset=utf-8", true);
    expect("text/html, application/x-ndjson", true);
    expect(",, application/x-ndjson , */*;q=0.8", true);
    expect("application/json;q=0.5,application/x-ndjson", true);
    expect("application/x-ndjson;q=0.3", true);
}

Test(accept, anything_else_is_json)
{
    expect(NULL, false);
    expect("", false);
    expect("*/*", false);
    expect("application/*", false);
    expect("application/json", false);
    expect("application/x-ndjsons", false);
    expect("application/x-ndjso", false);
    expect("application/json, application/x-ndjson;q=0.9", false);
    expect("application/x-ndjson;q=0", false);
    expect("application/x-ndjson; Q=0.000", false);
    expect("application/x-ndjson;q=x", false);
    expect("application/x-ndjson;q=", false);
}

Test(accept, of_equals_the_special_one_is_meant)
{
    expect("application/json, application/x-ndjson", true);
    expect("application/json;q=0.5, application/x-ndjson ; q=0.50", true);
}
