#include "service/http/head_validator.h"

#include "service/http/target.h"

#include <stdint.h>
#include <stdio.h>
#include <strings.h>

void request_head_add(struct request_head *head, struct slice name, struct slice value)
{
    if (head->field_count < HEAD_FIELDS_MAX)
        head->fields[head->field_count] = (struct head_field){name, value};
    head->field_count++;
}

/* The router answers OPTIONS, TRACE and QUERY, for which no path has a handler. */
static bool check_method(struct slice method, struct error *err)
{
    static const char *const known_methods[] = {"GET",    "HEAD",    "POST",  "PUT",  "PATCH",
                                                "DELETE", "OPTIONS", "TRACE", "QUERY"};

    for (size_t i = 0; i < sizeof(known_methods) / sizeof(known_methods[0]); i++) {
        if (slice_is(method, known_methods[i]))
            return true;
    }
    return error_set(
        err, ERROR_UNKNOWN_METHOD, NULL,
        "unknown method; the methods are GET, HEAD, POST, PUT, PATCH and DELETE, in upper case");
}

static bool check_version(struct slice version, struct error *err)
{
    return slice_is(version, "HTTP/1.1") || slice_is(version, "HTTP/1.0") ||
           error_set(err, ERROR_UNKNOWN_VERSION, NULL,
                     "unsupported HTTP version; use HTTP/1.1 or HTTP/1.0");
}

/* Programs disagree about an encoded slash or NUL when only some of them decode a path before they
 * compare it. */
static bool has_ambiguous_escape(struct slice path)
{
    for (size_t i = 0; i + 2 < path.len; i++) {
        const char *at = path.data + i;
        if (at[0] == '%' &&
            ((at[1] == '0' && at[2] == '0') || (at[1] == '2' && (at[2] == 'F' || at[2] == 'f'))))
            return true;
    }
    return false;
}

static bool check_target(struct slice target, struct error *err)
{
    const struct target_parts parts = target_split(target);
    const bool absolute = parts.authority.data != NULL;

    if (absolute && !authority_is_valid(parts.authority))
        return error_set(
            err, ERROR_MALFORMED_REQUEST, NULL,
            "a target with a scheme must have the form http://host:port/path, without a user");
    if (!absolute && (target.len == 0 || target.data[0] != '/'))
        return error_set(err, ERROR_MALFORMED_REQUEST, NULL,
                         "the target must be a path that begins with a slash");
    for (size_t i = 0; i < target.len; i++) {
        const unsigned char c = (unsigned char)target.data[i];
        if (c <= ' ' || c == 0x7f)
            return error_set(
                err, ERROR_MALFORMED_REQUEST, NULL,
                "the target must not contain spaces or control characters; write %%20, %%09 …");
    }
    const char *query = parts.rest.len == 0 ? NULL : memchr(parts.rest.data, '?', parts.rest.len);
    const size_t path_len = query == NULL ? parts.rest.len : (size_t)(query - parts.rest.data);
    if (has_ambiguous_escape((struct slice){parts.rest.data, path_len}))
        return error_set(err, ERROR_MALFORMED_REQUEST, NULL,
                         "the path must not contain %%2F or %%00");
    return true;
}

static const char *skip_white_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

static bool is_pair(const char *at, const char *end, char first, char second)
{
    return end - at >= 2 && at[0] == first && at[1] == second;
}

/* Returns the position after the CR LF at `at`, which white space may precede; NULL when there is
 * no CR LF. */
static const char *skip_line_end(const struct request_head *head, const char *at)
{
    const char *end = head->bytes.data + head->bytes.len;

    if (is_pair(at, end, '\0', head->keeps_lf ? '\n' : '\0'))
        return at + 2;
    if (!head->keeps_lf || at >= end || *at != '\0')
        return NULL;
    at = skip_white_space(at + 1, end);
    return is_pair(at, end, '\r', '\n') ? at + 2 : NULL;
}

static bool is_empty_line(const struct request_head *head, const char *at)
{
    const char *end = head->bytes.data + head->bytes.len;

    return end - at == 2 &&
           (head->keeps_lf ? is_pair(at, end, '\r', '\n') : is_pair(at, end, '\0', '\0'));
}

/* Whether only the expected delimiters separate the parts of the header section. */
static bool lines_are_whole(const struct request_head *head)
{
    const char *at = head->bytes.data;

    if (head->method.data != at || head->target_at != at + head->method.len + 1 ||
        head->version.data != head->target_at + head->target.len + 1)
        return false;
    at = skip_line_end(head, head->version.data + head->version.len);
    for (size_t i = 0; i < head->field_count && at != NULL; i++) {
        const struct head_field *field = &head->fields[i];
        if (field->name.data != at ||
            skip_white_space(at + field->name.len + 1, field->value.data) != field->value.data)
            return false;
        at = skip_line_end(head, field->value.data + field->value.len);
    }
    return at != NULL && is_empty_line(head, at);
}

