/*
 * For a service under test, by LD_PRELOAD: code in the process that is not the service's. Once the
 * file INTRUDER_TRIGGER is there, each thread that asks for the time first makes the attempt
 * INTRUDER_ATTEMPT: read (of /etc/passwd), execute, connect (to INTRUDER_PORT) or fork. What came
 * of it goes to the file INTRUDER_REPORT, a line "thread errno" each; 0: it succeeded.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *trigger;
static const char *attempt;
static int port;
static int report = -1;
static _Thread_local bool done;

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("INTRUDER_REPORT");
    const char *number = getenv("INTRUDER_PORT");

    trigger = getenv("INTRUDER_TRIGGER");
    attempt = getenv("INTRUDER_ATTEMPT");
    port = number == NULL ? 0 : atoi(number);
    if (path != NULL)
        report = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int connect_to_port(void)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? fd : connect(fd, (const struct sockaddr *)&address, sizeof(address));
}

static int make_process(void)
{
    const pid_t child = fork();

    if (child == 0)
        _exit(0);
    return child;
}

static int make_attempt(void)
{
    if (strcmp(attempt, "read") == 0)
        return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    if (strcmp(attempt, "execute") == 0)
        return execl("/bin/true", "true", (char *)NULL);
    if (strcmp(attempt, "connect") == 0)
        return connect_to_port();
    if (strcmp(attempt, "fork") == 0)
        return make_process();
    abort();
}

static void intrude(void)
{
    const int before = errno;
    char line[64];

    done = true;
    const int result = make_attempt() < 0 ? errno : 0;
    const int len = snprintf(line, sizeof(line), "%ld %d\n", syscall(SYS_gettid), result);
    if (write(report, line, (size_t)len) != len)
        abort();
    errno = before;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (report >= 0 && !done && access(trigger, F_OK) == 0)
        intrude();
    return (int)syscall(SYS_clock_gettime, clock, now);
}
