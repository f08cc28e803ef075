#include "service/app/config.h"

#include "service/app/config_option.h"
#include "service/app/config_units.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Fits into the header section of a request under every --max-header-size that is allowed. */
#define TOKEN_CHARACTERS_MAX 512

/* 100 years of 365.25 days */
#define DURATION_MAX_S INT64_C(3155760000)

#define OFFSET(member) offsetof(struct config, member)

static const struct option options[] = {
    {"listen", "SESSIOND_LISTEN", OPTION_TEXT, OFFSET(listen), "127.0.0.1:8082", 0, 0,
     "HOST:PORT or unix:PATH to listen on; port 0 selects a free port"},
    {"socket-mode", "SESSIOND_SOCKET_MODE", OPTION_MODE, OFFSET(socket_mode), "0600", 0, 0777,
     "permissions of the socket file of unix:PATH, in octal"},
    {"tls-cert", "SESSIOND_TLS_CERT", OPTION_TEXT, OFFSET(tls_cert), NULL, 0, 0,
     "PEM file with the certificate, then its chain; with --tls-key, the service accepts only "
     "HTTPS"},
    {"tls-key", "SESSIOND_TLS_KEY", OPTION_TEXT, OFFSET(tls_key), NULL, 0, 0,
     "PEM file with the private key of --tls-cert"},
    {"db", "SESSIOND_DB", OPTION_TEXT, OFFSET(db), "~/.claude-signal/sessions.db", 0, 0,
     "database file; a missing folder is created"},
    {"token-file", "SESSIOND_TOKEN_FILE", OPTION_TEXT, OFFSET(token_file), NULL, 0, 0,
     "file of tokens, one name:scope:sha256hex per line (scope: read, write or admin); SIGHUP "
     "reloads it"},
    {"allow-anonymous", "SESSIOND_ALLOW_ANONYMOUS", OPTION_SWITCH, OFFSET(allow_anonymous), "off",
     0, 0, "on: without tokens, listen on any address, where everyone may read and write; off"},
    {"threads", "SESSIOND_THREADS", OPTION_NUMBER, OFFSET(threads), "number of processors", 1, 64,
     "number of HTTP threads"},
    {"max-connections", "SESSIOND_MAX_CONNECTIONS", OPTION_NUMBER, OFFSET(max_connections), "8192",
     1, 20000, "concurrent connections; further ones wait"},
    {"reserved-connections", "SESSIOND_RESERVED_CONNECTIONS", OPTION_NUMBER,
     OFFSET(reserved_connections), "64", 0, 20000,
     "connections of --max-connections reserved for health checks; at most one eighth of them"},
    {"max-connections-per-address", "SESSIOND_MAX_CONNECTIONS_PER_ADDRESS", OPTION_NUMBER,
     OFFSET(max_connections_per_address), "1024", 1, 20000,
     "connections from one address (IPv6: one /64 network) that do not use a token"},
    {"max-connections-per-token", "SESSIOND_MAX_CONNECTIONS_PER_TOKEN", OPTION_NUMBER,
     OFFSET(max_connections_per_token), "1024", 1, 20000,
     "connections that use one token, from all addresses; above the limit: 429"},
    {"max-streams-per-client", "SESSIOND_MAX_STREAMS_PER_CLIENT", OPTION_NUMBER,
     OFFSET(max_streams_per_client), "512", 1, 20000,
     "event streams and long polls of one token, or of one address without a token; above the "
     "limit: 429"},
    {"max-keepalive-connections", "SESSIOND_MAX_KEEPALIVE_CONNECTIONS", OPTION_NUMBER,
     OFFSET(max_keepalive_connections), "1024", 0, 20000,
     "connections that stay open after a response; further ones close after it"},
    {"max-requests-per-connection", "SESSIOND_MAX_REQUESTS_PER_CONNECTION", OPTION_NUMBER,
     OFFSET(max_requests_per_connection), "0", 0, 1000000000,
     "requests after which a connection closes; 0: unlimited"},
    {"max-header-size", "SESSIOND_MAX_HEADER_SIZE", OPTION_SIZE, OFFSET(max_header_bytes), "16384",
     1024, 65536, "request line and header fields of a request; a request has at most 128 fields"},
    {"max-target-size", "SESSIOND_MAX_TARGET_SIZE", OPTION_SIZE, OFFSET(max_target_bytes), "14336",
     256, 32768, "path and query of a request"},
    {"max-query-parameters", "SESSIOND_MAX_QUERY_PARAMETERS", OPTION_NUMBER,
     OFFSET(max_query_parameters), "64", 1, 10000, "parameters of a query"},
    {"max-body-size", "SESSIOND_MAX_BODY_SIZE", OPTION_SIZE, OFFSET(max_body_bytes), "16777216",
     1024, 256 << 20, "largest request body, and largest context that a merge produces"},
    {"body-memory-limit", "SESSIOND_BODY_MEMORY_LIMIT", OPTION_SIZE, OFFSET(max_bodies_bytes),
     "268435456", 1024, INT64_C(1) << 40,
     "memory for request bodies and large responses in progress; above the limit: 503"},
    {"body-memory-limit-per-client", "SESSIOND_BODY_MEMORY_LIMIT_PER_CLIENT", OPTION_SIZE,
     OFFSET(max_bodies_bytes_per_client), "134217728", 1024, INT64_C(1) << 40,
     "memory of --body-memory-limit that one token, or one address without a token, may use; above "
     "it: 429"},
    {"max-json-depth", "SESSIOND_MAX_JSON_DEPTH", OPTION_NUMBER, OFFSET(max_json_depth), "512", 2,
     10000, "nesting depth of arrays and objects in a body"},
    {"max-page-size", "SESSIOND_MAX_PAGE_SIZE", OPTION_SIZE, OFFSET(max_page_bytes), "4194304",
     1024, 256 << 20, "largest page of a response; a page has at least one session or entry"},
    {"max-batch-entries", "SESSIOND_MAX_BATCH_ENTRIES", OPTION_NUMBER, OFFSET(max_batch_entries),
     "1000", 1, 10000, "entries in one append"},
    {"max-queue", "SESSIOND_MAX_QUEUE", OPTION_NUMBER, OFFSET(max_queue), "4096", 1, 1000000,
     "queued writes; above the limit: 503"},
    {"max-queue-per-client", "SESSIOND_MAX_QUEUE_PER_CLIENT", OPTION_NUMBER,
     OFFSET(max_queue_per_client), "1024", 1, 1000000,
     "queued requests of one token, or of one address without a token; above the limit: 429"},
    {"max-forks", "SESSIOND_MAX_FORKS", OPTION_NUMBER, OFFSET(max_forks), "16", 1, 1000000,
     "concurrent forks of long logs; above the limit: 503"},
    {"max-forks-per-client", "SESSIOND_MAX_FORKS_PER_CLIENT", OPTION_NUMBER,
     OFFSET(max_client_forks), "4", 1, 1000000,
     "concurrent forks of long logs by one token, or by one address without a token"},
    {"idempotency-ttl", "SESSIOND_IDEMPOTENCY_TTL", OPTION_SECONDS, OFFSET(idempotency_ttl_s),
     "24h", 1, 31536000, "how long the service stores the response of an Idempotency-Key"},
    {"event-retention", "SESSIOND_EVENT_RETENTION", OPTION_SECONDS, OFFSET(event_retention_s), "7d",
     1, 315360000, "how long an event is stored"},
    {"max-events", "SESSIOND_MAX_EVENTS", OPTION_NUMBER, OFFSET(max_events), "1000000", 1,
     1000000000, "stored events; above the limit the oldest are deleted"},
    {"max-consumers", "SESSIOND_MAX_CONSUMERS", OPTION_NUMBER, OFFSET(max_consumers), "1000", 1,
     1000000, "stored consumers; above the limit: 507"},
    {"max-streams-per-session", "SESSIOND_MAX_STREAMS_PER_SESSION", OPTION_NUMBER,
     OFFSET(max_streams), "10000", 1, 1000000, "streams in a session; above the limit: 507"},
    {"search", "SESSIOND_SEARCH", OPTION_SWITCH, OFFSET(search), "on", 0, 0,
     "on: entries and contexts are searchable; off: writes cost less"},
    {"checkpoint-pages", "SESSIOND_CHECKPOINT_PAGES", OPTION_NUMBER, OFFSET(checkpoint_pages),
     "40000", 10, 1000000,
     "size of the write-ahead log, in pages of 4 KiB, at which the writer checkpoints"},
    {"retain-terminated", "SESSIOND_RETAIN_TERMINATED", OPTION_SECONDS, OFFSET(retain_terminated_s),
     "off", 1, DURATION_MAX_S,
     "delete TERMINATED sessions whose last change is older than this: 30d, 12h, 90m, 45s; off: "
     "never"},
    {"retain-idle", "SESSIOND_RETAIN_IDLE", OPTION_SECONDS, OFFSET(retain_idle_s), "off", 1,
     DURATION_MAX_S,
     "delete PAUSED sessions whose last change is older than this: 30d, 12h, 90m, 45s; off: never"},
    {"max-db-size", "SESSIOND_MAX_DB_SIZE", OPTION_SIZE, OFFSET(max_db_bytes), "0", 0,
     INT64_C(1) << 50,
     "size limit of the stored data; above it, writes that add data get 507; 0: unlimited"},
    {"rate-limit", "SESSIOND_RATE_LIMIT", OPTION_NUMBER, OFFSET(rate_per_second), "0", 0, 1000000,
     "requests per second of one token, or of one address without a token; above it: 429; 0: "
     "unlimited"},
    {"request-timeout", "SESSIOND_REQUEST_TIMEOUT", OPTION_MILLISECONDS, OFFSET(request_timeout_ms),
     "30s", 100, 3600000, "time for a request to arrive completely, from its first byte"},
    {"response-timeout", "SESSIOND_RESPONSE_TIMEOUT", OPTION_MILLISECONDS,
     OFFSET(response_timeout_ms), "60s", 100, 3600000,
     "time for a client to read a response; a backup may take longer"},
    {"idle-timeout", "SESSIOND_IDLE_TIMEOUT", OPTION_MILLISECONDS, OFFSET(idle_timeout_ms), "60s",
     1000, 3600000, "time without traffic after which a connection is closed"},
    {"shutdown-timeout", "SESSIOND_SHUTDOWN_TIMEOUT", OPTION_MILLISECONDS,
     OFFSET(shutdown_timeout_ms), "8s", 0, 600000,
     "time for requests in progress to complete during a shutdown"},
    {"command-timeout", "SESSIOND_COMMAND_TIMEOUT", OPTION_SECONDS, OFFSET(command_timeout_s),
     "10m", 1, 86400,
     "backup, export, import and purge fail when they receive less than 1 KiB in this time; off: "
     "never"},
    {"log-level", "SESSIOND_LOG_LEVEL", OPTION_TEXT, OFFSET(log_level), "info", 0, 0,
     "lowest level that is logged: debug, info, warning or error"},
    {"sandbox", "SESSIOND_SANDBOX", OPTION_SWITCH, OFFSET(sandbox), "on", 0, 0,
     "on: drop privileges that the service does not need (SECURITY.md); off: allow debuggers"},
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

struct alias {
    const char *old_flag;
    const char *old_variable;
    const char *flag;
    bool is_number; /* its values are numbers without a unit */
};

/* Deprecated names. Version 0.3 removes them. */
static const struct alias aliases[] = {
    {"idempotency-ttl-s", "SESSIOND_IDEMPOTENCY_TTL_S", "idempotency-ttl", true},
    {"keep-events-s", "SESSIOND_KEEP_EVENTS_S", "event-retention", true},
    {"request-timeout-ms", "SESSIOND_REQUEST_TIMEOUT_MS", "request-timeout", true},
    {"response-timeout-ms", "SESSIOND_RESPONSE_TIMEOUT_MS", "response-timeout", true},
    {"idle-timeout-ms", "SESSIOND_IDLE_TIMEOUT_MS", "idle-timeout", true},
    {"stop-timeout-ms", "SESSIOND_STOP_TIMEOUT_MS", "shutdown-timeout", true},
    {"max-body-bytes", "SESSIOND_MAX_BODY_BYTES", "max-body-size", false},
    {"max-bodies-bytes-per-client", "SESSIOND_MAX_BODIES_BYTES_PER_CLIENT",
     "body-memory-limit-per-client", false},
    {"max-bodies-bytes", "SESSIOND_MAX_BODIES_BYTES", "body-memory-limit", false},
    {"max-header-bytes", "SESSIOND_MAX_HEADER_BYTES", "max-header-size", false},
    {"max-target-bytes", "SESSIOND_MAX_TARGET_BYTES", "max-target-size", false},
    {"max-page-bytes", "SESSIOND_MAX_PAGE_BYTES", "max-page-size", false},
    {"max-db-bytes", "SESSIOND_MAX_DB_BYTES", "max-db-size", false},
    {"max-kept-connections", "SESSIOND_MAX_KEPT_CONNECTIONS", "max-keepalive-connections", false},
    {"stop-timeout", "SESSIOND_STOP_TIMEOUT", "shutdown-timeout", false},
    {"confine", "SESSIOND_CONFINE", "sandbox", false},
    {"retain", "SESSIOND_RETAIN", "retain-terminated", false},
    {"keep-events", "SESSIOND_KEEP_EVENTS", "event-retention", false},
    {"rate-per-second", "SESSIOND_RATE_PER_SECOND", "rate-limit", false},
};

#define ALIAS_COUNT (sizeof(aliases) / sizeof(aliases[0]))

static void set_defaults(struct config *config)
{
    const char *home = getenv("HOME");
    struct error ignored;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (options[i].fallback == NULL ||
            !option_set(config, &options[i], options[i].flag, options[i].fallback, &ignored))
            continue; /* the default is computed at run time */
    }
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    config->threads = processors < 1 ? 1 : processors > 64 ? 64 : processors;
    config->db = NULL;
    if (home == NULL || home[0] == '\0')
        return;
    if (snprintf(config->default_db, sizeof(config->default_db), "%s/.claude-signal/sessions.db",
                 home) < (int)sizeof(config->default_db))
        config->db = config->default_db;
}

