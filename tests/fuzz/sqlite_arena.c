#include "tests/fuzz/sqlite_arena.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

/* A run needs about 10 MiB. What finds no room comes from malloc. */
#define ARENA_BYTES ((size_t)128 << 20)

#define CLASSES 20
#define SMALLEST 32 /* bytes of class 0; each class has blocks of twice the size */

/* Stands before the bytes of a block. */
struct block {
    struct block *next; /* free, of the same class */
    uint32_t size;      /* as asked for */
    uint32_t class;     /* CLASSES: malloc's */
};

/* Not malloc'ed, so that LeakSanitizer looks for pointers in it. */
static _Alignas(16) char arena[ARENA_BYTES];
static size_t used;
static struct block *free_blocks[CLASSES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static size_t class_bytes(uint32_t class)
{
    return (size_t)SMALLEST << class;
}

static struct block *block_of(void *bytes)
{
    return (struct block *)bytes - 1;
}

/* A block of the class that no one has had before; NULL when there is no room. */
static struct block *cut_block(uint32_t class)
{
    const size_t size = sizeof(struct block) + class_bytes(class);
    void *place = arena + used;
    struct block *block = place;

    if (class == CLASSES || size > ARENA_BYTES - used)
        return NULL;
    used += size;
    block->class = class;
    ASAN_POISON_MEMORY_REGION(block + 1, class_bytes(class));
    return block;
}

static struct block *take_block(uint32_t class)
{
    struct block *block = NULL;

    pthread_mutex_lock(&lock);
    if (class < CLASSES && free_blocks[class] != NULL) {
        block = free_blocks[class];
        free_blocks[class] = block->next;
    } else {
        block = cut_block(class);
    }
    pthread_mutex_unlock(&lock);
    return block;
}

static void *arena_malloc(int size)
{
    uint32_t class = 0;

    while (class < CLASSES && class_bytes(class) < (size_t)size)
        class ++;
    struct block *block = take_block(class);
    if (block == NULL) {
        block = malloc(sizeof(*block) + (size_t)size);
        if (block == NULL)
            return NULL;
        block->class = CLASSES;
    }
    block->size = (uint32_t)size;
    ASAN_UNPOISON_MEMORY_REGION(block + 1, (size_t)size);
    return block + 1;
}

static void arena_free(void *bytes)
{
    struct block *block = block_of(bytes);

    if (block->class == CLASSES) {
        free(block);
        return;
    }
    ASAN_POISON_MEMORY_REGION(bytes, class_bytes(block->class));
    pthread_mutex_lock(&lock);
    block->next = free_blocks[block->class];
    free_blocks[block->class] = block;
    pthread_mutex_unlock(&lock);
}

static void *arena_realloc(void *bytes, int size)
{
    struct block *block = block_of(bytes);
    void *grown;

    if (block->class < CLASSES && (size_t)size <= class_bytes(block->class)) {
        ASAN_POISON_MEMORY_REGION(bytes, class_bytes(block->class));
        ASAN_UNPOISON_MEMORY_REGION(bytes, (size_t)size);
        block->size = (uint32_t)size;
        return bytes;
    }
    grown = arena_malloc(size);
    if (grown == NULL)
        return NULL;
    memcpy(grown, bytes, block->size < (size_t)size ? block->size : (size_t)size);
    arena_free(bytes);
    return grown;
}

static int arena_size(void *bytes)
{
    return bytes == NULL ? 0 : (int)block_of(bytes)->size;
}

static int arena_round_up(int size)
{
    return (size + 7) & ~7;
}

static int arena_init(void *arg)
{
    (void)arg;
    return SQLITE_OK;
}

static void arena_shutdown(void *arg)
{
    (void)arg;
}

void sqlite_arena_install(void)
{
    static const sqlite3_mem_methods methods = {
        arena_malloc,   arena_free, arena_realloc,  arena_size,
        arena_round_up, arena_init, arena_shutdown, NULL};

    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK ||
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK ||
        sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK)
        abort();
}
