#include "tests/support/process.h"

#include "tests/support/files.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_US 1000
#define ARGUMENTS_MAX 32

/* What a checker writes when it has found something. */
#define REPORT "ERROR: [A-Za-z]+Sanitizer|WARNING: ThreadSanitizer|runtime error:"

extern char **environ;

static void path_in(const struct service *service, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", service->folder, name);
}

/* Whoever runs the tests chooses the binary, and how it is confined. */
static bool is_kept(const char *name)
{
    return strncmp(name, "SESSIOND_", 9) != 0 || strcmp(name, "SESSIOND_BINARY") == 0 ||
           strcmp(name, "SESSIOND_SANDBOX") == 0;
}

static void forget_configuration(void)
{
    size_t i = 0;

    while (environ[i] != NULL) {
        char name[64];
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(environ[i], "="), environ[i]);
        if (is_kept(name))
            i++;
        else
            unsetenv(name);
    }
}

/* A thousand connections need more descriptors than the usual limit, on both sides. */
static void allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void service_init(struct service *service)
{
    *service = (struct service){0};
    folder_make(service->folder, sizeof(service->folder));
    path_in(service, "sessions.db", service->database, sizeof(service->database));
    forget_configuration();
    allow_descriptors();
}

static bool has_report(const struct service *service)
{
    char path[96];
    regex_t report;

    path_in(service, "log", path, sizeof(path));
    char *log = file_read(path, NULL);
    if (log == NULL)
        return false;
    cr_assert_eq(regcomp(&report, REPORT, REG_EXTENDED | REG_NOSUB), 0);
    const bool found = regexec(&report, log, 0, NULL, 0) == 0;
    regfree(&report);
    if (found)
        fprintf(stderr, "%s\n", log);
    free(log);
    return found;
}

bool service_release(struct service *service)
{
    if (service->pid != 0) {
        kill(service->pid, SIGKILL);
        waitpid(service->pid, NULL, 0);
        service->pid = 0;
    }
    const bool reported = has_report(service);
    folder_remove(service->folder);
    return !reported;
}

static void redirect(const char *path, int descriptor)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

    if (fd < 0 || dup2(fd, descriptor) < 0)
        _exit(127);
    close(fd);
}

/* The child dies with the test, whatever ends that. */
static void become(char *const *arguments, const char *log, const char *output)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    redirect("/dev/null", STDIN_FILENO);
    redirect(output, STDOUT_FILENO);
    redirect(log, STDERR_FILENO);
    execv(arguments[0], arguments);
    _exit(127);
}

static size_t file_length(const char *path)
{
    size_t len = 0;

    free(file_read(path, &len));
    return len;
}

/* The command line, each word copied. */
static void collect(const struct service *service, const char *const *flags,
                    char *arguments[ARGUMENTS_MAX + 1])
{
    const char *binary = getenv("SESSIOND_BINARY");
    const char *const fixed[] = {"--listen", "127.0.0.1:0", "--db", service->database};
    size_t count = 0;

    arguments[count++] = strdup(binary == NULL || binary[0] == '\0' ? SESSIOND_BINARY : binary);
    for (size_t i = 0; !service->bare && i < sizeof(fixed) / sizeof(fixed[0]); i++)
        arguments[count++] = strdup(fixed[i]);
    for (; flags != NULL && *flags != NULL; flags++) {
        cr_assert_lt(count, ARGUMENTS_MAX);
        arguments[count++] = strdup(*flags);
    }
    arguments[count] = NULL;
}

void service_launch(struct service *service, const char *const *flags)
{
    char *arguments[ARGUMENTS_MAX + 1];
    char log[96];
    char output[96];

    cr_assert_eq(service->pid, 0, "it runs already");
    path_in(service, "log", log, sizeof(log));
    path_in(service, "output", output, sizeof(output));
    remove(output);
    service->log_begin = file_length(log);
    service->address[0] = '\0';
    collect(service, flags, arguments);
    service->pid = fork();
    if (service->pid == 0)
        become(arguments, log, output);
    cr_assert_gt(service->pid, 0, "%s", strerror(errno));
    for (size_t i = 0; arguments[i] != NULL; i++)
        free(arguments[i]);
}

static int64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool service_is_running(const struct service *service)
{
    siginfo_t ended = {0};

    return waitid(P_PID, (id_t)service->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == 0;
}

/* Reads the address from the log; false while it is not there. */
static bool read_address(struct service *service)
{
    char *log = service_log(service);
    char *line = text_between(log, "\"event\":\"listening\"", "\n");
    char *address = line == NULL ? NULL : text_between(line, "\"address\":\"", "\"");

    if (address != NULL)
        snprintf(service->address, sizeof(service->address), "%s", address);
    free(address);
    free(line);
    free(log);
    return service->address[0] != '\0';
}

static void show_log(const struct service *service)
{
    char *log = service_log(service);

    fprintf(stderr, "%s\n", log);
    free(log);
}

void service_start(struct service *service, const char *const *flags)
{
    const int64_t deadline_ms = monotonic_ms() + PATIENCE_MS;
    const struct timespec pause = {0, POLL_US * 1000};

    service_launch(service, flags);
    for (;;) {
        const bool running = service_is_running(service);
        if (read_address(service))
            return;
        if (!running || monotonic_ms() > deadline_ms)
            break;
        nanosleep(&pause, NULL);
    }
    show_log(service);
    cr_assert_fail("the service did not start");
}

int service_run(struct service *service, const char *const *flags)
{
    service_launch(service, flags);
    return service_await_end(service);
}

void service_signal(const struct service *service, int signal_number)
{
    cr_assert_eq(kill(service->pid, signal_number), 0);
}

int service_await_end(struct service *service)
{
    struct pollfd end = {.fd = pidfd_open(service->pid, 0), .events = POLLIN};
    int status;

    cr_assert_geq(end.fd, 0, "%s", strerror(errno));
    const int ready = poll(&end, 1, PATIENCE_MS);
    close(end.fd);
    cr_assert_eq(ready, 1, "the service does not end");
    cr_assert_eq(waitpid(service->pid, &status, 0), service->pid);
    service->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool service_end(struct service *service)
{
    service_signal(service, SIGTERM);
    const int status = service_await_end(service);
    if (status != 0) {
        show_log(service);
        fprintf(stderr, "the exit status is %d\n", status);
    }
    return status == 0;
}

void service_stop(struct service *service)
{
    cr_assert(service_end(service));
}

char *service_log(const struct service *service)
{
    char path[96];
    size_t len = 0;

    path_in(service, "log", path, sizeof(path));
    char *text = file_read(path, &len);
    if (text == NULL)
        return strdup("");
    cr_assert_leq(service->log_begin, len);
    memmove(text, text + service->log_begin, len - service->log_begin + 1);
    return text;
}

char *service_output(const struct service *service)
{
    char path[96];

    path_in(service, "output", path, sizeof(path));
    char *text = file_read(path, NULL);
    return text == NULL ? strdup("") : text;
}

bool service_logged(const struct service *service, const char *event, const char *text)
{
    char *log = service_log(service);
    char key[64];
    bool found = false;

    snprintf(key, sizeof(key), "\"event\":\"%s\"", event);
    for (char *rest = log, *line; !found && (line = strsep(&rest, "\n")) != NULL;) {
        const char *at = strstr(line, key);
        found = at != NULL && strstr(at, text) != NULL;
    }
    free(log);
    return found;
}
