/*
 * Preloaded into any process (LD_PRELOAD), makes its disk slow or faulty.
 *
 *   SESSIOND_TEST_FSYNC_DELAY_MS=4           every fsync and fdatasync takes so much longer
 *   SESSIOND_TEST_FAULT=CALL:SUFFIX:ERROR:NTH[:COUNT]
 *       calls on files whose name ends in SUFFIX, a pattern of fnmatch(3), fail, from the NTH on,
 *       COUNT of them (default: all).
 *       CALL: sync; write; torn, a write that fails after its first half; short, one that says it
 *       wrote no more than that; read; truncate; open; mmap; nosync, a sync that is not done and
 *       says it was.
 *       ERROR: EIO, ENOSPC, EINTR, EMFILE or ENOMEM
 *   SESSIOND_TEST_FAULT_TRIGGER=PATH         calls count only while this file is there
 *   SESSIOND_TEST_FAULT_TRACE=PATH           gets a line "CALL FILE" for the first failure, and for
 *                                            every later call that changes a file
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct {
    int (*fsync)(int);
    int (*fdatasync)(int);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    int (*ftruncate)(int, off_t);
    int (*unlink)(const char *);
    int (*open)(const char *, int, ...);
    ssize_t (*read)(int, void *, size_t);
    ssize_t (*pread)(int, void *, size_t, off_t);
    void *(*mmap)(void *, size_t, int, int, int, off_t);
} real;

static struct {
    long delay_ms;
    char call[16]; /* empty: no fault */
    char pattern[80];
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
    *(void **)&real.open = next("open");
    *(void **)&real.read = next("read");
    *(void **)&real.pread = next("pread");
    *(void **)&real.mmap = next("mmap");
    *(void **)&real.fsync = next("fsync");
}

static void misunderstood(const char *text)
{
    fprintf(stderr, "SESSIOND_TEST_FAULT is not understood: %s\n", text);
    _exit(2);
}

static int error_number(const char *text, const char *name)
{
    static const struct {
        const char *name;
        int number;
    } errors[] = {
        {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EINTR", EINTR}, {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM}};

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strcmp(errors[i].name, name) == 0)
            return errors[i].number;
    }
    misunderstood(text);
    return 0;
}

static void read_fault(const char *text)
{
    char suffix[64] = "";
    char error[16] = "";

    plan.count = LONG_MAX;
    if (sscanf(text, "%15[^:]:%63[^:]:%15[^:]:%ld:%ld", plan.call, suffix, error, &plan.first,
               &plan.count) < 4)
        misunderstood(text);
    snprintf(plan.pattern, sizeof(plan.pattern), "*%s", suffix);
    plan.error = error_number(text, error);
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

static void trace(const char *call, const char *path)
{
    char line[PATH_MAX + 32];

    if (plan.trace == NULL)
        return;
    const int len = snprintf(line, sizeof(line), "%s %s\n", call, path);
    const int fd = real.open(plan.trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || real.write(fd, line, (size_t)len) != len)
        abort();
    close(fd);
}

/* Whether this call has to fail, as `call` of the plan. */
static bool fails(const char *call, const char *path)
{
    if (strcmp(call, plan.call) != 0 || fnmatch(plan.pattern, path, 0) != 0 ||
        (plan.trigger != NULL && access(plan.trigger, F_OK) != 0))
        return false;
    const long nth = atomic_fetch_add(&calls, 1) + 1;
    return nth >= plan.first && nth - plan.first < plan.count;
}

/* The kinds of fault that a write may have. */
static bool write_fails(const char *path)
{
    return fails("write", path) || fails("torn", path) || fails("short", path);
}

static bool changes_file(const char *call)
{
    return strcmp(call, "sync") == 0 || strcmp(call, "write") == 0 || strcmp(call, "truncate") == 0;
}

static bool spoil_path(const char *call, const char *path)
{
    const int before = errno;
    const bool failing = strcmp(call, "write") == 0 ? write_fails(path) : fails(call, path);

    if (failing || (atomic_load(&has_failed) && changes_file(call)))
        trace(call, path);
    if (failing)
        atomic_store(&has_failed, true);
    errno = failing ? plan.error : before;
    return failing;
}

static bool spoil(const char *call, int fd)
{
    const int before = errno;
    char path[PATH_MAX];

    if (is_idle())
        return false;
    const bool known = path_of(fd, path);
    errno = before;
    return known && spoil_path(call, path);
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
    if (spoil("nosync", fd))
        return 0;
    delay();
    return real.fsync(fd);
}

int fdatasync(int fd)
{
    if (spoil("sync", fd))
        return -1;
    if (spoil("nosync", fd))
        return 0;
    delay();
    return real.fdatasync(fd);
}

static bool plan_is(const char *call)
{
    return strcmp(plan.call, call) == 0;
}

/* Half of it is written, of a single byte all. */
static size_t part_of(size_t size)
{
    return plan_is("short") ? (size + 1) / 2 : size / 2;
}

ssize_t write(int fd, const void *data, size_t size)
{
    if (!spoil("write", fd))
        return real.write(fd, data, size);
    if (plan_is("write"))
        return -1;
    const ssize_t written = real.write(fd, data, part_of(size));
    errno = plan.error;
    return plan_is("short") ? written : -1;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (!spoil("write", fd))
        return real.pwrite(fd, data, size, offset);
    if (plan_is("write"))
        return -1;
    const ssize_t written = real.pwrite(fd, data, part_of(size), offset);
    errno = plan.error;
    return plan_is("short") ? written : -1;
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

ssize_t read(int fd, void *data, size_t size)
{
    return spoil("read", fd) ? -1 : real.read(fd, data, size);
}

ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
    return spoil("read", fd) ? -1 : real.pread(fd, data, size, offset);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t offset)
{
    return pread(fd, data, size, offset);
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (fd >= 0 && spoil("mmap", fd))
        return MAP_FAILED;
    if (real.mmap == NULL)
        find_real();
    return real.mmap(address, size, protection, flags, fd, offset);
}

void *mmap64(void *address, size_t size, int protection, int flags, int fd, off64_t offset)
{
    return mmap(address, size, protection, flags, fd, offset);
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list args;

    if (flags & (O_CREAT | O_TMPFILE)) {
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    if (!is_idle() && spoil_path("open", path))
        return -1;
    return real.open(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list args;

    if (flags & (O_CREAT | O_TMPFILE)) {
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    return open(path, flags, mode);
}
