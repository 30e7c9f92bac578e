/*
 * Strings and numbers of strict JSON (RFC 8259, RFC 3629).
 *
 * It trusts nothing in the text. It must never let through what cJSON would read as something
 * else: a NUL in a string (cut there), half of a surrogate pair, a number that becomes infinite
 * or is longer than cJSON's buffer.
 */
#include "json_text.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json_check.h"

static int bad(struct sbx_json_problem *problem, size_t at, const char *why)
{
	problem->at = at;
	problem->why = why;
	return -1;
}

/* Bytes of the UTF-8 sequence at text, or 0 when it isn't one (overlong, surrogate, too large). */
static size_t utf8_length(const unsigned char *text, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xc2 && text[0] <= 0xdf)
		length = 2;
	else if (text[0] >= 0xe0 && text[0] <= 0xef)
		length = 3;
	else if (text[0] >= 0xf0 && text[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (text[0] == 0xe0)
		low = 0xa0;
	if (text[0] == 0xed)
		high = 0x9f;
	if (text[0] == 0xf0)
		low = 0x90;
	if (text[0] == 0xf4)
		high = 0x8f;
	if (left < length || text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static size_t put_utf8(char *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | (code >> 6));
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | (code >> 12));
		out[1] = (char)(0x80 | ((code >> 6) & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | (code >> 18));
	out[1] = (char)(0x80 | ((code >> 12) & 0x3f));
	out[2] = (char)(0x80 | ((code >> 6) & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The 16 bits of "\uXXXX" at text, or -1. */
static int32_t escape_unit(const char *text, size_t left)
{
	int32_t unit = 0;

	if (left < 6 || text[0] != '\\' || text[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		int digit = hex_digit(text[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

static ptrdiff_t unicode_escape(const char *text, size_t length, size_t *at, char *out,
				struct sbx_json_problem *problem)
{
	int32_t unit = escape_unit(text + *at, length - *at);
	int32_t second;

	if (unit < 0)
		return bad(problem, *at, "\\u needs four hexadecimal digits");
	if (unit == 0)
		return bad(problem, *at, "\\u0000 in a string: no value may hold a NUL");
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return bad(problem, *at, "second half of a surrogate pair without its first");
	if (unit < 0xd800 || unit > 0xdbff) {
		*at += 6;
		return (ptrdiff_t)put_utf8(out, (uint32_t)unit);
	}
	second = escape_unit(text + *at + 6, length - *at - 6);
	if (second < 0xdc00 || second > 0xdfff)
		return bad(problem, *at, "first half of a surrogate pair without its second");
	*at += 12;
	return (ptrdiff_t)put_utf8(out, 0x10000 + (((uint32_t)unit - 0xd800) << 10) +
						((uint32_t)second - 0xdc00));
}

static ptrdiff_t escape(const char *text, size_t length, size_t *at, char *out,
			struct sbx_json_problem *problem)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	const char *letter;

	if (*at + 1 >= length)
		return bad(problem, *at, "the string does not end: close it with \"");
	if (text[*at + 1] == 'u')
		return unicode_escape(text, length, at, out, problem);
	letter = text[*at + 1] ? strchr(letters, text[*at + 1]) : NULL;
	if (!letter)
		return bad(problem, *at, "unknown escape: write a backslash as \\\\");
	*out = meanings[letter - letters];
	*at += 2;
	return 1;
}

ptrdiff_t sbx_json_text_string(const char *text, size_t length, size_t *at, char *out,
			       struct sbx_json_problem *problem)
{
	size_t start = *at;
	char *end = out;

	for (*at += 1; *at < length && text[*at] != '"';) {
		unsigned char c = (unsigned char)text[*at];

		if (c == '\\') {
			ptrdiff_t n = escape(text, length, at, end, problem);

			if (n < 0)
				return -1;
			end += n;
		} else if (c < 0x20) {
			return bad(problem, *at,
				   "control character in a string: close the string "
				   "before it");
		} else {
			size_t n = utf8_length((const unsigned char *)text + *at, length - *at);

			if (n == 0)
				return bad(problem, *at, "invalid UTF-8: save the file as UTF-8");
			memcpy(end, text + *at, n);
			end += n;
			*at += n;
		}
	}
	if (*at >= length)
		return bad(problem, start, "the string does not end: close it with \"");
	*at += 1;
	*end = '\0';
	return end - out;
}

static size_t skip_digits(const char *text, size_t length, size_t at)
{
	while (at < length && text[at] >= '0' && text[at] <= '9')
		at++;
	return at;
}

/* Move *at behind the number by the grammar alone. */
static int skip_number(const char *text, size_t length, size_t *at,
		       struct sbx_json_problem *problem)
{
	size_t start = *at;
	size_t digits = start + (text[start] == '-');
	size_t end = skip_digits(text, length, digits);

	if (end == digits)
		return bad(problem, start, "a minus sign without a number");
	if (end - digits > 1 && text[digits] == '0')
		return bad(problem, start, "leading zero: write the number without it");
	if (end < length && text[end] == '.') {
		digits = end + 1;
		end = skip_digits(text, length, digits);
		if (end == digits)
			return bad(problem, start, "no digit after the point");
	}
	if (end < length && (text[end] == 'e' || text[end] == 'E')) {
		digits = end + 1;
		if (digits < length && (text[digits] == '+' || text[digits] == '-'))
			digits++;
		end = skip_digits(text, length, digits);
		if (end == digits)
			return bad(problem, start, "no digit in the exponent");
	}
	*at = end;
	return 0;
}

int sbx_json_text_number(const char *text, size_t length, size_t *at,
			 struct sbx_json_problem *problem)
{
	char copy[SBX_JSON_MAX_NUMBER + 1];
	size_t start = *at;

	if (skip_number(text, length, at, problem) < 0)
		return -1;
	if (*at - start > SBX_JSON_MAX_NUMBER)
		return bad(problem, start, "too many digits: no value needs this many");
	memcpy(copy, text + start, *at - start);
	copy[*at - start] = '\0';
	if (!isfinite(strtod(copy, NULL)))
		return bad(problem, start, "too large for a number");
	return 0;
}
