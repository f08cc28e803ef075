#include "service/transcripts.h"

#include "db/id.h"
#include "routes/buffer.h"
#include "routes/json_compact.h"
#include "routes/json_skip.h"
#include "routes/json_text.h"
#include "service/command_answer.h"
#include "service/transcript_line.h"
#include "service/transcript_uuids.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_LINES 200
#define BATCH_BYTES (256 << 10)
#define AGENT "agent-"
#define SUFFIX ".jsonl"

struct transcripts {
    const struct config *config;
    bool agents; /* the second time round: what belongs to a session that is there by then */
    int64_t files;
    int64_t appended;
    int64_t present;
    int64_t passed_over; /* lines that are none, files that cannot be taken */
};

/* One file, while it is read. */
struct transcript {
    struct transcripts *all;
    const char *path;
    char id[ID_SIZE];
    struct buffer project;
    struct buffer target; /* /sessions/{id}/entries?stream=… */
    struct transcript_uuids uuids;
    int64_t line;
    int64_t ordinal;  /* of the line among those that become entries */
    int64_t last_seq; /* what the stream has already */
    struct buffer last;
    struct buffer batch;
    int64_t lines; /* in the batch */
    struct error *err;
};

/* --- Talking to the service ------------------------------------------------------------------- */

static bool call(struct transcript *t, const struct http_request *request, int *status,
                 struct buffer *out)
{
    struct http_answer answer;
    char part[4096];
    ssize_t count;

    if (!http_client_send(t->all->config, request, 0, &answer, t->err))
        return false;
    *status = answer.status;
    bool ok = answer.status < 300 || answer.status == 409;
    if (!ok)
        ok = command_answer_refuse(t->all->config, &answer, t->err);
    while (ok && (count = http_client_read(&answer, part, sizeof(part), t->err)) != 0) {
        ok = count > 0;
        if (ok)
            buffer_add(out, (struct slice){part, (size_t)count});
    }
    http_client_close(&answer);
    return ok;
}

/* The file, or one of its lines, is not taken. */
static void pass_over(struct transcript *t, const char *why)
{
    t->all->passed_over++;
    if (t->line > 0)
        fprintf(stderr, "sessiond import: %s: line %lld is passed over: %s\n", t->path,
                (long long)t->line, why);
    else
        fprintf(stderr, "sessiond import: %s is passed over: %s\n", t->path, why);
}

/* *taken: the session is there. One of another project or thread is left alone, except that an
 * agent may have worked elsewhere. */
static bool put_session(struct transcript *t, bool *taken)
{
    struct buffer body = {0};
    struct buffer answer = {0};
    char path[64];
    int status;

    snprintf(path, sizeof(path), "/sessions/%s", t->id);
    buffer_add_text(&body, "{\"project_path\":");
    json_add_string(&body, buffer_slice(&t->project));
    buffer_add_text(&body, ",\"thread_id\":");
    json_add_string(&body, slice_from(t->all->config->thread));
    buffer_add_char(&body, '}');
    const struct http_request request = {"PUT", path, "application/json", buffer_slice(&body)};
    const bool ok = call(t, &request, &status, &answer);
    *taken = ok && (status != 409 || t->all->agents);
    if (ok && !*taken)
        pass_over(t, "its session is there with another project_path or thread_id");
    buffer_release(&body);
    buffer_release(&answer);
    return ok;
}

/* How far the stream has come, and its last entry. */
static bool find_end(struct transcript *t)
{
    struct buffer answer = {0};
    struct buffer path = {0};
    int status;

    buffer_add(&path, buffer_slice(&t->target));
    buffer_add_text(&path, "&order=desc&limit=1");
    buffer_add_char(&path, '\0');
    const struct http_request request = {.method = "GET", .path = path.data};
    const bool ok = call(t, &request, &status, &answer);
    static const char entry[] = "\"entry\":";
    buffer_add_char(&answer, '\0');
    const char *found = ok ? strstr(answer.data, entry) : NULL;
    if (found != NULL) {
        const char *at = found + sizeof(entry) - 1;
        const char *end = json_skip_value(at, answer.data + answer.len);
        buffer_add(&t->last, (struct slice){at, (size_t)(end - at)});
        t->last_seq = command_answer_number((struct slice){answer.data, strcspn(answer.data, "\n")},
                                            "last_seq");
    }
    buffer_release(&path);
    buffer_release(&answer);
    return ok;
}

