#include "db/sqlite/file/check_context.h"

#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/entry_key.h"

#include <stdlib.h>

#define FROM_STREAM_ENTRIES "FROM entries WHERE key > number << 32 AND key < (number + 1) << 32"

/* Each statement selects one sentence for every violation. */
static const char *const rules[] = {
    "SELECT printf('stream %d: the row is invalid', number) FROM streams"
    " WHERE number NOT BETWEEN 1 AND 2147483647 OR typeof(session_seq) <> 'integer'"
    " OR typeof(name) <> 'text' OR typeof(last_seq) <> 'integer'"
    " OR last_seq NOT BETWEEN 0 AND 4294967295 OR typeof(bytes) <> 'integer'"
    " OR bytes NOT BETWEEN 0 AND 9007199254740992 OR typeof(updated_us) <> 'integer'"
    " OR updated_us NOT BETWEEN 0 AND 253402300799999999 LIMIT 100",

    "SELECT printf('entry %d of stream %d: the time is invalid', key & 4294967295,"
    " key >> 32) FROM entries WHERE typeof(created_us) <> 'integer'"
    " OR created_us NOT BETWEEN 0 AND 253402300799999999 LIMIT 100",

    "SELECT printf('uuid %s of stream %d: the row is invalid', quote(uuid), number)"
    " FROM entry_uuids WHERE typeof(number) <> 'integer' OR typeof(uuid) <> 'text'"
    " OR length(CAST(uuid AS BLOB)) NOT BETWEEN 1 AND 128 OR typeof(seq) <> 'integer' LIMIT 100",

    "SELECT printf('log of session %d: the row is invalid', session_seq) FROM logs"
    " WHERE typeof(entry_count) <> 'integer' OR typeof(entry_bytes) <> 'integer'"
    " OR typeof(updated_us) <> 'integer' OR updated_us NOT BETWEEN 0 AND 253402300799999999"
    " OR (parent_id IS NOT NULL AND (typeof(parent_id) <> 'text' OR length(parent_id) <> 36))"
    " LIMIT 100",

    "SELECT printf('orphaned stream %d: the number is invalid', number)"
    " FROM discarded_streams WHERE number NOT BETWEEN 1 AND 2147483647 LIMIT 100",

    "SELECT printf('stream %d: the session does not exist', number) FROM streams"
    " WHERE session_seq NOT IN (SELECT seq FROM sessions)",

    /* The number of entries equals the last seq, so there are no gaps. */
    "SELECT printf('stream %d: it has %d entries (%d bytes) up to seq %d instead of %d (%d bytes)',"
    " number, found, found_bytes, found_last, last_seq, bytes) FROM"
    " (SELECT number, last_seq, bytes, (SELECT count(*) " FROM_STREAM_ENTRIES ") AS found,"
    " (SELECT coalesce(max(key) & 4294967295, 0) " FROM_STREAM_ENTRIES ") AS found_last,"
    " (SELECT coalesce(sum(length(CAST(entry AS BLOB))), 0) " FROM_STREAM_ENTRIES ") AS found_bytes"
    " FROM streams) WHERE found <> last_seq OR found_last <> last_seq OR found_bytes <> bytes",

    "SELECT printf('session %.36s: it has %d entries (%d bytes), but the stored totals are %d (%d "
    "bytes)',"
    " id, found, found_bytes, coalesce(entry_count, 0), coalesce(entry_bytes, 0)) FROM"
    " (SELECT id, entry_count, entry_bytes,"
    " (SELECT coalesce(sum(last_seq), 0) FROM streams AS s WHERE s.session_seq = seq) AS found,"
    " (SELECT coalesce(sum(bytes), 0) FROM streams AS s WHERE s.session_seq = seq) AS found_bytes"
    " FROM sessions" SESSION_LOG ") WHERE found <> coalesce(entry_count, 0)"
    " OR found_bytes <> coalesce(entry_bytes, 0)",

    "SELECT printf('log of session %d: the session does not exist', session_seq) FROM logs"
    " WHERE session_seq NOT IN (SELECT seq FROM sessions)",

    /* Garbage collection deletes the entries of an orphaned stream before its uuids. */
    "SELECT printf('uuid %.128s of stream %d: the entry %d does not exist', uuid, number, seq)"
    " FROM entry_uuids WHERE number NOT IN (SELECT number FROM discarded_streams)"
    " AND NOT EXISTS (SELECT 1 FROM entries WHERE key = (number << 32) + seq)",
};

/* Checks the entry of the statement's current row. */
static void check_entry(struct check *check, sqlite3_stmt *stmt)
{
    const int64_t key = sqlite3_column_int64(stmt, 0);
    const long long seq = (long long)entry_key_seq(key);
    const long long number = (long long)(key >> 32);
    char *replacement = NULL;

    if (sqlite3_column_int(stmt, 1) == 0)
        check_report_problem(check, "entry %lld of stream %lld: the stream does not exist", seq,
                             number);
    if (sqlite3_column_type(stmt, 2) != SQLITE_TEXT) {
        check_report_problem(check, "entry %lld of stream %lld: it is not text", seq, number);
        return;
    }
    const struct slice text = column_text(stmt, 2);
    replacement = check->fix_context(text);
    if (replacement != NULL)
        check_report_problem(check, "entry %lld of stream %lld: it is not a JSON object (RFC 8259)",
                             seq, number);
    else if (memchr(text.data, '\n', text.len) != NULL)
        check_report_problem(check, "entry %lld of stream %lld: it has more than one line", seq,
                             number);
    free(replacement);
}

static void check_each_entry(struct check *check, struct error *err)
{
    sqlite3_stmt *stmt;
    int result;

    if (!connection_prepare(check->db,
                            "SELECT key, EXISTS (SELECT 1 FROM streams WHERE number = key >> 32)"
                            " OR EXISTS (SELECT 1 FROM discarded_streams WHERE number = key >> 32),"
                            " entry FROM entries ORDER BY key",
                            &stmt, err)) {
        check_set_failure(check, err);
        return;
    }
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW)
        check_entry(check, stmt);
    if (result != SQLITE_DONE)
        check_set_failure(check, err);
    sqlite3_finalize(stmt);
}

void check_entries(struct check *check, struct error *err)
{
    if (check->observer->doing != NULL)
        check->observer->doing(check->observer->arg, "checking the entries");
    check_each_entry(check, err);
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (check->verdict != FILE_UNKNOWN && !check_rule(check, rules[i], err))
            return;
    }
}
