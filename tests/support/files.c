#include "tests/support/files.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPEN_FOLDERS 8

void folder_make(char *path, size_t size)
{
    const char *place = getenv("TMPDIR");

    snprintf(path, size, "%s/sessiond-api-XXXXXX", place == NULL ? "/tmp" : place);
    cr_assert_not_null(mkdtemp(path), "%s: %s", path, strerror(errno));
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

void folder_remove(const char *path)
{
    nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}

char *file_read(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0;
    size_t used = 0;

    if (file == NULL)
        return NULL;
    do {
        size = size == 0 ? 65536 : 2 * size;
        text = realloc(text, size);
        cr_assert_not_null(text);
        used += fread(text + used, 1, size - 1 - used, file);
    } while (used == size - 1);
    cr_assert(!ferror(file), "%s", path);
    fclose(file);
    text[used] = '\0';
    if (len != NULL)
        *len = used;
    return text;
}

void file_write(const char *path, const char *data, size_t len)
{
    FILE *file = fopen(path, "wb");

    cr_assert_not_null(file, "%s: %s", path, strerror(errno));
    cr_assert_eq(fwrite(data, 1, len, file), len);
    cr_assert_eq(fclose(file), 0);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

char *text_between(const char *text, const char *begin, const char *end)
{
    const char *start = strstr(text, begin);

    if (start == NULL)
        return NULL;
    start += strlen(begin);
    const char *stop = strstr(start, end);
    return stop == NULL ? NULL : strndup(start, (size_t)(stop - start));
}
