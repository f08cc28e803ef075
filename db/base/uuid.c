#include "db/base/uuid.h"

#include <uuid/uuid.h>

void id_make(char out[ID_SIZE])
{
    uuid_t id;

    uuid_generate_random(id);
    uuid_unparse_lower(id, out);
}

bool id_parse(struct slice text, char out[ID_SIZE])
{
    char copy[ID_SIZE];
    uuid_t id;

    if (text.len != ID_LENGTH)
        return false;
    memcpy(copy, text.data, ID_LENGTH);
    copy[ID_LENGTH] = '\0';
    if (strlen(copy) != ID_LENGTH || uuid_parse(copy, id) != 0)
        return false;
    uuid_unparse_lower(id, out);
    return true;
}
