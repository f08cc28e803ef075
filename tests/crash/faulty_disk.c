/*
 * Preloaded into any process (LD_PRELOAD), makes its disk slow or faulty.
 *
 *   SESSIOND_TEST_FSYNC_DELAY_MS=4           every fsync and fdatasync takes so much longer
 *   SESSIOND_TEST_FAULT=CALL:SUFFIX:ERROR:NTH[:COUNT]
 *       calls on files whose name ends in SUFFIX fail, from the NTH on, COUNT of them (default:
 * all). CALL: sync; write; torn, a write that fails after its first half; truncate ERROR: EIO or
 * ENOSPC SESSIOND_TEST_FAULT_TRIGGER=PATH         calls count only while this file is there
 *   SESSIOND_TEST_FAULT_TRACE=PATH           gets a line "CALL FILE" for the first failure, and for
 *                                            every later call that changes a file
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    int (*fsync)(int);
    int (*fdatasync)(int);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    int (*ftruncate)(int, off_t);
    int (*unlink)(const char *);
} real;

static struct {
    long delay_ms;
    char call[16]; /* empty: no fault */
    char suffix[64];
    int error;
    long first;
    long count;
    const char *trigger;
    const char *trace;
} plan;

static atomic_long calls;
static atomic_bool has_failed;

static void *next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        abort();
    return found;
}

static void find_real(void)
{
    *(void **)&real.fdatasync = next("fdatasync");
    *(void **)&real.write = next("write");
    *(void **)&real.pwrite = next("pwrite");
    *(void **)&real.ftruncate = next("ftruncate");
    *(void **)&real.unlink = next("unlink");
    *(void **)&real.fsync = next("fsync");
}

static void read_fault(const char *text)
{
    char error[16] = "";

    plan.count = LONG_MAX;
    if (sscanf(text, "%15[^:]:%63[^:]:%15[^:]:%ld:%ld", plan.call, plan.suffix, error, &plan.first,
               &plan.count) < 4) {
        fprintf(stderr, "SESSIOND_TEST_FAULT is not understood: %s\n", text);
        _exit(2);
    }
    plan.error = strcmp(error, "ENOSPC") == 0 ? ENOSPC : EIO;
}

__attribute__((constructor)) static void start(void)
{
    const char *delay = getenv("SESSIOND_TEST_FSYNC_DELAY_MS");
    const char *fault = getenv("SESSIOND_TEST_FAULT");

    find_real();
    plan.delay_ms = delay == NULL ? 0 : strtol(delay, NULL, 10);
    plan.trigger = getenv("SESSIOND_TEST_FAULT_TRIGGER");
    plan.trace = getenv("SESSIOND_TEST_FAULT_TRACE");
    if (fault != NULL && fault[0] != '\0')
        read_fault(fault);
}

/* Other constructors, a sanitizer's among them, may write before ours has run. */
static bool is_idle(void)
{
    if (real.fsync == NULL)
        find_real();
    return plan.call[0] == '\0';
}

static bool path_of(int fd, char path[PATH_MAX])
{
    char link[64];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    const ssize_t len = readlink(link, path, PATH_MAX - 1);
    path[len < 0 ? 0 : len] = '\0';
    return path[0] == '/';
}

static bool ends_in(const char *path, const char *suffix)
{
    const size_t len = strlen(path);
    const size_t suffix_len = strlen(suffix);

    return len >= suffix_len && strcmp(path + len - suffix_len, suffix) == 0;
}

static void trace(const char *call, const char *path)
{
    char line[PATH_MAX + 32];

    if (plan.trace == NULL)
        return;
    const int len = snprintf(line, sizeof(line), "%s %s\n", call, path);
    const int fd = open(plan.trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || real.write(fd, line, (size_t)len) != len)
        abort();
    close(fd);
}

/* Whether this call has to fail, as `call` of the plan. */
static bool fails(const char *call, const char *path)
{
    if (strcmp(call, plan.call) != 0 || !ends_in(path, plan.suffix) ||
        (plan.trigger != NULL && access(plan.trigger, F_OK) != 0))
        return false;
    const long nth = atomic_fetch_add(&calls, 1) + 1;
    return nth >= plan.first && nth - plan.first < plan.count;
}

static bool spoil(const char *call, int fd)
{
    const int before = errno;
    char path[PATH_MAX];

    if (is_idle() || !path_of(fd, path))
        return false;
    const bool failing = fails(call, path) || (strcmp(call, "write") == 0 && fails("torn", path));
    if (atomic_load(&has_failed) || failing)
        trace(call, path);
    if (failing)
        atomic_store(&has_failed, true);
    errno = failing ? plan.error : before;
    return failing;
}

static void delay(void)
{
    struct timespec left = {plan.delay_ms / 1000, plan.delay_ms % 1000 * 1000000};

    if (plan.delay_ms == 0)
        return;
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

int fsync(int fd)
{
    if (spoil("sync", fd))
        return -1;
    delay();
    return real.fsync(fd);
}

int fdatasync(int fd)
{
    if (spoil("sync", fd))
        return -1;
    delay();
    return real.fdatasync(fd);
}

ssize_t write(int fd, const void *data, size_t size)
{
    return spoil("write", fd) ? -1 : real.write(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (!spoil("write", fd))
        return real.pwrite(fd, data, size, offset);
    if (strcmp(plan.call, "torn") == 0 && real.pwrite(fd, data, size / 2, offset) < 0)
        abort();
    errno = plan.error;
    return -1;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    return pwrite(fd, data, size, offset);
}

int ftruncate(int fd, off_t size)
{
    return spoil("truncate", fd) ? -1 : real.ftruncate(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
    return ftruncate(fd, size);
}

int unlink(const char *path)
{
    if (!is_idle() && atomic_load(&has_failed))
        trace("unlink", path);
    return real.unlink(path);
}
