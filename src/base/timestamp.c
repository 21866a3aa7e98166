#include "base/timestamp.h"

#include <string.h>
#include <time.h>

#define NS_PER_SECOND INT64_C(1000000000)

#define DAYS_PER_ERA 146097                /* 400 years, after which the calendar repeats */
#define DAYS_FROM_ERA_START_TO_1970 719468 /* from 1 March of the year 0 */

struct date {
    int64_t year;
    int64_t month;
    int64_t day;
};

/* Years are taken to begin in March, so that the leap day is the last of its year and the lengths
 * of months repeat every five: 31 30 31 30 31, which is 153 days. */
static struct date date_of_day(int64_t day_since_1970)
{
    int64_t day = day_since_1970 + DAYS_FROM_ERA_START_TO_1970;
    int64_t era = day / DAYS_PER_ERA; /* years 1678 to 2262: never negative */
    int64_t of_era = day - era * DAYS_PER_ERA;
    int64_t leap_days = of_era / 1460 - of_era / 36524 + of_era / 146096;
    int64_t year_of_era = (of_era - leap_days) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * of_year + 2) / 153; /* 0: March */
    bool next_year = month >= 10;
    return (struct date){
        .year = era * 400 + year_of_era + next_year,
        .month = next_year ? month - 9 : month + 3,
        .day = of_year - (153 * month + 2) / 5 + 1,
    };
}

static char *put_digits(char *at, int64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

static char *put_byte(char *at, char byte)
{
    *at = byte;
    return at + 1;
}

/* By hand: reading a log writes millions of these, and the C library takes ten times as long. */
void timestamp_format(int64_t time_ns, char out_text[static TIMESTAMP_TEXT_BYTES])
{
    const int64_t ns_per_day = 86400 * NS_PER_SECOND;
    int64_t of_day_ns = time_ns % ns_per_day;
    int64_t day = time_ns / ns_per_day;
    if (of_day_ns < 0) {
        of_day_ns += ns_per_day;
        day--;
    }
    int64_t of_day_us = of_day_ns / 1000;
    int64_t seconds = of_day_us / 1000000;
    struct date date = date_of_day(day);
    char *at = put_digits(out_text, date.year, 4);
    at = put_digits(put_byte(at, '-'), date.month, 2);
    at = put_digits(put_byte(at, '-'), date.day, 2);
    at = put_digits(put_byte(at, 'T'), seconds / 3600, 2);
    at = put_digits(put_byte(at, ':'), seconds / 60 % 60, 2);
    at = put_digits(put_byte(at, ':'), seconds % 60, 2);
    at = put_digits(put_byte(at, '.'), of_day_us % 1000000, 6);
    (void)put_byte(at, 'Z'); /* the last one */
}

/* Reads exactly `count` digits at *at. */
static bool take_digits(const char **at, const char *end, int count, int *out_value)
{
    int value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (*at == end || **at < '0' || **at > '9') {
            return false;
        }
        value = value * 10 + (**at - '0');
    }
    *out_value = value;
    return true;
}

static bool take_byte(const char **at, const char *end, const char *any_of)
{
    if (*at == end || **at == '\0' || strchr(any_of, **at) == NULL) {
        return false;
    }
    (*at)++;
    return true;
}

static bool take_fraction(const char **at, const char *end, int64_t *out_ns)
{
    *out_ns = 0;
    if (!take_byte(at, end, ".")) {
        return true;
    }
    int64_t unit = NS_PER_SECOND / 10;
    int digit;
    if (!take_digits(at, end, 1, &digit)) {
        return false;
    }
    do {
        *out_ns += digit * unit;
        unit /= 10;
    } while (unit > 0 && take_digits(at, end, 1, &digit));
    return true;
}

static bool take_offset(const char **at, const char *end, int64_t *out_seconds)
{
    *out_seconds = 0;
    if (take_byte(at, end, "Zz")) {
        return true;
    }
    int64_t sign = *at != end && **at == '-' ? -1 : 1;
    int hours;
    int minutes;
    if (!take_byte(at, end, "+-") || !take_digits(at, end, 2, &hours) || !take_byte(at, end, ":") ||
        !take_digits(at, end, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *out_seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool take_date(const char **at, const char *end, struct tm *out)
{
    return take_digits(at, end, 4, &out->tm_year) && take_byte(at, end, "-") &&
           take_digits(at, end, 2, &out->tm_mon) && take_byte(at, end, "-") &&
           take_digits(at, end, 2, &out->tm_mday);
}

static bool take_time(const char **at, const char *end, struct tm *out)
{
    return take_digits(at, end, 2, &out->tm_hour) && take_byte(at, end, ":") &&
           take_digits(at, end, 2, &out->tm_min) && take_byte(at, end, ":") &&
           take_digits(at, end, 2, &out->tm_sec) && out->tm_hour < 24 && out->tm_min < 60 &&
           out->tm_sec < 60;
}

bool timestamp_parse(struct ever_slice text, int64_t *out_time_ns)
{
    const char *at = text.data;
    const char *end = text.data + text.size;
    struct tm parts = {0};
    int64_t fraction_ns;
    int64_t offset_seconds;
    if (!take_date(&at, end, &parts) || !take_byte(&at, end, "Tt ") ||
        !take_time(&at, end, &parts) || !take_fraction(&at, end, &fraction_ns) ||
        !take_offset(&at, end, &offset_seconds) || at != end) {
        return false;
    }
    struct tm given = parts;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    int64_t seconds = timegm(&parts);
    bool date_exists = parts.tm_mday == given.tm_mday && parts.tm_mon == given.tm_mon - 1;
    if (!date_exists || given.tm_year < 1678 || given.tm_year > 2261) {
        return false;
    }
    *out_time_ns = (seconds - offset_seconds) * NS_PER_SECOND + fraction_ns;
    return true;
}
