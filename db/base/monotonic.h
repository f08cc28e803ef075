/* The monotonic clock, for durations and deadlines. Any thread. */
#ifndef SESSIOND_DB_BASE_MONOTONIC_H
#define SESSIOND_DB_BASE_MONOTONIC_H

#include <stdint.h>
#include <time.h>

/* µs since an unspecified point, e.g. the boot (CLOCK_MONOTONIC). */
static inline int64_t monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

#endif
