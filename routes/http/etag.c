#include "routes/http/etag.h"

struct entity_tag {
    bool weak;
    struct slice opaque; /* between the quotes */
};

void etag_add_header(struct exchange *ex, int64_t version)
{
    struct buffer value = {0};

    buffer_add_char(&value, '"');
    buffer_add_int(&value, version);
    buffer_add_char(&value, '"');
    exchange_add_header(ex, "ETag", buffer_slice(&value));
    buffer_release(&value);
}

static void skip_chars(struct slice *text, const char *set)
{
    while (text->len > 0 && text->data[0] != '\0' && strchr(set, text->data[0]) != NULL) {
        text->data++;
        text->len--;
    }
}

/* Parses one entity tag and removes it from the front of *text. Its characters (etagc) are visible
 * bytes other than the quote (RFC 9110 §8.8.3). */
static bool parse_tag(struct slice *text, struct entity_tag *tag)
{
    size_t end;

    tag->weak = text->len >= 2 && text->data[0] == 'W' && text->data[1] == '/';
    if (tag->weak) {
        text->data += 2;
        text->len -= 2;
    }
    if (text->len == 0 || text->data[0] != '"')
        return false;
    for (end = 1; end < text->len && text->data[end] != '"'; end++) {
        const unsigned char c = (unsigned char)text->data[end];
        if (c < 0x21 || c == 0x7f)
            return false;
    }
    if (end == text->len)
        return false;
    tag->opaque = (struct slice){text->data + 1, end - 1};
    text->data += end + 1;
    text->len -= end + 1;
    return true;
}

/* The version in a tag; 0, which no session has, when the service cannot have sent the tag. */
static int64_t parse_version(struct slice opaque)
{
    int64_t version = 0;

    if (opaque.len == 0 || opaque.len > 18 || opaque.data[0] == '0')
        return 0;
    for (size_t i = 0; i < opaque.len; i++) {
        if (opaque.data[i] < '0' || opaque.data[i] > '9')
            return 0;
        version = version * 10 + (opaque.data[i] - '0');
    }
    return version;
}

/* Parses the next tag of a comma-separated list, which may have empty elements (RFC 9110
 * §5.6.1.2). *more is false at the end of the list. */
static bool parse_next_tag(struct slice *list, bool first, struct entity_tag *tag, bool *more)
{
    skip_chars(list, " \t");
    if (!first && list->len > 0 && list->data[0] != ',')
        return false;
    skip_chars(list, " \t,");
    *more = list->len > 0;
    return !*more || parse_tag(list, tag);
}

static bool is_wildcard(struct slice header)
{
    skip_chars(&header, " \t");
    while (header.len > 0 && strchr(" \t", header.data[header.len - 1]) != NULL)
        header.len--;
    return slice_is(header, "*");
}

static bool reject_condition(const char *name, struct error *err)
{
    return error_set(err, ERROR_INVALID_HEADER, name,
                     "%s must be * or a list of entity tags in quotes, such as \"7\"", name);
}

static bool parse_condition(struct slice header, const char *name, bool weak_matches,
                            struct store_match *out, struct error *err)
{
    struct store_match match = {.present = header.data != NULL};
    struct entity_tag tag;
    bool more = true;
    size_t tags = 0;

    match.any = match.present && is_wildcard(header);
    while (match.present && !match.any) {
        if (!parse_next_tag(&header, tags == 0, &tag, &more))
            return reject_condition(name, err);
        if (!more)
            break;
        tags++;
        const int64_t version = tag.weak && !weak_matches ? 0 : parse_version(tag.opaque);
        if (version == 0)
            continue;
        if (match.count == STORE_MATCH_MAX)
            return error_set(err, ERROR_INVALID_HEADER, name,
                             "%s has more than %d versions, which is the limit", name,
                             STORE_MATCH_MAX);
        match.versions[match.count++] = version;
    }
    if (match.present && !match.any && tags == 0)
        return reject_condition(name, err);
    *out = match;
    return true;
}

bool etag_parse_if_match(struct slice header, struct store_match *out, struct error *err)
{
    return parse_condition(header, "If-Match", false, out, err);
}

bool etag_parse_if_none_match(struct slice header, struct store_match *out, struct error *err)
{
    return parse_condition(header, "If-None-Match", true, out, err);
}

bool etag_read_conditions(struct exchange *ex, struct error *err)
{
    return etag_parse_if_match(ex->headers[REQUEST_IF_MATCH], &ex->job.match, err) &&
           etag_parse_if_none_match(ex->headers[REQUEST_IF_NONE_MATCH], &ex->job.none_match, err);
}
