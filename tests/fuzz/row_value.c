#include "tests/fuzz/row_value.h"

#include "tests/fuzz/expect.h"

#include <stdlib.h>

#define REPEATED_BYTES_MAX 70000

static const int64_t numbers[] = {
    0,
    1,
    -1,
    2,
    INT64_MAX,
    INT64_MIN,
    INT64_MAX - 1,
    INT64_MIN + 1,
    INT32_MAX,
    INT64_C(1) << 31,
    (INT64_C(1) << 32) - 1,
    INT64_C(1) << 32,
    (INT64_C(1) << 53) + 1,
    INT64_C(253402300799999999), /* the last µs that a time has */
    INT64_C(253402300800000000),
    36,
};

#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

sqlite3_stmt *row_prepare(sqlite3 *db, const char *format, ...)
{
    sqlite3_stmt *stmt = NULL;
    va_list args;

    va_start(args, format);
    char *sql = sqlite3_vmprintf(format, args);
    va_end(args);
    expect(sql != NULL && sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK,
           sqlite3_errmsg(db), slice_from(sql));
    sqlite3_free(sql);
    return stmt;
}

const char *row_key(const struct row_column *column)
{
    return column->key == NULL ? "rowid" : column->key;
}

uint8_t row_take_byte(struct slice *rest)
{
    if (rest->len == 0)
        return 0;
    rest->len--;
    return (uint8_t)*rest->data++;
}

static struct slice take_bytes(struct slice *rest, size_t len)
{
    const struct slice bytes = {rest->data, len < rest->len ? len : rest->len};

    rest->data += bytes.len;
    rest->len -= bytes.len;
    return bytes;
}

static char *allocate(size_t len)
{
    char *bytes = malloc(len + 1);

    if (bytes == NULL)
        abort();
    return bytes;
}

static struct row_value make_bytes(int type, struct slice bytes)
{
    struct row_value value = {.type = type, .len = bytes.len};

    value.bytes = allocate(bytes.len);
    if (bytes.len > 0)
        memcpy(value.bytes, bytes.data, bytes.len);
    return value;
}

static struct row_value make_repeated(size_t times, struct slice bytes)
{
    struct row_value value = {.type = SQLITE_TEXT};

    value.bytes = allocate(REPEATED_BYTES_MAX);
    for (size_t i = 0; i < times && value.len + bytes.len <= REPEATED_BYTES_MAX; i++) {
        if (bytes.len > 0)
            memcpy(value.bytes + value.len, bytes.data, bytes.len);
        value.len += bytes.len;
    }
    return value;
}

static struct row_value make_stored(sqlite3 *db, const struct row_cell *cell)
{
    struct row_value value = {.type = SQLITE_NULL};
    sqlite3_stmt *stmt =
        row_prepare(db, "SELECT %s FROM %s ORDER BY %s LIMIT 1 OFFSET %lld", cell->column->name,
                    cell->column->table, row_key(cell->column), (long long)cell->row);

    if (sqlite3_step(stmt) == SQLITE_ROW) {
        value.type = sqlite3_column_type(stmt, 0);
        if (value.type == SQLITE_TEXT || value.type == SQLITE_BLOB) {
            const char *bytes = sqlite3_column_blob(stmt, 0);
            value = make_bytes(value.type,
                               (struct slice){bytes, (size_t)sqlite3_column_bytes(stmt, 0)});
        }
        value.integer = sqlite3_column_int64(stmt, 0);
        value.real = sqlite3_column_double(stmt, 0);
    }
    sqlite3_finalize(stmt);
    return value;
}

static struct row_value make_integer(int64_t integer)
{
    return (struct row_value){.type = SQLITE_INTEGER, .integer = integer};
}

static struct row_value take_integer(struct slice *rest)
{
    const struct slice bytes = take_bytes(rest, row_take_byte(rest) % 9);
    uint64_t integer = 0;

