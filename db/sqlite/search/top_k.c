#include "db/sqlite/search/top_k.h"

static bool is_before(struct store_search_cursor a, struct store_search_cursor b)
{
    return a.score != b.score ? a.score > b.score : a.document > b.document;
}

void top_k_init(struct top_k *ranking, size_t limit, struct store_search_cursor after)
{
    ranking->limit = limit;
    ranking->after = after;
    ranking->count = 0;
}

void top_k_add(struct top_k *ranking, struct store_search_cursor position)
{
    struct store_search_cursor *places = ranking->places;
    size_t at = ranking->count;

    if (ranking->after.score != 0 && !is_before(ranking->after, position))
        return;
    if (at > ranking->limit && is_before(places[at - 1], position))
        return;
    at = at > ranking->limit ? ranking->limit : at;
    while (at > 0 && is_before(position, places[at - 1])) {
        places[at] = places[at - 1];
        at--;
    }
    places[at] = position;
    ranking->count += ranking->count <= ranking->limit;
}