static bool send_batch(struct transcript *t)
{
    struct buffer answer = {0};
    int status;

    if (t->lines == 0)
        return true;
    const struct http_request request = {"POST", t->target.data, "application/x-ndjson",
                                         buffer_slice(&t->batch)};
    const bool ok = call(t, &request, &status, &answer);
    if (ok && status == 409)
        pass_over(t, "its session has other entries under the same uuids");
    else if (ok)
        t->all->appended += t->lines;
    t->batch.len = 0;
    t->lines = 0;
    buffer_release(&answer);
    return ok;
}

/* --- A file ----------------------------------------------------------------------------------- */

/* Hands each line that is an object to `take_line`, without insignificant white space, until that
 * fails. */
static bool each_line(struct transcript *t, bool tell,
                      bool (*take_line)(struct transcript *, struct slice))
{
    FILE *file = fopen(t->path, "re");
    char *line = NULL;
    struct error why;
    size_t room = 0;
    ssize_t len;
    bool ok = true;

    if (file == NULL)
        return error_set(t->err, ERROR_INTERNAL, NULL, "cannot open %.80s: %s", t->path,
                         strerror(errno));
    for (t->line = 1; ok && (len = getline(&line, &room, file)) >= 0; t->line++) {
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            len--;
        if (json_skip_space(line, line + len) == line + len)
            continue;
        if (transcript_line_check((struct slice){line, (size_t)len}, &why))
            ok = take_line(
                t, (struct slice){line, (size_t)(json_compact(line, line, line + len) - line)});
        else if (tell)
            pass_over(t, why.detail);
    }
    t->line = 0;
    free(line);
    fclose(file);
    return ok;
}

/* The first sessionId that is a UUID, and the first cwd. Never fails. */
static bool look_at(struct transcript *t, struct slice object)
{
    struct buffer text = {0};

    if (t->id[0] == '\0' && transcript_line_text(object, "sessionId", &text) &&
        !id_parse(buffer_slice(&text), t->id))
        t->id[0] = '\0';
    if (t->project.len == 0 && transcript_line_text(object, "cwd", &text))
        buffer_add(&t->project, buffer_slice(&text));
    buffer_release(&text);
    return true;
}

/* What is said twice is one entry. An append refuses all that is sent with a line of the others. */
static bool is_entry(struct transcript *t, struct slice line)
{
    enum transcript_uuid known = TRANSCRIPT_UUID_NEW;
    struct buffer uuid = {0};
    struct error why;

    const bool fit = transcript_line_uuid(line, &uuid, &why);
    if (!fit)
        pass_over(t, why.detail);
    if (fit && uuid.len > 0)
        known = transcript_uuids_add(&t->uuids, buffer_slice(&uuid), line);
    if (known == TRANSCRIPT_UUID_TAKEN)
        pass_over(t, "an earlier line has its uuid and other content");
    buffer_release(&uuid);
    return fit && known == TRANSCRIPT_UUID_NEW;
}

static bool take(struct transcript *t, struct slice sent)
{
    if (!is_entry(t, sent))
        return true;
    t->ordinal++;
    if (t->ordinal == t->last_seq && !slice_equal(sent, buffer_slice(&t->last))) {
        pass_over(t, "its session has another entry in its place; so is all behind it");
        t->last_seq = INT64_MAX;
    }
    if (t->ordinal <= t->last_seq) {
        t->all->present += t->last_seq != INT64_MAX;
        return true;
    }
    if (t->batch.len + sent.len > BATCH_BYTES && !send_batch(t))
        return false;
    buffer_add(&t->batch, sent);
    buffer_add_char(&t->batch, '\n');
    return ++t->lines < BATCH_LINES || send_batch(t);
}

/* The name of the file without its suffix. */
static struct slice stem(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    const size_t len = strlen(name);
    const bool has_suffix =
        len > sizeof(SUFFIX) - 1 && strcmp(name + len - (sizeof(SUFFIX) - 1), SUFFIX) == 0;

    return (struct slice){name, has_suffix ? len - (sizeof(SUFFIX) - 1) : len};
}

