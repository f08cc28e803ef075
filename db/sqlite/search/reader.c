#include "db/sqlite/search/reader.h"

void search_reader_release(struct search_reader *search)
{
    search_tokens_release(&search->tokens);
}
