#include "db/sqlite/search/bm25.h"

#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/search/tokenizer.h"
#include "db/store/search.h"

#include <stdlib.h>

#define K1 1.2
#define B 0.75
#define AVERAGE_WORDS 256.0

/* More texts than that make a word no more common. */
#define COUNTED_MAX 10000

static int count_row(const Fts5ExtensionApi *api, Fts5Context *context, void *arg)
{
    int *count = arg;

    (void)api;
    (void)context;
    return ++*count < COUNTED_MAX ? SQLITE_OK : SQLITE_DONE;
}

static int weigh(const Fts5ExtensionApi *api, Fts5Context *context, int phrase, double *weight)
{
    int count = 0;

    const int result = api->xQueryPhrase(context, phrase, &count, count_row);
    *weight = 1;
    for (int reached = count < 1 ? 1 : count; reached * 2 <= COUNTED_MAX; reached *= 2)
        ++*weight;
    return result;
}

/* Worked out for the first row of a query. One phrase needs none: only the order counts. */
static int weights(const Fts5ExtensionApi *api, Fts5Context *context, int phrases,
                   const double **out)
{
    double *kept = api->xGetAuxdata(context, 0);
    int result = SQLITE_OK;

    *out = kept;
    if (kept != NULL)
        return SQLITE_OK;
    *out = kept = calloc((size_t)phrases + 1, sizeof(*kept));
    if (kept == NULL)
        abort();
    kept[0] = 1;
    for (int i = 0; i < phrases && phrases > 1 && result == SQLITE_OK; i++)
        result = weigh(api, context, i, &kept[i]);
    if (result != SQLITE_OK) {
        free(kept);
        return result;
    }
    return api->xSetAuxdata(context, kept, free);
}

static int count_instances(const Fts5ExtensionApi *api, Fts5Context *context, int phrase)
{
    Fts5PhraseIter iterator;
    int column = -1;
    int offset;
    int count = 0;

    api->xPhraseFirst(context, phrase, &iterator, &column, &offset);
    for (; column >= 0; api->xPhraseNext(context, &iterator, &column, &offset))
        count++;
    return count;
}

static void score(const Fts5ExtensionApi *api, Fts5Context *context, sqlite3_context *result,
                  int count, sqlite3_value **values)
{
    const int phrases = api->xPhraseCount(context);
    const double *of_phrase;
    double most = 0;
    double sum = 0;
    int words = 0;

    (void)count;
    (void)values;
    int failure = weights(api, context, phrases, &of_phrase);
    if (failure == SQLITE_OK)
        failure = api->xColumnSize(context, -1, &words);
    if (failure != SQLITE_OK) {
        sqlite3_result_error_code(result, failure);
        return;
    }
    if (words < 0)
        words = 0; /* a corrupt index */
    const double norm = K1 * (1 - B + B * words / AVERAGE_WORDS);
    for (int i = 0; i < phrases; i++) {
        const double instances = count_instances(api, context, i);
        sum += of_phrase[i] * instances / (instances + norm);
        most += of_phrase[i];
    }
    const int64_t found = (int64_t)(STORE_SEARCH_SCORE_MAX * sum / most);
    sqlite3_result_int64(result, found < 1 ? 1 : found);
}

bool bm25_register(sqlite3 *db, struct error *err)
{
    fts5_api *api = search_tokens_api(db, err);

    if (api == NULL)
        return false;
    return api->xCreateFunction(api, "sessiond_score", NULL, score, NULL) == SQLITE_OK ||
           sqlite_error_set(db, "preparing to rank", err);
}
