/* The key of an entry: its stream id and its seq. Pure; any thread. */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_ENTRY_KEY_H
#define SESSIOND_DB_SQLITE_CONNECTION_ENTRY_KEY_H

#include "db/store/entries.h"

#define ENTRY_KEY_STREAMS_MAX INT64_C(2147483647)

/* Combines the two. seq 0, which no entry has, gives the key before the first entry of the stream.
 * For a stream above ENTRY_KEY_STREAMS_MAX the key overflows to the lowest one. */
static inline int64_t entry_key(int64_t stream, int64_t seq)
{
    return (int64_t)((uint64_t)stream << 32 | (uint64_t)seq);
}

static inline int64_t entry_key_stream(int64_t key)
{
    return key >> 32;
}

static inline int64_t entry_key_seq(int64_t key)
{
    return key & STORE_STREAM_ENTRIES_MAX;
}

#endif
