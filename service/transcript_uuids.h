/* The uuids of a transcript's lines, to find what it says twice. One owner at a time. */
#ifndef SESSIOND_SERVICE_TRANSCRIPT_UUIDS_H
#define SESSIOND_SERVICE_TRANSCRIPT_UUIDS_H

#include "db/slice.h"

/* {0} is empty. */
struct transcript_uuids {
    void *tree;
};

enum transcript_uuid {
    TRANSCRIPT_UUID_NEW,
    TRANSCRIPT_UUID_REPEATED, /* an earlier line has it, and is the same */
    TRANSCRIPT_UUID_TAKEN,    /* an earlier line has it, and is another */
};

/* Keeps a copy of both when the uuid is new. It has no NUL. Out of memory: aborts. */
enum transcript_uuid transcript_uuids_add(struct transcript_uuids *uuids, struct slice uuid,
                                          struct slice line);

/* Frees them; it is empty then. */
void transcript_uuids_release(struct transcript_uuids *uuids);

#endif