static bool check_lines(const struct request_head *head, struct error *err)
{
    return lines_are_whole(head) ||
           error_set(err, ERROR_MALFORMED_REQUEST, NULL,
                     "malformed header section: each line must end with CR LF and have one field, "
                     "not folded, with one space on each side of the target and no NUL");
}

/* Names the field in the problem, truncated and with unprintable characters replaced. */
static bool reject_field(const struct head_field *field, const char *detail, struct error *err)
{
    char name[sizeof(err->field)];
    size_t len = 0;

    while (len < field->name.len && len < sizeof(name) - 1) {
        const char c = field->name.data[len];
        name[len++] = '?';
        if (c >= ' ' && c < 0x7f)
            name[len - 1] = c;
    }
    name[len] = '\0';
    return error_set(err, ERROR_INVALID_HEADER, name, "%s", detail);
}

/* token of RFC 9110 §5.6.2 */
static bool is_token(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.data[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool digit = c >= '0' && c <= '9';
        if (!letter && !digit && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return text.len > 0;
}

static bool has_control_character(struct slice text)
{
    bool found = false;

    /* Does not stop at the first match, so that the compiler can vectorize the loop. */
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        found |= (c < ' ' && c != '\t') || c == 0x7f;
    }
    return found;
}

static bool check_field(const struct head_field *field, struct error *err)
{
    if (!is_token(field->name))
        return reject_field(
            field,
            "the name of a header must have letters, digits and hyphens only, up to the colon",
            err);
    if (has_control_character(field->value))
        return reject_field(field, "the value of a header must not contain control characters",
                            err);
    return true;
}

static struct slice trim_right(struct slice text)
{
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static bool is_content_length(struct slice value)
{
    uint64_t number = 0;

    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
        const uint64_t digit = (uint64_t)(value.data[i] - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    return value.len > 0;
}

/* Fields that define the framing, the target or the credentials. Each may occur only once. */
enum single { HOST, CONTENT_LENGTH, CONTENT_TYPE, AUTHORIZATION, TRANSFER_ENCODING, SINGLE_COUNT };

static enum single find_single(struct slice name)
{
    static const struct slice names[SINGLE_COUNT] = {
        {"Host", 4},           {"Content-Length", 14},    {"Content-Type", 12},
        {"Authorization", 13}, {"Transfer-Encoding", 17},
    };

    for (unsigned i = 0; i < SINGLE_COUNT; i++) {
        if (name.len == names[i].len && strncasecmp(name.data, names[i].data, name.len) == 0)
            return (enum single)i;
    }
    return SINGLE_COUNT;
}

/* Compares as libmicrohttpd does: 0.9 keeps trailing white space in a value. */
static bool is_chunked(struct slice value)
{
    static const char name[] = "chunked";

    return value.len == sizeof(name) - 1 && strncasecmp(value.data, name, value.len) == 0;
}

/* Host is empty when the target URI has no authority, as for a Unix domain socket (RFC 9112
 * §3.2). */
static bool host_is_valid(struct slice value)
{
    return value.len == 0 || authority_is_valid(value);
}

static bool check_single(const struct head_field *field, enum single single, struct error *err)
{
    if (single == TRANSFER_ENCODING && !is_chunked(field->value))
        return error_set(err, ERROR_LENGTH_REQUIRED, NULL,
                         "unsupported Transfer-Encoding; use chunked alone, or send the body with "
                         "Content-Length");
    if (single == CONTENT_LENGTH && !is_content_length(field->value))
        return reject_field(field, "Content-Length must be a number of bytes in decimal digits",
                            err);
    return single != HOST || host_is_valid(trim_right(field->value)) ||
           reject_field(
               field,
               "Host must be the name or address of a host, with an optional :port, or empty", err);
}

static bool check_fields(const struct request_head *head, struct error *err)
{
    bool seen[SINGLE_COUNT + 1] = {false};

    for (size_t i = 0; i < head->field_count; i++) {
        const struct head_field *field = &head->fields[i];
        const enum single single = find_single(field->name);
        if (!check_field(field, err) || !check_single(field, single, err))
            return false;
        if (single != SINGLE_COUNT && seen[single])
            return reject_field(field, "the header must not be repeated", err);
        seen[single] = true;
    }
    const bool is_1_0 = slice_is(head->version, "HTTP/1.0");
    if (seen[TRANSFER_ENCODING] && (is_1_0 || seen[CONTENT_LENGTH]))
        return error_set(err, ERROR_LENGTH_REQUIRED, NULL,
                         "a body must have either Content-Length or, with HTTP/1.1, "
                         "Transfer-Encoding");
    return seen[HOST] || is_1_0 ||
           error_set(err, ERROR_INVALID_HEADER, "Host",
                     "the Host header is missing; HTTP/1.1 requires it");
}

bool head_validate(const struct request_head *head, struct error *err)
{
    return check_method(head->method, err) && check_version(head->version, err) &&
           check_target(head->target, err) && check_lines(head, err) && check_fields(head, err);
}
