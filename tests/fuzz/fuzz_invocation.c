/*
 * How the shell was called: arguments, each ended by a NUL, the last one SSH_ORIGINAL_COMMAND
 * where the first byte is odd. A command is one of them, whole and unchanged, or ours for the
 * sftp server.
 */
#include "fuzz.h"

#include <stdbool.h>

#include "invocation.h"

#define WORDS_MAX 8

static bool is_word(const char *command, char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (command == words[i])
			return true;
	return false;
}

static void map(const char *command)
{
	char *mapped = NULL;

	need(sbx_invocation_map_sftp(command, &mapped) == 0);
	if (mapped)
		need(strstr(mapped, "exec sftp-server"));
	free(mapped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, *words[WORDS_MAX + 1], *original = NULL;
	struct sbx_invocation invocation = { 0 };
	struct sbx_error err = SBX_ERROR_INIT;
	size_t count = 0, all;

	if (size < 2)
		return 0;
	text = text_of(data + 1, size - 1);
	for (char *word = text; word < text + size && count < WORDS_MAX; word += strlen(word) + 1)
		words[count++] = word;
	all = count;
	if ((data[0] & 1) && count > 1)
		original = words[--count];
	words[count] = NULL;
	if (sbx_invocation_read((int)count, words, original, &invocation, &err) < 0) {
		need_line(err.message);
	} else if (invocation.wish == SBX_WISH_COMMAND) {
		words[count] = original;
		need(is_word(invocation.command, words, all));
		map(invocation.command);
	}
	free(text);
	return 0;
}
