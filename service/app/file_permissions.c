#include "service/app/file_permissions.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static void warn_if_exposed(const char *path, const char *risk, struct log *log)
{
    struct stat status;
    char text[PATH_MAX + 160];

    if (stat(path, &status) != 0 || (status.st_mode & S_IWOTH) == 0)
        return;
    snprintf(text, sizeof(text), "every user can write to %s and so %s; run chmod o-w on it", path,
             risk);
    log_event(log, LOG_WARNING, "file_exposed", text);
}

void file_permissions_warn(const struct config *config, struct log *log)
{
    char copy[PATH_MAX];

    if (config->token_file != NULL)
        warn_if_exposed(config->token_file, "add a token", log);
    snprintf(copy, sizeof(copy), "%s", config->db);
    warn_if_exposed(dirname(copy), "replace the database", log);
}