static bool read_token(struct config *config, struct error *err)
{
    config->token = getenv("SESSIOND_TOKEN");
    if (config->token == NULL)
        return true;
    if (config->token[0] == '\0')
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL, "SESSIOND_TOKEN must not be empty");
    return strlen(config->token) <= TOKEN_CHARACTERS_MAX ||
           error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                     "SESSIOND_TOKEN has %zu characters; the limit is %d", strlen(config->token),
                     TOKEN_CHARACTERS_MAX);
}

static bool is_known_variable(const char *name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(options[i].variable, name) == 0)
            return true;
    }
    for (size_t i = 0; i < ALIAS_COUNT; i++) {
        if (strcmp(aliases[i].old_variable, name) == 0)
            return true;
    }
    return strcmp(name, "SESSIOND_TOKEN") == 0 || option_is_foreign_variable(name);
}

/* Adds a warning that the service logs when it starts. Warnings beyond CONFIG_WARNINGS_MAX are only
 * counted. */
static void add_warning(struct config *config, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_warning(struct config *config, const char *format, ...)
{
    char text[CONFIG_WARNING_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (config->warning_count < CONFIG_WARNINGS_MAX)
        memcpy(config->warnings[config->warning_count], text, sizeof(text));
    config->warning_count++;
}

static void warn_unknown_variable(struct config *config, const char *name)
{
    const char *nearest = "SESSIOND_TOKEN";

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (config_distance(name, options[i].variable) < config_distance(name, nearest))
            nearest = options[i].variable;
    }
    add_warning(
        config,
        "the variable %.60s is not known and has no effect; the most similar known one is %s", name,
        nearest);
}

static void warn_unknown_variables(struct config *config)
{
    for (char **at = environ; *at != NULL; at++) {
        const char *equals = strchr(*at, '=');
        char name[64];
        if (strncmp(*at, "SESSIOND_", 9) != 0 || equals == NULL)
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)(equals - *at), *at);
        if (!is_known_variable(name))
            warn_unknown_variable(config, name);
    }
}

