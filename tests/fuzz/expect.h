/* What a fuzz target holds to be true of every input. */
#ifndef SESSIOND_TESTS_FUZZ_EXPECT_H
#define SESSIOND_TESTS_FUZZ_EXPECT_H

#include "db/base/slice.h"

#include <stdio.h>
#include <stdlib.h>

/* Ends the process, which is a finding, where it does not hold. */
static inline void expect(bool holds, const char *what, struct slice input)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %.*s\n", what, (int)input.len, input.data == NULL ? "" : input.data);
    abort();
}

#endif
