/* The Python side of a database: the SessionManager's own statements (session_manager.py). The
 * service does not run meanwhile. What fails fails the test. */
#ifndef SESSIOND_TESTS_PYTHON_H
#define SESSIOND_TESTS_PYTHON_H

#include "tests/support/process.h"

/* Inserts or updates (`action`) rows, a line of JSON each. */
void python_manager(const struct service *service, const char *action, const char *rows);

/* Its list(): rows as lines of JSON, newest first. The caller frees them. */
char *python_list(const struct service *service);

/* Runs any statement. */
void python_sql(const struct service *service, const char *statement);

#endif