/* Stores a value that was given under a deprecated name, and adds a warning. */
static bool set_by_alias(struct config *config, const struct option *option,
                         const struct alias *alias, const char *source, const char *value,
                         struct error *err)
{
    const char *unit = !alias->is_number ? "" : option->kind == OPTION_SECONDS ? "s" : "ms";
    struct option given = *option;

    if (alias->is_number)
        given.kind = OPTION_NUMBER;
    if (!option_set(config, &given, source, value, err))
        return false;
    add_warning(config, "%s is deprecated: use --%s %s%s or %s", source, option->flag, value, unit,
                option->variable);
    return true;
}

static const struct option *find_option(const char *name, size_t len)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strlen(options[i].flag) == len && strncmp(options[i].flag, name, len) == 0)
            return &options[i];
    }
    return NULL;
}

static const struct alias *find_alias(const char *name, size_t len)
{
    for (size_t i = 0; i < ALIAS_COUNT; i++) {
        if (strlen(aliases[i].old_flag) == len && strncmp(aliases[i].old_flag, name, len) == 0)
            return &aliases[i];
    }
    return NULL;
}

static bool read_deprecated_variables(struct config *config, struct error *err)
{
    for (size_t i = 0; i < ALIAS_COUNT; i++) {
        const char *value = getenv(aliases[i].old_variable);
        const struct option *option = find_option(aliases[i].flag, strlen(aliases[i].flag));
        if (value != NULL && option != NULL &&
            !set_by_alias(config, option, &aliases[i], aliases[i].old_variable, value, err))
            return false;
    }
    return true;
}

