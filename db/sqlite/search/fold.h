/*
 * Removes diacritics that FTS5's tokenizer unicode61 does not remove. The tokenizer removes those
 * of Latin letters and some combining marks. A text is folded before it is indexed. A text that is
 * compared with words of the index, of a query or of a snippet, is folded as well.
 *
 * Pure; any thread. Texts are UTF-8; invalid bytes stay unchanged. A change of the folding must
 * increase SEARCH_FOLDING, so that an index with the old folding is rebuilt.
 */
#ifndef SESSIOND_DB_SQLITE_SEARCH_FOLD_H
#define SESSIOND_DB_SQLITE_SEARCH_FOLD_H

#include "db/base/slice.h"

#include <stdbool.h>

#define SEARCH_FOLDING 1

/* Replaces Greek and Cyrillic letters with diacritics by their base letters, and the final sigma by
 * sigma. `out` has room for text.len bytes and may be text.data. Returns the length of `out`. */
size_t search_fold_letters(struct slice text, char *out);

/* Replaces each combining mark from U+0300 to U+036F by one that unicode61 removes. The length of
 * the text does not change. */
void search_fold_marks(char *text, size_t len);

#endif
