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
        terminal_print(stdout, "%s is restored from %s\n", restore->to, restore->from);
        if (restore->kept[0] != '\0')
            terminal_print(stdout, "the previous database is stored as %s\n", restore->kept);
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
    .summary = "replace the database of --db with FILE, a backup; keeps the previous database",
    .help =
        "Replaces the database of --db with the content of FILE. FILE is a backup, another\n"
        "database of sessiond, or a database of the Python SessionManager. It is not changed.\n\n"
        "Stop the service first: the command fails while a service uses either file. It copies\n"
        "FILE into the folder of the database, checks the copy, migrates it to the schema of this\n"
        "version, and renames it in one step. The previous database remains in that folder under\n"
        "a name with the date.\n\n"
        "--replace removes the previous database after the rename.\n\n"
        "Exit codes: 0 restored; 1 FILE is damaged, of another program or of a newer sessiond,\n"
        "and nothing was changed; 2 wrong usage; 3 the restore failed, and stderr has the "
        "reason.\n",
    .run = run,
};