static bool read_environment(struct config *config, struct error *err)
{
    warn_unknown_variables(config);
    if (!read_deprecated_variables(config, err))
        return false;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *value = getenv(options[i].variable);
        if (value != NULL && !option_set(config, &options[i], options[i].variable, value, err))
            return false;
    }
    return read_token(config, err);
}

/* `alias` is the deprecated name that the user gave; NULL: the current name. */
static bool set_by_name(struct config *config, const struct option *option,
                        const struct alias *alias, const char *source, const char *value,
                        struct error *err)
{
    return alias == NULL ? option_set(config, option, source, value, err)
                         : set_by_alias(config, option, alias, source, value, err);
}

/* Reads `--flag value` or `--flag=value` at argv[*i], or `--flag` alone for a switch. Sets *i to
 * the index of the last argument that it has read. */
static bool parse_flag(struct config *config, char **argv, int *i, struct error *err)
{
    const char *word = argv[*i];
    const char *equals = strchr(word, '=');
    char source[64];

    const size_t len = equals == NULL ? strlen(word) : (size_t)(equals - word);
    const bool is_flag = strncmp(word, "--", 2) == 0;
    const struct alias *alias = is_flag ? find_alias(word + 2, len - 2) : NULL;
    const struct option *option = alias != NULL ? find_option(alias->flag, strlen(alias->flag))
                                  : is_flag     ? find_option(word + 2, len - 2)
                                                : NULL;
    if (option == NULL)
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                         "unknown flag %.60s; --help lists all flags", word);
    snprintf(source, sizeof(source), "%.*s", (int)len, word);
    if (equals != NULL)
        return set_by_name(config, option, alias, source, equals + 1, err);
    const char *next = argv[*i + 1];
    if (option->kind == OPTION_SWITCH && (next == NULL || next[0] == '-'))
        return set_by_name(config, option, alias, source, "on", err);
    if (next == NULL)
        return error_set(err, ERROR_INVALID_PAYLOAD, option->flag, "%s needs a value", source);
    return set_by_name(config, option, alias, source, argv[++*i], err);
}

