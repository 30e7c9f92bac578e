/*
 * What the fuzzers share. Each has the entry that libFuzzer calls with one input after the other;
 * what must hold of every input is a need(), beside what the sanitizers see.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define need(condition)                                                                       \
	do {                                                                                  \
		if (!(condition)) {                                                           \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                              \
		}                                                                             \
	} while (0)

/* The input as a string, which the caller frees. Never NULL. */
static inline char *text_of(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	need(text);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* One line that a terminal can be shown. */
static inline void need_line(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		need(*p >= 0x20 && *p != 0x7f);
}

#endif
