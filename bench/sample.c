#include "bench/sample.h"

#include <stdio.h>
#include <time.h>

#define SUMMARY_LENGTH 200

/* splitmix64: https://prng.di.unimi.it/splitmix64.c */
static uint64_t next_random(struct sample *sample)
{
    uint64_t z = sample->state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void make_id(struct sample *sample)
{
    const uint64_t high = (next_random(sample) & ~UINT64_C(0xf000)) | 0x4000;
    const uint64_t low = (next_random(sample) >> 2) | UINT64_C(1) << 63;

    snprintf(sample->id, sizeof(sample->id), "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
             (unsigned)(high >> 16) & 0xffff, (unsigned)high & 0xffff, (unsigned)(low >> 48),
             (unsigned long long)low & 0xffffffffffff);
}

static void make_context(struct sample *sample)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz .,eto";
    char summary[SUMMARY_LENGTH + 1];
    uint64_t bits = 0;

    for (int i = 0; i < SUMMARY_LENGTH; i++, bits >>= 5) {
        if (i % 12 == 0)
            bits = next_random(sample);
        summary[i] = letters[bits & 31];
    }
    summary[SUMMARY_LENGTH] = '\0';
    snprintf(sample->context, sizeof(sample->context), "{\"turn\":%07u,\"summary\":\"%s\"}",
             (unsigned)(next_random(sample) % 9000000 + 1000000), summary);
}

static void make_time(struct sample *sample, int64_t us)
{
    const time_t seconds = (time_t)(us / 1000000);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    const size_t len = strftime(sample->time, sizeof(sample->time), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(sample->time + len, sizeof(sample->time) - len, ".%06u+00:00",
             (unsigned)(us % 1000000));
}

void sample_next(struct sample *sample, int64_t us)
{
    make_id(sample);
    make_context(sample);
    make_time(sample, us);
    snprintf(sample->project_path, sizeof(sample->project_path), "/home/me/projects/p%03u",
             (unsigned)(next_random(sample) % 500));
    snprintf(sample->thread_id, sizeof(sample->thread_id), "+1555%07u",
             (unsigned)(next_random(sample) % 10000));
}