static bool is_agent(const char *path)
{
    const struct slice name = stem(path);

    return name.len > sizeof(AGENT) - 1 && memcmp(name.data, AGENT, sizeof(AGENT) - 1) == 0;
}

/* Bytes that a query takes as they are stay; the others are encoded (RFC 3986 §2.1). */
static void name_target(struct transcript *t)
{
    const struct slice name = stem(t->path);

    buffer_printf(&t->target, "/sessions/%s/entries?stream=%s", t->id,
                  t->all->agents ? "subagents/" : "main");
    for (size_t i = 0; t->all->agents && i < name.len; i++) {
        const unsigned char c = (unsigned char)name.data[i];
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-')
            buffer_add_char(&t->target, name.data[i]);
        else
            buffer_printf(&t->target, "%%%02X", c);
    }
    buffer_add_char(&t->target, '\0');
    t->target.len--;
}

static bool import_file(struct transcript *t)
{
    bool taken;

    if (!each_line(t, false, look_at))
        return false;
    if (t->all->config->project != NULL) {
        t->project.len = 0;
        buffer_add_text(&t->project, t->all->config->project);
    }
    if (t->id[0] == '\0' && !id_parse(stem(t->path), t->id)) {
        pass_over(t, "neither a sessionId in it nor its name is a UUID");
        return true;
    }
    if (t->project.len == 0) {
        pass_over(t, "no line has a cwd: say --project");
        return true;
    }
    name_target(t);
    if (!put_session(t, &taken))
        return false;
    if (!taken)
        return true;
    t->all->files++;
    return find_end(t) && each_line(t, true, take) && send_batch(t);
}

static bool import_path(struct transcripts *all, const char *path, struct error *err)
{
    struct transcript t = {.all = all, .path = path, .err = err};
    const bool ok = import_file(&t);

    buffer_release(&t.project);
    buffer_release(&t.target);
    buffer_release(&t.last);
    buffer_release(&t.batch);
    transcript_uuids_release(&t.uuids);
    return ok;
}

/* --- All of them ------------------------------------------------------------------------------ */

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_wanted(const struct transcripts *all, const FTSENT *entry)
{
    const size_t len = entry->fts_namelen;

    if (entry->fts_info != FTS_F || is_agent(entry->fts_path) != all->agents)
        return false;
    return entry->fts_level == 0 ||
           (len > sizeof(SUFFIX) - 1 && strcmp(entry->fts_name + len - 6, SUFFIX) == 0);
}

static bool walk(struct transcripts *all, struct error *err)
{
    char *root = strdup(all->config->file);
    char *roots[] = {root, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, by_name);
    bool ok = root != NULL && tree != NULL;
    const FTSENT *entry;

    if (!ok)
        error_set(err, ERROR_INTERNAL, NULL, "cannot look into %.100s: %s", all->config->file,
                  strerror(errno));
    while (ok && (entry = fts_read(tree)) != NULL) {
        if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR || entry->fts_info == FTS_NS)
            ok = error_set(err, ERROR_INTERNAL, NULL, "cannot read %.100s: %s", entry->fts_path,
                           strerror(entry->fts_errno));
        else if (is_wanted(all, entry))
            ok = import_path(all, entry->fts_path, err);
    }
    if (tree != NULL)
        fts_close(tree);
    free(root);
    return ok;
}

enum command_exit transcripts_import(const struct config *config)
{
    struct transcripts all = {.config = config};
    struct error err;

    if (config->file == NULL || config->thread == NULL) {
        fprintf(stderr, "sessiond import: --claude needs a FILE or a folder, and --thread\n");
        return COMMAND_USAGE;
    }
    bool ok = walk(&all, &err);
    all.agents = true;
    ok = ok && walk(&all, &err);
    if (!ok)
        fprintf(stderr, "sessiond import: %s\n", err.detail);
    printf("transcripts: %lld; entries: %lld new, %lld there already; passed over: %lld\n",
           (long long)all.files, (long long)all.appended, (long long)all.present,
           (long long)all.passed_over);
    if (!ok)
        return COMMAND_IMPOSSIBLE;
    return all.passed_over > 0 ? COMMAND_UNSOUND : COMMAND_DONE;
}
