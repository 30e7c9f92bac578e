/*
 * Writing JSON strings; see policy_write.h.
 */
#include "policy_write.h"

void sbx_write_string(FILE *out, const char *text)
{
	(void)fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			(void)fprintf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			(void)fprintf(out, "\\u%04x", c);
		else
			(void)fputc(c, out);
	}
	(void)fputc('"', out);
}

void sbx_write_strings(FILE *out, const char *const *list)
{
	(void)fputc('[', out);
	for (size_t i = 0; list && list[i]; i++) {
		if (i > 0)
			(void)fputs(", ", out);
		sbx_write_string(out, list[i]);
	}
	(void)fputc(']', out);
}
