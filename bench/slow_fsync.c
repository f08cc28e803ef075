/*
 * Preloaded (LD_PRELOAD) into a server: every fsync and fdatasync takes BENCH_FSYNC_DELAY_MS
 * longer, as on a slow disk.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

union sync_call {
    void *symbol;
    int (*call)(int descriptor);
};

static int slowly(const char *name, int descriptor)
{
    const char *text = getenv("BENCH_FSYNC_DELAY_MS");
    const long ms = text == NULL ? 0 : strtol(text, NULL, 10);
    const union sync_call real = {.symbol = dlsym(RTLD_NEXT, name)};
    const struct timespec delay = {ms / 1000, ms % 1000 * 1000000};

    const int result = real.call(descriptor);
    nanosleep(&delay, NULL);
    return result;
}

EXPORTED int fsync(int descriptor)
{
    return slowly("fsync", descriptor);
}

EXPORTED int fdatasync(int descriptor)
{
    return slowly("fdatasync", descriptor);
}
