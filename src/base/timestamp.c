#include "base/timestamp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_SECOND INT64_C(1000000000)

void timestamp_format(int64_t time_ns, char out_text[static TIMESTAMP_TEXT_BYTES])
{
    int64_t seconds = time_ns / NS_PER_SECOND;
    int64_t rest = time_ns % NS_PER_SECOND;
    if (rest < 0) {
        rest += NS_PER_SECOND;
        seconds--;
    }
    time_t clock = (time_t)seconds;
    struct tm parts;
    gmtime_r(&clock, &parts);
    char text[64];
    (void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", parts.tm_year + 1900,
                   parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                   (int)(rest / 1000)); /* an int64 of ns has a four-digit year: it always fits */
    memcpy(out_text, text, TIMESTAMP_TEXT_BYTES);
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
