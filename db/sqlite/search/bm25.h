/*
 * sessiond_score(table): how well the row on which a full-text query stands fits, in millionths.
 *
 * BM25 (Robertson and Zaragoza, 2009) with k1 = 1.2 and b = 0.75, made to cost and to say the same
 * however much is stored: a text of 256 words counts as average, a word's weight is by how many
 * times it is rarer than one in 10,000 texts, in powers of two, and the sum is divided by what it
 * can be at most. So a score does not change with what is added, and pages fit together.
 */
#ifndef SESSIOND_DB_SQLITE_SEARCH_BM25_H
#define SESSIOND_DB_SQLITE_SEARCH_BM25_H

#include "db/base/error.h"

#include <sqlite3.h>

/* Registers the function on a connection. */
MUST_USE bool bm25_register(sqlite3 *db, struct error *err);

#endif
