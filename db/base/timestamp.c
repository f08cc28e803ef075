#include "db/base/timestamp.h"

#include <time.h>

#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY 86400

int64_t timestamp_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar. The year begins in March, so
 * that the leap day is its last day. */
static int64_t days_from_civil(int year, int month, int day)
{
    const int64_t y = month <= 2 ? year - 1 : year;
    const int64_t era = y / 400;
    const int64_t year_of_era = y - era * 400;
    const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

struct civil {
    int year;
    int month;
    int day;
};

static struct civil civil_from_days(int64_t days)
{
    const int64_t z = days + 719468;
    const int64_t era = z / 146097;
    const int64_t doe = z - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t mp = (5 * doy + 2) / 153;
    const int month = (int)(mp < 10 ? mp + 3 : mp - 9);

    return (struct civil){(int)(yoe + era * 400 + (month <= 2)), month,
                          (int)(doy - (153 * mp + 2) / 5 + 1)};
}

static void format_digits(char *out, int count, int64_t number)
{
    while (count-- > 0) {
        out[count] = (char)('0' + number % 10);
        number /= 10;
    }
}

void timestamp_format(int64_t us, char *out)
{
    const int64_t seconds = us / US_PER_SECOND;
    const int64_t of_day = seconds % SECONDS_PER_DAY;
    const struct civil date = civil_from_days(seconds / SECONDS_PER_DAY);

    memcpy(out, "0000-00-00T00:00:00.000000", TIMESTAMP_LENGTH);
    format_digits(out, 4, date.year);
    format_digits(out + 5, 2, date.month);
    format_digits(out + 8, 2, date.day);
    format_digits(out + 11, 2, of_day / 3600);
    format_digits(out + 14, 2, of_day / 60 % 60);
    format_digits(out + 17, 2, of_day % 60);
    format_digits(out + 20, 6, us % US_PER_SECOND);
}

/* Parses exactly `count` digits and removes them from the front of *text. */
static bool parse_digits(struct slice *text, size_t count, int *number)
{
    int value = 0;

    if (text->len < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (text->data[i] < '0' || text->data[i] > '9')
            return false;
        value = value * 10 + (text->data[i] - '0');
    }
    text->data += count;
    text->len -= count;
    *number = value;
    return true;
}

static bool parse_char(struct slice *text, char c)
{
    if (text->len == 0 || text->data[0] != c)
        return false;
    text->data++;
    text->len--;
    return true;
}

static bool parse_date(struct slice *text, int64_t *days)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year;
    int month;
    int day;

    if (!parse_digits(text, 4, &year) || !parse_char(text, '-') || !parse_digits(text, 2, &month) ||
        !parse_char(text, '-') || !parse_digits(text, 2, &day))
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1)
        return false;
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > month_days[month - 1] + (month == 2 && leap))
        return false;
    *days = days_from_civil(year, month, day);
    return true;
}

static bool parse_fraction(struct slice *text, int *us)
{
    int digits = 0;

    *us = 0;
    if (!parse_char(text, '.'))
        return true;
    while (text->len > 0 && text->data[0] >= '0' && text->data[0] <= '9' && digits < 9) {
        if (digits < 6)
            *us = *us * 10 + (text->data[0] - '0');
        text->data++;
        text->len--;
        digits++;
    }
    for (int i = digits; i < 6; i++)
        *us *= 10;
    return digits > 0;
}

/* Offset of the zone from UTC in seconds. */
static bool parse_offset(struct slice *text, int *seconds)
{
    int hours;
    int minutes;

    *seconds = 0;
    if (text->len == 0 || parse_char(text, 'Z') || parse_char(text, 'z'))
        return true;
    const bool west = text->data[0] == '-';
    if (!parse_char(text, west ? '-' : '+') || !parse_digits(text, 2, &hours) ||
        !parse_char(text, ':') || !parse_digits(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

bool timestamp_parse(struct slice text, int64_t *us)
{
    int64_t days;
    int hour;
    int minute;
    int second;
    int fraction;
    int offset;

    if (!parse_date(&text, &days))
        return false;
    if (!parse_char(&text, 'T') && !parse_char(&text, 't') && !parse_char(&text, ' '))
        return false;
    if (!parse_digits(&text, 2, &hour) || !parse_char(&text, ':') ||
        !parse_digits(&text, 2, &minute) || !parse_char(&text, ':') ||
        !parse_digits(&text, 2, &second) || hour > 23 || minute > 59 || second > 59)
        return false;
    if (!parse_fraction(&text, &fraction) || !parse_offset(&text, &offset) || text.len != 0)
        return false;

    const int seconds = (hour * 60 + minute) * 60 + second - offset;
    const int64_t whole = days * SECONDS_PER_DAY + seconds;
    const int64_t result = whole * US_PER_SECOND + fraction;
    if (result < 0 || result > TIMESTAMP_MAX_US)
        return false;
    *us = result;
    return true;
}
