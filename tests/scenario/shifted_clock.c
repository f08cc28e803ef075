/*
 * For a service under test, by LD_PRELOAD: its wall clock (CLOCK_REALTIME) goes as many µs ahead of
 * the machine's as the file SHIFTED_CLOCK_FILE says, a binary int64_t that the test changes while
 * the service runs. All other clocks are the machine's.
 */
#define _GNU_SOURCE

#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const _Atomic int64_t *shift_us;

__attribute__((constructor)) static void open_shift(void)
{
    const char *path = getenv("SHIFTED_CLOCK_FILE");
    const int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *map = mmap(NULL, sizeof(*shift_us), PROT_READ, MAP_SHARED, file, 0);

    if (map == MAP_FAILED)
        abort();
    shift_us = map;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    const int result = (int)syscall(SYS_clock_gettime, clock, now);

    if (result != 0 || clock != CLOCK_REALTIME || shift_us == NULL)
        return result;
    const int64_t us = (int64_t)now->tv_sec * 1000000 + now->tv_nsec / 1000 + atomic_load(shift_us);
    now->tv_sec = us / 1000000;
    now->tv_nsec = us % 1000000 * 1000;
    return 0;
}
