/* GET /openapi.yaml and /openapi.json: the contract that is compiled into the service. */

#include "routes/core/route.h"

extern const unsigned char openapi_yaml[];
extern const size_t openapi_yaml_size;
extern const unsigned char openapi_json[];
extern const size_t openapi_json_size;

static enum route_step respond_with_text(struct exchange *ex, const char *type,
                                         const unsigned char *text, size_t size)
{
    ex->status = 200;
    ex->content_type = type;
    ex->fixed_response = (struct slice){(const char *)text, size};
    return ROUTE_RESPONDED;
}

static enum route_step yaml_begin(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    return respond_with_text(ex, "application/yaml", openapi_yaml, openapi_yaml_size);
}

static enum route_step json_begin(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    return respond_with_text(ex, "application/json", openapi_json, openapi_json_size);
}

const struct route route_openapi_yaml = {
    .method = METHOD_GET,
    .pattern = "/openapi.yaml",
    .scope = SCOPE_READ,
    .begin = yaml_begin,
};

const struct route route_openapi_json = {
    .method = METHOD_GET,
    .pattern = "/openapi.json",
    .scope = SCOPE_READ,
    .begin = json_begin,
};
