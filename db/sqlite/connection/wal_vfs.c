#include "db/sqlite/connection/wal_vfs.h"

#include <stdlib.h>
#include <string.h>

/* Size of the buffer; a larger commit is written in parts of this size. SQLite's default VFS
 * accepts no longer write: it truncates the length to 17 bits. */
#define BUFFER_BYTES ((1 << 17) - 1)

/* The blocks of the WAL index with 4096 entries each (https://sqlite.org/walformat.html). The first
 * block has room for fewer pages because of its header. */
#define INDEX_BLOCK_BYTES 32768
#define INDEX_BLOCK_PAGES 4096
#define INDEX_HEADER_PAGES 34

#define LOG_HEADER_BYTES 32
#define PAGE_HEADER_BYTES 24

struct wal_file {
    sqlite3_file base; /* must be the first member: SQLite uses it */
    sqlite3_file *real;
    sqlite3_file *database; /* owns the WAL index */
    int index_blocks;       /* blocks that exist */
    char *buffer;
    sqlite3_int64 offset; /* file offset of the first buffered byte */
    int count;
};

static sqlite3_vfs *default_vfs(void)
{
    return sqlite3_vfs_find(NULL);
}

static struct wal_file *wal_file(sqlite3_file *file)
{
    return (struct wal_file *)(void *)file;
}

/* If the disk is full, the bytes stay buffered: SQLite may roll back only the statement that
 * received the error and commit the earlier writes. After any other error it rolls back the whole
 * transaction. */
static int flush_buffer(struct wal_file *wal)
{
    int result = SQLITE_OK;

    if (wal->count > 0)
        result = wal->real->pMethods->xWrite(wal->real, wal->buffer, wal->count, wal->offset);
    if (result != SQLITE_FULL)
        wal->count = 0;
    return result;
}

/* SQLite extends the WAL index after the sync of a commit. The commit is then on disk even if there
 * is no room for the index. So the index is extended earlier, when a page is written. */
static int extend_index(struct wal_file *wal, int count, sqlite3_int64 offset)
{
    const sqlite3_int64 page = (offset - LOG_HEADER_BYTES) / (PAGE_HEADER_BYTES + count);
    const int block = (int)((page + INDEX_HEADER_PAGES) / INDEX_BLOCK_PAGES);
    void volatile *mapped;
    int result;

    if (count <= LOG_HEADER_BYTES)
        return SQLITE_OK;
    for (; wal->index_blocks <= block; wal->index_blocks++) {
        result = wal->database->pMethods->xShmMap(wal->database, wal->index_blocks,
                                                  INDEX_BLOCK_BYTES, 1, &mapped);
        if (result != SQLITE_OK)
            return result == SQLITE_IOERR_SHMSIZE ? SQLITE_FULL : result;
    }
    return SQLITE_OK;
}

static int wal_write(sqlite3_file *file, const void *data, int count, sqlite3_int64 offset)
{
    struct wal_file *wal = wal_file(file);
    int result = extend_index(wal, count, offset);

    if (result != SQLITE_OK)
        return result;
    if (wal->count > 0 &&
        (offset != wal->offset + wal->count || count > BUFFER_BYTES - wal->count)) {
        result = flush_buffer(wal);
        if (result != SQLITE_OK)
            return result;
    }
    if (count > BUFFER_BYTES)
        return wal->real->pMethods->xWrite(wal->real, data, count, offset);
    if (wal->count == 0)
        wal->offset = offset;
    memcpy(wal->buffer + wal->count, data, (size_t)count);
    wal->count += count;
    return SQLITE_OK;
}

static int wal_read(sqlite3_file *file, void *data, int count, sqlite3_int64 offset)
{
    struct wal_file *wal = wal_file(file);
    const int result = flush_buffer(wal);

    return result != SQLITE_OK ? result
                               : wal->real->pMethods->xRead(wal->real, data, count, offset);
}

static int wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct wal_file *wal = wal_file(file);
    const int result = flush_buffer(wal);

    return result != SQLITE_OK ? result : wal->real->pMethods->xTruncate(wal->real, size);
}

/* A commit ends with a sync. If the sync fails, the commit is rolled back. Its bytes must not be
 * written later: recovery after a crash would find them. */
