/*
 * Quantities: sizes, durations, times, to and from text; see policy_value.h.
 *
 * Strict on purpose: one way to write each, no locale, no white space, no sign.
 */
#include "policy_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util.h"

struct unit {
	char letter;
	uint64_t factor;
};

/* From large to small: formatting takes the first that divides. */
static const struct unit size_units[] = {
	{ 'T', UINT64_C(1) << 40 },
	{ 'G', UINT64_C(1) << 30 },
	{ 'M', UINT64_C(1) << 20 },
	{ 'K', UINT64_C(1) << 10 },
};
static const struct unit duration_units[] = {
	{ 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 }
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The digits at *text, saturating; false when there are none or a needless zero leads. */
static bool parse_digits(const char **text, uint64_t *ret_value)
{
	const char *start = *text;
	uint64_t value = 0;

	for (; is_digit(**text); *text += 1) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(**text - '0'), &value))
			value = UINT64_MAX;
	}
	*ret_value = value;
	return *text != start && (*text - start == 1 || start[0] != '0');
}

static bool parse_quantity(const char *text, const struct unit *units, size_t count,
			   uint64_t *ret_value)
{
	uint64_t value;

	if (!parse_digits(&text, &value) || !text[0] || text[1])
		return false;
	for (size_t i = 0; i < count; i++) {
		if (units[i].letter != text[0])
			continue;
		if (__builtin_mul_overflow(value, units[i].factor, &value))
			value = UINT64_MAX;
		*ret_value = value;
		return true;
	}
	return false;
}

const char *sbx_value_parse_size(const char *text, uint64_t *ret_bytes)
{
	if (!parse_quantity(text, size_units, ARRAY_SIZE(size_units), ret_bytes))
		return "is not a size: write a whole number and K, M, G or T, such as \"512M\"";
	return NULL;
}

const char *sbx_value_parse_duration(const char *text, uint64_t *ret_seconds)
{
	if (!parse_quantity(text, duration_units, ARRAY_SIZE(duration_units), ret_seconds))
		return "is not a duration: write a whole number and s, m, h or d, such as \"30m\"";
	return NULL;
}

static void format_quantity(char text[static SBX_VALUE_TEXT_MAX], uint64_t value,
			    const struct unit *units, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (value >= units[i].factor && value % units[i].factor == 0) {
			(void)snprintf(text, SBX_VALUE_TEXT_MAX, "%" PRIu64 "%c",
				       value / units[i].factor, units[i].letter);
			return;
		}
	}
	(void)snprintf(text, SBX_VALUE_TEXT_MAX, "%" PRIu64, value);
}

void sbx_value_format_size(char text[static SBX_VALUE_TEXT_MAX], uint64_t bytes)
{
	format_quantity(text, bytes, size_units, ARRAY_SIZE(size_units));
}

void sbx_value_format_duration(char text[static SBX_VALUE_TEXT_MAX], uint64_t seconds)
{
	format_quantity(text, seconds, duration_units, ARRAY_SIZE(duration_units));
}

void sbx_value_format_cpus(char text[static SBX_VALUE_TEXT_MAX], uint64_t milli)
{
	int length = snprintf(text, SBX_VALUE_TEXT_MAX, "%" PRIu64 ".%03" PRIu64, milli / 1000,
			      milli % 1000);

	while (length > 1 && text[length - 1] == '0')
		text[--length] = '\0';
	if (length > 1 && text[length - 1] == '.')
		text[--length] = '\0';
}

/* Exactly count digits at *text, as a number; -1 when they aren't there. */
static int take_digits(const char **text, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (!is_digit((*text)[0]))
			return -1;
		value = value * 10 + ((*text)[0] - '0');
		*text += 1;
	}
	return value;
}

static bool take_char(const char **text, char c)
{
	if ((*text)[0] != c)
		return false;
	*text += 1;
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* "Z" or "+02:00", as minutes east of UTC, and nothing behind it. */
static bool take_zone(const char **text, int *ret_minutes)
{
	int sign = (*text)[0] == '-' ? -1 : 1;
	int hours, minutes;

	*ret_minutes = 0;
	if (take_char(text, 'Z'))
		return !(*text)[0];
	if (!take_char(text, '+') && !take_char(text, '-'))
		return false;
	hours = take_digits(text, 2);
	if (hours < 0 || hours > 23 || !take_char(text, ':'))
		return false;
	minutes = take_digits(text, 2);
	*ret_minutes = sign * (hours * 60 + minutes);
	return minutes >= 0 && minutes <= 59 && !(*text)[0];
}

static bool take_date(const char **text, struct tm *date)
{
	int year, month;

	year = take_digits(text, 4);
	if (year < 1970 || !take_char(text, '-'))
		return false;
	month = take_digits(text, 2);
	if (month < 1 || month > 12 || !take_char(text, '-'))
		return false;
	date->tm_year = year - 1900;
	date->tm_mon = month - 1;
	date->tm_mday = take_digits(text, 2);
	return date->tm_mday >= 1 && date->tm_mday <= days_in_month(year, month) &&
	       take_char(text, 'T');
}

static bool take_clock(const char **text, struct tm *date)
{
	date->tm_hour = take_digits(text, 2);
	if (date->tm_hour < 0 || date->tm_hour > 23 || !take_char(text, ':'))
		return false;
	date->tm_min = take_digits(text, 2);
	if (date->tm_min < 0 || date->tm_min > 59 || !take_char(text, ':'))
		return false;
	date->tm_sec = take_digits(text, 2);
	if (date->tm_sec < 0 || date->tm_sec > 59)
		return false;
	if (take_char(text, '.')) {
		if (!is_digit((*text)[0]))
			return false;
		while (is_digit((*text)[0]))
			*text += 1;
	}
	return true;
}

const char *sbx_value_parse_time(const char *text, int64_t *ret_time)
{
	struct tm date = { 0 };
	int zone;

	if (!take_date(&text, &date) || !take_clock(&text, &date) || !take_zone(&text, &zone))
		return "is not a time: write it as \"2027-12-31T23:59:59Z\" or with +HH:MM";
	*ret_time = (int64_t)timegm(&date) - (int64_t)zone * 60;
	return NULL;
}

void sbx_value_format_time(char text[static SBX_VALUE_TEXT_MAX], int64_t time)
{
	time_t seconds = (time_t)time;
	struct tm date = { 0 };

	if (!gmtime_r(&seconds, &date) ||
	    strftime(text, SBX_VALUE_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &date) == 0)
		text[0] = '\0';
}

const char *sbx_value_quote(char quoted[static SBX_VALUE_TEXT_MAX], const char *text)
{
	size_t used = 0;

	quoted[used++] = '"';
	for (size_t i = 0; i < 60 && text[i]; i++)
		quoted[used++] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	(void)snprintf(quoted + used, SBX_VALUE_TEXT_MAX - used, "%s",
		       strlen(text) > 60 ? "...\"" : "\"");
	return quoted;
}
