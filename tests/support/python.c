#include "tests/support/python.h"

#include "tests/support/files.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void redirect(const char *path, int flags, int descriptor)
{
    const int fd = open(path, flags | O_CREAT, 0600);

    if (fd < 0 || dup2(fd, descriptor) < 0)
        _exit(127);
}

/* Runs the script with its input and output in these files. */
static void run(const struct service *service, const char *action, const char *text,
                const char *input, const char *output)
{
    int status;
    const pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid == 0) {
        redirect(input, O_RDONLY, STDIN_FILENO);
        redirect(output, O_WRONLY | O_TRUNC, STDOUT_FILENO);
        execl(DEBIAN_PYTHON, DEBIAN_PYTHON, SUPPORT_FOLDER "/session_manager.py", service->database,
              action, text, (char *)NULL);
        _exit(127);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s %s: status %d", action,
              text == NULL ? "" : text, status);
}

static char *run_with(const struct service *service, const char *action, const char *text,
                      const char *input)
{
    char input_path[96];
    char output_path[96];

    snprintf(input_path, sizeof(input_path), "%s/python-input", service->folder);
    snprintf(output_path, sizeof(output_path), "%s/python-output", service->folder);
    file_write(input_path, input, strlen(input));
    run(service, action, text, input_path, output_path);
    return file_read(output_path, NULL);
}

void python_manager(const struct service *service, const char *action, const char *rows)
{
    free(run_with(service, action, NULL, rows));
}

char *python_list(const struct service *service)
{
    return run_with(service, "list", NULL, "");
}

void python_sql(const struct service *service, const char *statement)
{
    free(run_with(service, "sql", statement, ""));
}
