/*
 * Sessions as the benchmarks store them: the same distribution of paths, threads and contexts that
 * the scripts of bench/wrk send. Deterministic: the same seed makes the same sessions.
 */
#ifndef SESSIOND_BENCH_SAMPLE_H
#define SESSIOND_BENCH_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#define SAMPLE_TIME_SIZE sizeof("2026-11-23T06:36:00.123456+00:00")

struct sample {
    uint64_t state; /* of the random numbers; any seed */
    char id[37];
    char project_path[48];
    char thread_id[16];
    char context[320];
    char time[SAMPLE_TIME_SIZE];
};

/* Makes the next session, created at `us` microseconds since 1970. */
void sample_next(struct sample *sample, int64_t us);

#endif
