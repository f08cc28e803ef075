#include "db/base/uuid.h"

#include <uuid/uuid.h>

void uuid_make(char out[UUID_SIZE])
{
    uuid_t id;

    uuid_generate_random(id);
    uuid_unparse_lower(id, out);
}

bool uuid_read(struct slice text, char out[UUID_SIZE])
{
    char copy[UUID_SIZE];
    uuid_t id;

    if (text.len != UUID_LENGTH)
        return false;
    memcpy(copy, text.data, UUID_LENGTH);
    copy[UUID_LENGTH] = '\0';
    if (strlen(copy) != UUID_LENGTH || uuid_parse(copy, id) != 0)
        return false;
    uuid_unparse_lower(id, out);
    return true;
}
