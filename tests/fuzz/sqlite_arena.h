/*
 * Memory for SQLite in a fuzz target that opens databases by the thousand: AddressSanitizer's own
 * allocator takes half of the time of such a run. Every byte that SQLite did not ask for, and every
 * freed one, is poisoned, so that AddressSanitizer reports reads behind what SQLite hands out.
 */
#ifndef SESSIOND_TESTS_SQLITE_ARENA_H
#define SESSIOND_TESTS_SQLITE_ARENA_H

/* Before SQLite is used. Turns off SQLite's lookaside memory, too, whose edges are not poisoned. */
void sqlite_arena_install(void);

#endif