    for (size_t i = 0; i < bytes.len; i++)
        integer = integer << 8 | (uint8_t)bytes.data[i];
    return make_integer((int64_t)integer);
}

static struct row_value take_real(struct slice *rest)
{
    const struct slice bytes = take_bytes(rest, sizeof(double));
    struct row_value value = {.type = SQLITE_FLOAT};

    if (bytes.len == sizeof(double))
        memcpy(&value.real, bytes.data, sizeof(double));
    return value;
}

static struct row_value take_edited(struct slice *rest, struct row_value value)
{
    const size_t at = row_take_byte(rest);
    const char byte = (char)row_take_byte(rest);

    if (value.len > 0)
        value.bytes[at % value.len] = byte;
    return value;
}

static struct row_value take_cut(struct slice *rest, struct row_value value)
{
    const size_t at = row_take_byte(rest);

    value.len = at < value.len ? at : value.len;
    return value;
}

static struct row_value take_added(struct slice *rest, struct row_value value)
{
    const uint64_t by = (uint64_t)(int64_t)(int8_t)row_take_byte(rest);

    free(value.bytes);
    return make_integer((int64_t)((uint64_t)value.integer + by));
}

bool row_take_cell(sqlite3 *db, struct slice *rest, struct row_cell *out)
{
    const struct row_column *column = &row_columns[row_take_byte(rest) % row_column_count];
    const int64_t row = row_take_byte(rest);
    sqlite3_stmt *stmt = row_prepare(db, "SELECT count(*) FROM %s", column->table);
    const int64_t rows = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;

    sqlite3_finalize(stmt);
    if (rows == 0)
        return false;
    *out = (struct row_cell){column, row % rows};
    return true;
}

static struct row_value take_copied(sqlite3 *db, struct slice *rest)
{
    struct row_cell other;

    if (!row_take_cell(db, rest, &other))
        return (struct row_value){.type = SQLITE_NULL};
    return make_stored(db, &other);
}

struct row_value row_value_take(sqlite3 *db, const struct row_cell *cell, enum row_value_kind kind,
                                struct slice *rest)
{
    size_t times;

    switch (kind) {
    case ROW_INTEGER:
        return take_integer(rest);
    case ROW_NAMED_NUMBER:
        return make_integer(numbers[row_take_byte(rest) % NUMBERS]);
    case ROW_REAL:
        return take_real(rest);
    case ROW_TEXT:
        return make_bytes(SQLITE_TEXT, take_bytes(rest, row_take_byte(rest)));
    case ROW_BLOB:
        return make_bytes(SQLITE_BLOB, take_bytes(rest, row_take_byte(rest)));
    case ROW_REPEATED:
        times = (size_t)row_take_byte(rest) * 256;
        return make_repeated(times, take_bytes(rest, row_take_byte(rest)));
    case ROW_EDITED:
        return take_edited(rest, make_stored(db, cell));
    case ROW_CUT:
        return take_cut(rest, make_stored(db, cell));
    case ROW_ADDED:
        return take_added(rest, make_stored(db, cell));
    case ROW_COPIED:
        return take_copied(db, rest);
    case ROW_NULL:
    case ROW_VALUE_KINDS:
        break;
    }
    return (struct row_value){.type = SQLITE_NULL};
}

void row_value_bind(sqlite3_stmt *stmt, const struct row_value *value)
{
    switch (value->type) {
    case SQLITE_INTEGER:
        sqlite3_bind_int64(stmt, 1, value->integer);
        break;
    case SQLITE_FLOAT:
        sqlite3_bind_double(stmt, 1, value->real);
        break;
    case SQLITE_TEXT:
        sqlite3_bind_text64(stmt, 1, value->bytes, value->len, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case SQLITE_BLOB:
        sqlite3_bind_blob64(stmt, 1, value->bytes, value->len, SQLITE_STATIC);
        break;
    default:
        break;
    }
}
