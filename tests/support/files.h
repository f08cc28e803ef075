/* Files of a test. Whatever cannot be done fails the test. */
#ifndef SESSIOND_TESTS_FILES_H
#define SESSIOND_TESTS_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* Makes an empty folder of the test's own and writes its path into `path`. */
void folder_make(char *path, size_t size);

/* Removes it with all that is in it. */
void folder_remove(const char *path);

/* A whole file, NUL-terminated; the caller frees it. NULL when there is none. */
char *file_read(const char *path, size_t *len);

void file_write(const char *path, const char *data, size_t len);

bool file_exists(const char *path);

/* What stands before the first `end` behind the first `begin` in `text`, copied; NULL when there is
 * no such place. The caller frees it. */
char *text_between(const char *text, const char *begin, const char *end);

#endif
