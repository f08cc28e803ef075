/*
 * sessiond_score(table): the score of the current row of a full-text query, in millionths.
 *
 * BM25 (Robertson and Zaragoza, 2009) with k1 = 1.2 and b = 0.75, with changes that make cost and
 * score independent of the number of stored texts. A text of 256 words counts as average. A word's
 * weight is the number of times that its count can be doubled up to 10,000 texts, plus one. The sum
 * is divided by its maximum. So new texts do not change a score, and pages are consistent with each
 * other.
 */
#ifndef SESSIOND_DB_SQLITE_SEARCH_BM25_H
#define SESSIOND_DB_SQLITE_SEARCH_BM25_H

#include "db/base/error.h"

#include <sqlite3.h>

/* Registers the function on a connection; on the thread of the connection. */
MUST_USE bool bm25_register(sqlite3 *db, struct error *err);

#endif
