/*
 * The size of what a write stores: by it large writes leave their batch
 * (db/sqlite/writer/long_jobs.h), and a batch is limited (db/runtime/write_batch.h).
 */
#ifndef SESSIOND_DB_RUNTIME_SENT_BYTES_H
#define SESSIOND_DB_RUNTIME_SENT_BYTES_H

#include "db/store/job.h"

/* Bytes of the contexts, merge patches and entries that the client sent. Pure. */
size_t sent_bytes(const struct store_job *job);

#endif
