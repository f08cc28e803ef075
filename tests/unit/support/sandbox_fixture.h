/*
 * Children that are confined and then try something. What comes of it is an errno, 0, or
 * SIGNALLED + the signal that ended the child.
 */
#ifndef SESSIOND_TESTS_SANDBOX_FIXTURE_H
#define SESSIOND_TESTS_SANDBOX_FIXTURE_H

#include "service/sandbox/sandbox.h"

#define LIMITED_FILES 1
#define LIMITED_CALLS 2

#define SIGNALLED 1000 /* what a child's signal is added to, to tell it from an errno */
#define BROKEN 255     /* the confinement failed, or the attempt could not be made */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct attempt {
    const char *what;
    int (*make)(void); /* errno of the attempt; 0: it succeeded */
    int confined;      /* what has to come of it then */
    int landlock;      /* the first ABI that stops it */
};

/* Goes to a folder with files to try on, and listens on a port. folder_leave() ends it. */
void sandbox_enter(void);

/* Those files, as they are at the beginning. */
void sandbox_make_files(void);

/* Confines the caller to data/sessions.db, run/socket, and to read tokens/file and links/secret,
 * which leads to secret/file; LIMITED_… say by what. Ends the process when that fails. */
void confine(int limits);

/* In a child that is confined so; 0: not at all. */
int outcome(int limits, int (*make)(void));

/* Asserts what comes of it, and that nothing stops an unconfined child. */
void expect_outcome(const struct attempt *attempt, int limits, int wanted);

/* Whether the log of the confined children has this text. */
bool sandbox_logged(const char *text);

/* Attempts of both kinds. */
int connect_to_port(void);
int signal_the_parent(void);
int result_of(long result);

#endif
