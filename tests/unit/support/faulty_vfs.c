#include "tests/unit/support/faulty_vfs.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct faulty_file {
    sqlite3_file base; /* first: SQLite sees this */
    int flags;
    sqlite3_file *real;
};

static struct {
    pthread_mutex_t lock;
    sqlite3_vfs *real;
    struct fault fault;
    int calls;
    int failures;
    int changes_since;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

void faulty_vfs_arm(struct fault fault)
{
    pthread_mutex_lock(&state.lock);
    state.fault = fault;
    state.calls = 0;
    state.failures = 0;
    state.changes_since = 0;
    pthread_mutex_unlock(&state.lock);
}

void faulty_vfs_heal(void)
{
    pthread_mutex_lock(&state.lock);
    state.fault = (struct fault){0};
    pthread_mutex_unlock(&state.lock);
}

static int read_locked(const int *value)
{
    pthread_mutex_lock(&state.lock);
    const int copy = *value;
    pthread_mutex_unlock(&state.lock);
    return copy;
}

int faulty_vfs_failures(void)
{
    return read_locked(&state.failures);
}

int faulty_vfs_changes_since(void)
{
    return read_locked(&state.changes_since);
}

/* What a call on a file, opened with `flags`, has to return. */
static int strike(enum fault_call call, int flags)
{
    const struct fault *fault = &state.fault;
    int result = SQLITE_OK;

    pthread_mutex_lock(&state.lock);
    state.changes_since += state.failures > 0 && call != FAULT_READ && call != FAULT_OPEN;
    if (call == fault->call && (fault->file == 0 || flags & fault->file)) {
        state.calls++;
        if (state.calls >= fault->nth && state.calls - fault->nth < fault->count) {
            state.failures++;
            result = fault->result;
        }
    }
    pthread_mutex_unlock(&state.lock);
    return result;
}

static struct faulty_file *faulty(sqlite3_file *file)
{
    return (struct faulty_file *)(void *)file;
}

#define REAL(file, method) faulty(file)->real->pMethods->method

static int on_close(sqlite3_file *file)
{
    return REAL(file, xClose)(faulty(file)->real);
}

static int on_read(sqlite3_file *file, void *data, int count, sqlite3_int64 offset)
{
    const int result = strike(FAULT_READ, faulty(file)->flags);

    return result != SQLITE_OK ? result
                               : REAL(file, xRead)(faulty(file)->real, data, count, offset);
}

static int on_write(sqlite3_file *file, const void *data, int count, sqlite3_int64 offset)
{
    const int result = strike(FAULT_WRITE, faulty(file)->flags);

    return result != SQLITE_OK ? result
                               : REAL(file, xWrite)(faulty(file)->real, data, count, offset);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    strike(FAULT_NONE, faulty(file)->flags);
    return REAL(file, xTruncate)(faulty(file)->real, size);
}

static int on_sync(sqlite3_file *file, int flags)
{
    const int result = strike(FAULT_SYNC, faulty(file)->flags);

    return result != SQLITE_OK ? result : REAL(file, xSync)(faulty(file)->real, flags);
}

static int on_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return REAL(file, xFileSize)(faulty(file)->real, size);
}

static int on_lock(sqlite3_file *file, int level)
{
    return REAL(file, xLock)(faulty(file)->real, level);
}

static int on_unlock(sqlite3_file *file, int level)
{
    return REAL(file, xUnlock)(faulty(file)->real, level);
}

static int on_check_reserved_lock(sqlite3_file *file, int *reserved)
{
    return REAL(file, xCheckReservedLock)(faulty(file)->real, reserved);
}

static int on_control(sqlite3_file *file, int operation, void *arg)
{
    return REAL(file, xFileControl)(faulty(file)->real, operation, arg);
}

static int on_sector_size(sqlite3_file *file)
{
    return REAL(file, xSectorSize)(faulty(file)->real);
}

static int on_characteristics(sqlite3_file *file)
{
    return REAL(file, xDeviceCharacteristics)(faulty(file)->real);
}

static int on_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    const int there = REAL(file, xShmMap)(faulty(file)->real, region, size, 0, out);

    if (there != SQLITE_OK || *out != NULL || !extend)
        return there;
    const int result = strike(FAULT_INDEX, faulty(file)->flags);
    return result != SQLITE_OK ? result
                               : REAL(file, xShmMap)(faulty(file)->real, region, size, 1, out);
}

static int on_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return REAL(file, xShmLock)(faulty(file)->real, offset, count, flags);
}

static void on_barrier(sqlite3_file *file)
{
    REAL(file, xShmBarrier)(faulty(file)->real);
}

static int on_unmap(sqlite3_file *file, int delete)
{
    return REAL(file, xShmUnmap)(faulty(file)->real, delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_check_reserved_lock,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_characteristics,
    .xShmMap = on_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_barrier,
    .xShmUnmap = on_unmap,
};

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                   int *out_flags)
{
    struct faulty_file *opened = faulty(file);

    (void)vfs;
    *opened = (struct faulty_file){.flags = flags, .real = (sqlite3_file *)(void *)(opened + 1)};
    int result = strike(FAULT_OPEN, flags);
    if (result == SQLITE_OK)
        result = state.real->xOpen(state.real, name, opened->real, flags, out_flags);
    if (result == SQLITE_OK)
        opened->base.pMethods = &methods;
    return result;
}

static int on_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    strike(FAULT_NONE, 0);
    return state.real->xDelete(state.real, name, sync_folder);
}

void faulty_vfs_install(void)
{
    state.real = sqlite3_vfs_find(NULL);
    sqlite3_vfs *vfs = malloc(sizeof(*vfs));
    if (vfs == NULL)
        abort();
    *vfs = *state.real;
    vfs->pNext = NULL;
    vfs->zName = "faulty";
    vfs->szOsFile = (int)sizeof(struct faulty_file) + state.real->szOsFile;
    vfs->xOpen = on_open;
    vfs->xDelete = on_delete;
    if (sqlite3_vfs_register(vfs, 1) != SQLITE_OK)
        abort();
}