static bool parse_positional(struct config *config, const char *word, struct error *err)
{
    const char **target = config->file == NULL ? &config->file : &config->second;

    if (*target != NULL)
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                         "unexpected argument \"%.60s\"; --help shows the usage", word);
    if (word[0] == '\0')
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL, "FILE must not be empty");
    *target = word;
    return true;
}

static bool check_log_level(const struct config *config, struct error *err)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(config->log_level, levels[i]) == 0)
            return true;
    }
    return error_set(err, ERROR_INVALID_PAYLOAD, "log-level",
                     "--log-level takes debug, info, warning or error, not \"%.40s\"",
                     config->log_level);
}

/* Rejects at start a configuration under which the longest allowed body could never be admitted. */
static bool check_body_limits(const struct config *config, struct error *err)
{
    return config->max_bodies_bytes >= config->max_body_bytes ||
           error_set(err, ERROR_INVALID_PAYLOAD, "body-memory-limit",
                     "--body-memory-limit (%lld) must be at least --max-body-size (%lld)",
                     (long long)config->max_bodies_bytes, (long long)config->max_body_bytes);
}

bool config_read(struct config *config, int argc, char **argv, enum config_action *action,
                 struct error *err)
{
    *action = CONFIG_RUN;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            *action = CONFIG_HELP;
        else if (strcmp(argv[i], "--version") == 0)
            *action = CONFIG_VERSION;
        if (*action != CONFIG_RUN)
            return true;
    }
    set_defaults(config);
    if (!read_environment(config, err))
        return false;
    for (int i = 1; i < argc; i++) {
        const bool is_flag = argv[i][0] == '-' && argv[i][1] != '\0'; /* `-` alone means stdin */
        if (is_flag ? !parse_flag(config, argv, &i, err) : !parse_positional(config, argv[i], err))
            return false;
    }
    return check_log_level(config, err) && check_body_limits(config, err);
}

