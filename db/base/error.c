#include "db/base/error.h"

#include <stdarg.h>
#include <stdio.h>

static void set_error(struct error *err, enum error_kind kind, const char *field,
                      const char *format, va_list args) __attribute__((format(printf, 4, 0)));

static void set_error(struct error *err, enum error_kind kind, const char *field,
                      const char *format, va_list args)
{
    err->kind = kind;
    err->missing_count = 0;
    err->is_public = false;
    snprintf(err->field, sizeof(err->field), "%s", field == NULL ? "" : field);
    vsnprintf(err->detail, sizeof(err->detail), format, args);
}

bool error_set(struct error *err, enum error_kind kind, const char *field, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_error(err, kind, field, format, args);
    va_end(args);
    return false;
}

bool error_set_public(struct error *err, enum error_kind kind, const char *field,
                      const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_error(err, kind, field, format, args);
    va_end(args);
    err->is_public = true;
    return false;
}
