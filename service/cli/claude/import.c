#include "service/cli/claude/import.h"

#include "routes/core/buffer.h"
#include "service/cli/claude/file.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct transcripts {
    const struct config *config;
    /* second walk: files of agents and metadata; the first walk imports the conversations */
    bool is_second;
    struct claude_report report;
};

static int compare_names(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool import_path(struct transcripts *all, const FTSENT *entry)
{
    struct claude_location place;
    struct error err;
    bool ok = true;

    claude_location_find(entry->fts_path, entry->fts_level == 0, &place);
    if (place.kind != CLAUDE_OTHER && (place.kind != CLAUDE_MAIN) == all->is_second)
        ok = claude_file_import(all->config, &all->report, entry->fts_path, &place, &err);
    if (!ok)
        claude_report_fail(entry->fts_path, err.detail);
    claude_location_release(&place);
    return ok;
}

/* A file or folder that cannot be read does not stop the import. Reported in the first walk
 * only. */
static void report_unreadable(struct transcripts *all, const FTSENT *entry)
{
    if (!all->is_second)
        claude_report_skip(&all->report, entry->fts_path, 0, strerror(entry->fts_errno));
}

static bool visit_entry(struct transcripts *all, const FTSENT *entry)
{
    switch (entry->fts_info) {
    case FTS_ERR:
    case FTS_DNR:
    case FTS_NS:
        report_unreadable(all, entry);
        return true;
    case FTS_F:
        return import_path(all, entry);
    default:
        return true;
    }
}

static bool walk(struct transcripts *all, char *root)
{
    char *roots[] = {root, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, compare_names);
    const FTSENT *entry;
    bool ok = tree != NULL;

    if (!ok)
        claude_report_fail(root, strerror(errno));
    while (ok && (errno = 0, entry = fts_read(tree)) != NULL)
        ok = visit_entry(all, entry);
    if (ok && errno != 0) {
        claude_report_fail(root, strerror(errno));
        ok = false;
    }
    if (tree != NULL)
        fts_close(tree);
    return ok;
}

/* Returns the absolute path of a file or folder, since the names of its parent folders identify the
 * session. The last component of a file stays as the user has named it, also for a symbolic link.
 * The caller frees the result. Returns NULL, with errno set, on failure. */
static char *make_absolute(const char *path)
{
    struct stat found;
    struct buffer folder = {0};
    struct buffer out = {0};
    const char *slash = strrchr(path, '/');

    if (stat(path, &found) != 0)
        return NULL;
    if (S_ISDIR(found.st_mode))
        return realpath(path, NULL);
    buffer_add(&folder, slash == NULL ? SLICE_LITERAL(".")
                                      : (struct slice){path, (size_t)(slash + 1 - path)});
    buffer_add_char(&folder, '\0');
    char *real = realpath(folder.data, NULL);
    buffer_release(&folder);
    if (real == NULL)
        return NULL;
    buffer_printf(&out, "%s/%s", real, slash == NULL ? path : slash + 1);
    free(real);
    return out.data;
}

static bool walk_twice(struct transcripts *all)
{
    char *root = make_absolute(all->config->file);

    if (root == NULL) {
        claude_report_fail(all->config->file, strerror(errno));
        return false;
    }
    bool ok = walk(all, root);
    all->is_second = true;
    ok = ok && walk(all, root);
    free(root);
    return ok;
}

enum command_exit claude_import(const struct config *config)
{
    struct transcripts all = {.config = config};

    if (config->file == NULL || config->thread == NULL) {
        fprintf(stderr,
                "sessiond import: --claude needs a FILE (a transcript or a folder) and --thread\n");
        return COMMAND_USAGE;
    }
    const bool ok = walk_twice(&all);
    claude_report_print(&all.report);
    if (!ok || all.report.stopped > 0)
        return COMMAND_UNAVAILABLE;
    return all.report.skipped > 0 ? COMMAND_CHECK_FAILED : COMMAND_DONE;
}
