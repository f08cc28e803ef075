/*
 * Preloaded into a process that has no sanitizer (LD_PRELOAD), makes its memory run out.
 *
 *   SESSIOND_TEST_MEMORY=NTH[:COUNT]        allocations fail, from the NTH on, COUNT of them
 *                                           (default: all)
 *   SESSIOND_TEST_FAULT_TRIGGER=PATH        they count only while this file is there
 *   SESSIOND_TEST_FAULT_TRACE=PATH          is made at the first failure
 *
 * Of glibc, which keeps its own functions under these names for whoever replaces them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static struct {
    bool on;
    long first;
    long count;
    const char *trigger;
    const char *trace;
} plan;

static atomic_long allocations;
static atomic_bool has_failed;

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("SESSIOND_TEST_MEMORY");

    plan.trigger = getenv("SESSIOND_TEST_FAULT_TRIGGER");
    plan.trace = getenv("SESSIOND_TEST_FAULT_TRACE");
    plan.count = LONG_MAX;
    if (text == NULL)
        return;
    if (sscanf(text, "%ld:%ld", &plan.first, &plan.count) < 1) {
        fprintf(stderr, "SESSIOND_TEST_MEMORY is not understood: %s\n", text);
        _exit(2);
    }
    plan.on = true;
}

static void trace(void)
{
    if (atomic_exchange(&has_failed, true) || plan.trace == NULL)
        return;
    const int fd = open(plan.trace, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        abort();
    close(fd);
}

static bool fails(void)
{
    const int before = errno;

    if (!plan.on || (plan.trigger != NULL && access(plan.trigger, F_OK) != 0)) {
        errno = before;
        return false;
    }
    const long nth = atomic_fetch_add(&allocations, 1) + 1;
    const bool failing = nth >= plan.first && nth - plan.first < plan.count;
    if (failing)
        trace();
    errno = failing ? ENOMEM : before;
    return failing;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return fails() ? NULL : __libc_realloc(block, size);
}
