/*
 * Diacritics that FTS5's tokenizer unicode61 does not remove. It removes those of Latin letters and
 * some combining marks. A text is folded before it is indexed; a text that is compared with words
 * of the index, of a query or of a snippet, is folded as well.
 *
 * Pure. Texts are UTF-8; invalid bytes stay as they are. A change of the folding has to raise
 * SEARCH_FOLDING, so that an index with the old one is rebuilt.
 */
#ifndef SESSIOND_DB_SQLITE_SEARCH_FOLD_H
#define SESSIOND_DB_SQLITE_SEARCH_FOLD_H

#include "db/base/slice.h"

#include <stdbool.h>

#define SEARCH_FOLDING 1

/* Replaces Greek and Cyrillic letters with diacritics by those without, and the final sigma. `out`
 * has room for text.len bytes and may be text.data. Returns the length of `out`. */
size_t search_fold_letters(struct slice text, char *out);

/* Replaces every combining mark from U+0300 to U+036F by one that unicode61 removes. The text keeps
 * its length. */
void search_fold_marks(char *text, size_t len);

#endif
