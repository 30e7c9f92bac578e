#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * The length of the UTF-8 sequence at p that may be shown, or 0. C1 controls may not: terminals act
 * on them.
 */
static size_t shown(const unsigned char *p)
{
	size_t length = p[0] < 0x80   ? 1
			: p[0] < 0xc2 ? 0
			: p[0] < 0xe0 ? 2
			: p[0] < 0xf0 ? 3
			: p[0] < 0xf5 ? 4
				      : 0;

	if (p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0))
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static void make_printable(char *text)
{
	unsigned char *p = (unsigned char *)text;

	while (*p) {
		size_t length = shown(p);

		if (length == 0)
			*p = '?';
		p += length ? length : 1;
	}
}

#undef sbx_error_set /* see error.h */

int sbx_error_set(struct sbx_error *err, int code, const char *format, ...)
{
	va_list args;

	if (code >= 0)
		code = -EINVAL;
	if (!err)
		return code;
	err->code = code;
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	make_printable(err->message);
	return code;
}

int sbx_error_wrap(struct sbx_error *err, const char *format, ...)
{
	char inner[SBX_ERROR_MAX];
	va_list args;
	size_t used;

	if (!err)
		return -EINVAL;
	memcpy(inner, err->message, sizeof(inner));
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	used = strlen(err->message);
	(void)snprintf(err->message + used, sizeof(err->message) - used, ": %s", inner);
	make_printable(err->message);
	return err->code;
}
