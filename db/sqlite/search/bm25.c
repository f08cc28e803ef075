#include "db/sqlite/search/bm25.h"

#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/search/tokenizer.h"
#include "db/store/search.h"

#include <stdlib.h>

#define K1 1.2
#define B 0.75
#define AVERAGE_WORDS 256.0

/* Limit of the counted texts: a word in more texts is not weighted lower. */
#define COUNTED_MAX 10000

static int count_row(const Fts5ExtensionApi *api, Fts5Context *context, void *arg)
{
    int *count = arg;

    (void)api;
    (void)context;
    return ++*count < COUNTED_MAX ? SQLITE_OK : SQLITE_DONE;
}

static int compute_weight(const Fts5ExtensionApi *api, Fts5Context *context, int phrase,
                          double *weight)
{
    int count = 0;

    const int result = api->xQueryPhrase(context, phrase, &count, count_row);
    *weight = 1;
    for (int reached = count < 1 ? 1 : count; reached * 2 <= COUNTED_MAX; reached *= 2)
        ++*weight;
    return result;
}

/* Computes the weights for the first row of a query and stores them with the query. One phrase
 * needs no weight, since only the order of the scores matters. */
static int get_weights(const Fts5ExtensionApi *api, Fts5Context *context, int phrases,
                       const double **out)
{
    double *cached = api->xGetAuxdata(context, 0);
    int result = SQLITE_OK;

    *out = cached;
    if (cached != NULL)
        return SQLITE_OK;
    *out = cached = calloc((size_t)phrases + 1, sizeof(*cached));
    if (cached == NULL)
        abort();
    cached[0] = 1;
    for (int i = 0; i < phrases && phrases > 1 && result == SQLITE_OK; i++)
        result = compute_weight(api, context, i, &cached[i]);
    if (result != SQLITE_OK) {
        free(cached);
        return result;
    }
    return api->xSetAuxdata(context, cached, free);
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

static void score_row(const Fts5ExtensionApi *api, Fts5Context *context, sqlite3_context *result,
                      int count, sqlite3_value **values)
{
    const int phrases = api->xPhraseCount(context);
    const double *phrase_weights;
    double max_sum = 0;
    double sum = 0;
    int words = 0;

    (void)count;
    (void)values;
    int failure = get_weights(api, context, phrases, &phrase_weights);
    if (failure == SQLITE_OK)
        failure = api->xColumnSize(context, -1, &words);
    if (failure != SQLITE_OK) {
        sqlite3_result_error_code(result, failure);
        return;
    }
    if (words < 0)
        words = 0; /* the index is corrupt */
    const double norm = K1 * (1 - B + B * words / AVERAGE_WORDS);
    for (int i = 0; i < phrases; i++) {
        const double instances = count_instances(api, context, i);
        sum += phrase_weights[i] * instances / (instances + norm);
        max_sum += phrase_weights[i];
    }
    const int64_t found = (int64_t)(STORE_SEARCH_SCORE_MAX * sum / max_sum);
    sqlite3_result_int64(result, found < 1 ? 1 : found);
}

bool bm25_register(sqlite3 *db, struct error *err)
{
    fts5_api *api = search_tokens_api(db, err);

    if (api == NULL)
        return false;
    return api->xCreateFunction(api, "sessiond_score", NULL, score_row, NULL) == SQLITE_OK ||
           sqlite_error_set(db, "preparing the ranking", err);
}
