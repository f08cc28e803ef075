#include "db/base/error.h"

#include <stdarg.h>
#include <stdio.h>

bool error_set(struct error *err, enum error_kind kind, const char *field, const char *format, ...)
{
    va_list args;

    err->kind = kind;
    err->missing_count = 0;
    snprintf(err->field, sizeof(err->field), "%s", field == NULL ? "" : field);
    va_start(args, format);
    vsnprintf(err->detail, sizeof(err->detail), format, args);
    va_end(args);
    return false;
}
