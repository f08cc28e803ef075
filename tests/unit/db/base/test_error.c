/* The error value: set whole, cut where it is too long, and never without an end. */

#include "db/base/error.h"

#include <criterion/criterion.h>

Test(error, is_set_whole)
{
    struct error err = {.kind = ERROR_INTERNAL, .field = "old", .detail = "old"};

    cr_expect_not(error_set(&err, ERROR_INVALID_QUERY, "limit", "%s takes %d", "limit", 5));
    cr_expect_eq(err.kind, ERROR_INVALID_QUERY);
    cr_expect_str_eq(err.field, "limit");
    cr_expect_str_eq(err.detail, "limit takes 5");
    cr_expect_not(error_set(&err, ERROR_STOPPING, NULL, "%s", ""));
    cr_expect_str_eq(err.field, "");
    cr_expect_str_eq(err.detail, "");
}

Test(error, is_public_only_when_set_so)
{
    struct error err;

    cr_expect_not(error_set_public(&err, ERROR_STORAGE_BUSY, "cursor", "%s %d", "busy", 5));
    cr_expect_eq(err.kind, ERROR_STORAGE_BUSY);
    cr_expect_str_eq(err.field, "cursor");
    cr_expect_str_eq(err.detail, "busy 5");
    cr_expect(err.is_public);
    cr_expect_not(error_set(&err, ERROR_STORAGE_BUSY, NULL, "busy"));
    cr_expect_not(err.is_public);
}

Test(error, long_texts_are_cut)
{
    char text[1000];
    struct error err;

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    error_set(&err, ERROR_INTERNAL, text, "%s", text);
    cr_expect_eq(strlen(err.field), sizeof(err.field) - 1);
    cr_expect_eq(strlen(err.detail), sizeof(err.detail) - 1);
}
