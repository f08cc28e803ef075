/* A file system under SQLite that fails on demand. What it does to one test, it does to all of the
 * process: Criterion gives each test its own. */
#ifndef SESSIOND_TESTS_FAULTY_VFS_H
#define SESSIOND_TESTS_FAULTY_VFS_H

#include <sqlite3.h>

enum fault_call {
    FAULT_NONE,
    FAULT_WRITE,
    FAULT_SYNC,
    FAULT_READ,
    FAULT_OPEN,
    FAULT_INDEX, /* the shared memory beside the log cannot be made longer */
};

/* From the nth such call on, `count` of them fail. */
struct fault {
    enum fault_call call;
    int file; /* SQLITE_OPEN_MAIN_DB or SQLITE_OPEN_WAL; 0: any */
    int result;
    int nth;
    int count;
};

/* Makes it SQLite's default. Before the first connection. */
void faulty_vfs_install(void);

/* Calls are counted from now on. */
void faulty_vfs_arm(struct fault fault);

/* Everything works again. */
void faulty_vfs_heal(void);

/* How many calls have failed since it was armed, and how many that change a file came after the
 * first of them. */
int faulty_vfs_failures(void);
int faulty_vfs_changes_since(void);

#endif