static int wal_sync(sqlite3_file *file, int flags)
{
    struct wal_file *wal = wal_file(file);
    const int result = flush_buffer(wal);

    wal->count = 0;
    return result != SQLITE_OK ? result : wal->real->pMethods->xSync(wal->real, flags);
}

static int wal_size(sqlite3_file *file, sqlite3_int64 *size)
{
    struct wal_file *wal = wal_file(file);
    const int result = flush_buffer(wal);

    return result != SQLITE_OK ? result : wal->real->pMethods->xFileSize(wal->real, size);
}

/* The bytes that are still buffered were never committed. */
static int wal_close(sqlite3_file *file)
{
    struct wal_file *wal = wal_file(file);

    free(wal->buffer);
    return wal->real->pMethods->xClose(wal->real);
}

/* SQLite locks the database file, never the WAL. */
static int wal_lock(sqlite3_file *file, int level)
{
    (void)file;
    (void)level;
    return SQLITE_OK;
}

static int wal_check_reserved_lock(sqlite3_file *file, int *reserved)
{
    (void)file;
    *reserved = 0;
    return SQLITE_OK;
}

static int wal_control(sqlite3_file *file, int operation, void *arg)
{
    struct wal_file *wal = wal_file(file);
    const int result = flush_buffer(wal);

    return result != SQLITE_OK ? result
                               : wal->real->pMethods->xFileControl(wal->real, operation, arg);
}

static int wal_sector_size(sqlite3_file *file)
{
    return wal_file(file)->real->pMethods->xSectorSize(wal_file(file)->real);
}

static int wal_characteristics(sqlite3_file *file)
{
    return wal_file(file)->real->pMethods->xDeviceCharacteristics(wal_file(file)->real);
}

static const sqlite3_io_methods wal_methods = {
    .iVersion = 1,
    .xClose = wal_close,
    .xRead = wal_read,
    .xWrite = wal_write,
    .xTruncate = wal_truncate,
    .xSync = wal_sync,
    .xFileSize = wal_size,
    .xLock = wal_lock,
    .xUnlock = wal_lock,
    .xCheckReservedLock = wal_check_reserved_lock,
    .xFileControl = wal_control,
    .xSectorSize = wal_sector_size,
    .xDeviceCharacteristics = wal_characteristics,
};

static int open_wal(const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    struct wal_file *wal = wal_file(file);
    sqlite3_vfs *real_vfs = default_vfs();

    *wal = (struct wal_file){
        .real = (sqlite3_file *)(void *)(wal + 1),
        .database = sqlite3_database_file_object(name),
    };
    const int result = real_vfs->xOpen(real_vfs, name, wal->real, flags, out_flags);
    if (result != SQLITE_OK)
        return result;
    wal->buffer = malloc(BUFFER_BYTES);
    if (wal->buffer == NULL) {
        wal->real->pMethods->xClose(wal->real);
        return SQLITE_NOMEM;
    }
    wal->base.pMethods = &wal_methods;
    return SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *out_flags)
{
    sqlite3_vfs *real_vfs = default_vfs();

    (void)vfs;
    if (flags & SQLITE_OPEN_WAL)
        return open_wal(name, file, flags, out_flags);
    return real_vfs->xOpen(real_vfs, name, file, flags, out_flags);
}

void wal_vfs_discard(sqlite3 *db)
{
    sqlite3_file *file = NULL;

    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) == SQLITE_OK &&
        file != NULL && file->pMethods == &wal_methods)
        wal_file(file)->count = 0;
}

bool wal_vfs_register(struct error *err)
{
    const sqlite3_vfs *real_vfs = default_vfs();

    if (sqlite3_vfs_find(WAL_VFS_NAME) != NULL)
        return true;
    if (real_vfs == NULL)
        return error_set(err, ERROR_INTERNAL, NULL, "SQLite has no file system");
    /* SQLite uses the struct for the life of the process. */
    sqlite3_vfs *vfs = malloc(sizeof(*vfs));
    if (vfs == NULL)
        abort();
    *vfs = *real_vfs;
    vfs->pNext = NULL;
    vfs->zName = WAL_VFS_NAME;
    vfs->szOsFile = (int)sizeof(struct wal_file) + real_vfs->szOsFile;
    vfs->xOpen = vfs_open;
    if (sqlite3_vfs_register(vfs, 0) != SQLITE_OK)
        return error_set(err, ERROR_INTERNAL, NULL, "SQLite rejects the file system wrapper");
    return true;
}
