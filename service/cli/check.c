/* sessiond check: checks a database file for corruption. */

#include "db/sqlite/file/check.h"
#include "routes/json/legacy_context.h"
#include "service/cli/command.h"
#include "service/cli/progress.h"
#include "service/cli/terminal.h"

#define SHOWN_PROBLEMS 50

struct report {
    struct progress progress;
    long long problems;
};

static void on_step(void *arg, const char *what)
{
    struct report *report = arg;

    progress_begin(&report->progress, what);
}

static void on_problem(void *arg, const char *problem)
{
    struct report *report = arg;

    if (report->problems++ < SHOWN_PROBLEMS)
        terminal_print(stdout, "%s\n", problem);
}

static void on_remark(void *arg, const char *text)
{
    (void)arg;
    terminal_print(stdout, "note: %s\n", text);
}

static enum command_exit print_result(const char *path, enum file_verdict verdict,
                                      const struct report *report, int64_t sessions,
                                      const struct error *err)
{
    switch (verdict) {
    case FILE_OK:
        terminal_print(stdout, "%s: sessions: %lld, no problem found\n", path, (long long)sessions);
        return COMMAND_DONE;
    case FILE_CORRUPT:
        if (report->problems > SHOWN_PROBLEMS)
            printf("%lld further problems are not shown\n", report->problems - SHOWN_PROBLEMS);
        terminal_print(stdout, "%s: problems found: %lld\n", path, report->problems);
        return COMMAND_CHECK_FAILED;
    case FILE_UNKNOWN:
        break;
    }
    terminal_print(stderr, "sessiond check: %s\n", err->detail);
    return COMMAND_UNAVAILABLE;
}

static enum command_exit run(const struct config *config)
{
    const char *path = config->file != NULL ? config->file : config->db;
    struct report report = {0};
    const struct file_observer observer = {
        .arg = &report, .doing = on_step, .found = on_problem, .remark = on_remark};
    enum file_verdict verdict = FILE_UNKNOWN;
    int64_t sessions = 0;
    struct error err;

    if ((path != NULL || config_check_db(config, &err)) &&
        progress_start(&report.progress, "check", &err)) {
        verdict = check_file(path, legacy_context_wrap, &observer, &sessions, &err);
        progress_end(&report.progress);
    }
    return print_result(path, verdict, &report, sessions, &err);
}

const struct command command_check = {
    .name = "check",
    .file = COMMAND_FILE_OPTIONAL,
    .summary = "check FILE, or the database of --db, for corruption; changes nothing",
    .help =
        "Checks FILE, or the database of --db, and changes nothing:\n"
        "- the structure of the file and its indexes\n"
        "- of each session: id, status, times, version, and that its context is a JSON object of\n"
        "  the stored size\n"
        "- of each entry log: that no entry is missing, that each entry is a JSON object, and the\n"
        "  stored totals\n"
        "It prints one line on stdout for each problem.\n\n"
        "It rejects a file that a running service uses. In that case, make a backup and check the\n"
        "backup.\n\n"
        "Exit codes: 0 no problem, 1 problems found, 2 wrong usage, 3 the file cannot be checked;\n"
        "stderr has the reason.\n",
    .run = run,
};
