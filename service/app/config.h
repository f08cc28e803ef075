/* Configuration: a flag has precedence over its environment variable, and both over the default.
 * One table in config.c lists all options. Main thread. */
#ifndef SESSIOND_SERVICE_APP_CONFIG_H
#define SESSIOND_SERVICE_APP_CONFIG_H

#include "db/base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_WARNINGS_MAX 16
#define CONFIG_WARNING_SIZE 192

struct config {
    const char *listen; /* HOST:PORT or unix:PATH */
    int64_t socket_mode;
    const char *tls_cert; /* NULL: no TLS */
    const char *tls_key;
    /* path of the database file; NULL: not set, and there is no HOME to build the default from */
    const char *db;
    int64_t threads;
    int64_t max_connections;
    int64_t reserved_connections;
    int64_t max_connections_per_address;
    int64_t max_connections_per_token;
    int64_t max_streams_per_client;
    int64_t max_queue_per_client;
    int64_t max_bodies_bytes_per_client;
    int64_t max_keepalive_connections;
    int64_t max_requests_per_connection;
    int64_t max_header_bytes;
    int64_t max_target_bytes;
    int64_t max_query_parameters;
    int64_t max_body_bytes;
    int64_t max_bodies_bytes;
    int64_t max_json_depth;
    int64_t max_page_bytes;
    int64_t max_batch_entries;
    int64_t max_queue;
    int64_t max_consumers;
    int64_t max_streams;
    int64_t max_forks;
    int64_t max_client_forks;
    int64_t idempotency_ttl_s;
    int64_t event_retention_s;
    int64_t max_events;
    int64_t checkpoint_pages;
    int64_t retain_terminated_s; /* 0: off */
    int64_t retain_idle_s;       /* 0: off */
    int64_t max_db_bytes;        /* 0: no limit */
    int64_t rate_per_second;
    int64_t request_timeout_ms;
    int64_t response_timeout_ms;
    int64_t idle_timeout_ms;
    int64_t shutdown_timeout_ms;
    int64_t command_timeout_s; /* 0: off */
    const char *log_level;
    const char *token_file; /* NULL: none */
    char *token;            /* value of SESSIOND_TOKEN; NULL: not set */
    bool allow_anonymous;
    bool search;
    bool sandbox;
    const char *after; /* this and the following: flags of single commands; NULL: not given */
    const char *thread;
    const char *project;
    bool claude;
    bool dry_run;
    bool replace;       /* flag of the command restore */
    const char *file;   /* first positional argument; NULL: none */
    const char *second; /* second positional argument; NULL: none */
    char default_db[4096];
    size_t
        warning_count; /* number of all warnings; `remarks` stores the first CONFIG_WARNINGS_MAX */
    /* Warnings that the service logs when it starts. */
    char warnings[CONFIG_WARNINGS_MAX][CONFIG_WARNING_SIZE];
};

enum config_action { CONFIG_RUN, CONFIG_HELP, CONFIG_VERSION };

/* Reads the command line and the environment. The configuration borrows the strings of both for the
 * lifetime of the process. On failure the detail of `err` names the flag or variable and the values
 * that it accepts. */
MUST_USE bool config_read(struct config *config, int argc, char **argv, enum config_action *action,
                          struct error *err);

/* Fails when the database path is unknown: neither --db nor SESSIOND_DB is set, and HOME gives no
 * default. */
MUST_USE bool config_check_db(const struct config *config, struct error *err);

/* Prints each flag with its variable, its default and its effect. */
void config_help(FILE *out);

#endif