bool config_check_db(const struct config *config, struct error *err)
{
    return config->db != NULL || error_set(err, ERROR_INVALID_PAYLOAD, "db",
                                           "HOME is not set or too long, so there is no default "
                                           "database; set --db or SESSIOND_DB");
}

void config_help(FILE *out)
{
    fputs(
        "usage: sessiond [--flag value] …\n"
        "       sessiond COMMAND [FILE] [--flag value] …\n\n"
        "A durable session store for agent daemons: a REST API over HTTP, stored in SQLite.\n"
        "A flag overrides its environment variable. Durations have a unit: 30d, 12h, 90m, 45s or\n"
        "250ms. Sizes are bytes or have a unit: 64KiB, 16MiB, 2GiB.\n\n",
        out);
    for (size_t i = 0; i < OPTION_COUNT; i++)
        fprintf(out, "  --%s (%s)\n        %s\n        default: %s\n", options[i].flag,
                options[i].variable, options[i].help,
                options[i].fallback == NULL ? "none" : options[i].fallback);
    fputs("  SESSIOND_TOKEN\n"
          "        a token of scope admin, at most 512 characters; it has no flag, because flags "
          "are visible in ps\n"
          "        default: none\n",
          out);
    fputs("  --help\n        print this and exit\n"
          "  --version\n        print the version and exit\n\n"
          "SIGTERM and SIGINT stop the service after the requests in progress. SIGHUP reloads the\n"
          "token file and the certificate.\n"
          "Exit codes: 0 stopped, 1 cannot start or stop, 2 wrong usage, 74 the disk failed.\n",
          out);
}
