#include "routes/http/method.h"

#include <strings.h>

static const char *const method_names[METHOD_COUNT + 1] = {
    [METHOD_GET] = "GET",     [METHOD_HEAD] = "HEAD",   [METHOD_POST] = "POST",
    [METHOD_PUT] = "PUT",     [METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE",
    [METHOD_OTHER] = "OTHER",
};

const char *method_name(enum method method)
{
    return method_names[method];
}

bool media_type_is(struct slice content_type, const char *type)
{
    const size_t len = strlen(type);

    if (content_type.data == NULL || content_type.len < len ||
        strncasecmp(content_type.data, type, len) != 0)
        return false;
    size_t at = len;
    while (at < content_type.len && (content_type.data[at] == ' ' || content_type.data[at] == '\t'))
        at++;
    return at == content_type.len || content_type.data[at] == ';';
}
