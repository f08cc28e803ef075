/* sessiond restore: replaces the database by a backup. */

#include "db/sqlite/file/restore.h"
#include "routes/json/legacy_context.h"
#include "service/cli/command.h"
#include "service/cli/progress.h"
#include "service/cli/terminal.h"

#include <stddef.h>
#include <sys/stat.h>

struct restoring {
    struct restore restore;
    struct progress progress;
};

static void on_step(void *arg, const char *what)
{
    struct restoring *restoring = arg;

    progress_set_unfinished(&restoring->progress, restoring->restore.unfinished);
    progress_begin(&restoring->progress, what);
}

static void on_copied(void *arg, int64_t bytes, int64_t of)
{
    struct restoring *restoring = arg;

    progress_set(&restoring->progress, bytes, of);
}

static void on_problem(void *arg, const char *problem)
{
    const struct restoring *restoring = arg;

    terminal_print(stderr, "sessiond restore: %s: %s\n", restoring->restore.from, problem);
}

static void on_remark(void *arg, const char *text)
{
    (void)arg;
    terminal_print(stderr, "sessiond restore: %s\n", text);
}

static enum command_exit print_result(const struct restore *restore, enum file_verdict verdict,
                                      const struct error *err)
{
    switch (verdict) {
    case FILE_OK:
        terminal_print(stdout, "%s now has what %s holds\n", restore->to, restore->from);
        if (restore->kept[0] != '\0')
            terminal_print(stdout, "the database before it is kept as %s\n", restore->kept);
        return COMMAND_DONE;
    case FILE_CORRUPT:
        fprintf(stderr, "sessiond restore: nothing was changed\n");
        return COMMAND_CHECK_FAILED;
    case FILE_UNKNOWN:
        break;
    }
    terminal_print(stderr, "sessiond restore: %s\n", err->detail);
    return COMMAND_UNAVAILABLE;
}

static enum command_exit run(const struct config *config)
{
    struct restoring restoring = {.restore = {.from = config->file,
                                              .to = config->db,
                                              .is_replacing = config->replace,
                                              .fix_context = legacy_context_wrap}};
    const struct file_observer observer = {.arg = &restoring,
                                           .doing = on_step,
                                           .copied = on_copied,
                                           .found = on_problem,
                                           .remark = on_remark};
    enum file_verdict verdict = FILE_UNKNOWN;
    struct error err;

    umask(S_IRWXG | S_IRWXO);
    restoring.restore.observer = &observer;
    if (config_check_db(config, &err) && progress_start(&restoring.progress, "restore", &err)) {
        verdict = restore_run(&restoring.restore, &err);
        progress_end(&restoring.progress);
    }
    return print_result(&restoring.restore, verdict, &err);
}

static const struct command_flag flags[] = {
    {"--replace", NULL, offsetof(struct config, replace)},
    {NULL, NULL, 0},
};

const struct command command_restore = {
    .name = "restore",
    .file = COMMAND_FILE,
    .flags = flags,
    .summary = "puts FILE, a backup, in the place of the database of --db, which is kept",
    .help =
        "Puts what FILE holds in the place of the database that --db names. FILE is a backup,\n"
        "another database of sessiond, or one of the Python SessionManager. It is copied beside "
        "the\n"
        "database, checked, and brought to the schema of this version first; then it takes the "
        "name\n"
        "in one step. The database that was there is kept beside it under a dated name, and FILE "
        "is\n"
        "left as it is. Stop the service first: while one serves either file, this is refused.\n\n"
        "With --replace the database that was there is removed once the new one has its name.\n\n"
        "Exit codes: 0 restored, 1 FILE is damaged, of another program or of a newer sessiond, "
        "and\n"
        "nothing was changed, 2 wrong usage, 3 it cannot be done; stderr says why.\n",
    .run = run,
};
