/* JSON without the white space that means nothing. */
#ifndef SESSIOND_TESTS_JSON_MINIFY_H
#define SESSIOND_TESTS_JSON_MINIFY_H

#include <stddef.h>

/* The text without white space outside strings; nothing else is looked at. The caller frees it. */
char *json_minify(const char *text, size_t len);

#endif
