/*
 * The size of a write's input. Large writes leave their batch because of it
 * (db/sqlite/writer/long_jobs.h), and it limits a batch (db/runtime/write_batch.h).
 */
#ifndef SESSIOND_DB_RUNTIME_INPUT_BYTES_H
#define SESSIOND_DB_RUNTIME_INPUT_BYTES_H

#include "db/store/job.h"

/* Bytes of the contexts, merge patches and entries that the client sent. Pure; any thread. */
size_t input_bytes(const struct store_job *job);

#endif
