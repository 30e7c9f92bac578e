#include "util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int strv_take(struct sbx_strv *list, char *item)
{
	if (!item || list->failed)
		goto fail;
	if (list->count + 1 >= list->room) {
		size_t room = list->room ? list->room * 2 : 16;
		char **items = reallocarray(list->items, room, sizeof(*items));

		if (!items)
			goto fail;
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] = item;
	list->items[list->count] = NULL;
	return 0;
fail:
	free(item);
	list->failed = true;
	return -ENOMEM;
}

int sbx_strv_add(struct sbx_strv *list, const char *item)
{
	return strv_take(list, strdup(item));
}

int sbx_strv_addf(struct sbx_strv *list, const char *format, ...)
{
	char *item = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&item, format, args) < 0)
		item = NULL;
	va_end(args);
	return strv_take(list, item);
}

void sbx_strv_done(struct sbx_strv *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct sbx_strv){ 0 };
}

int sbx_read_all(int fd, size_t max, char **ret_text, size_t *ret_length)
{
	_cleanup_free_ char *text = malloc(max + 2);
	size_t used = 0;

	if (!text)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(fd, text + used, max + 1 - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
		if (used > max)
			return -EFBIG;
	}
	text[used] = '\0';
	if (ret_length)
		*ret_length = used;
	*ret_text = steal_pointer(text);
	return 0;
}

int sbx_write_all(int fd, const void *data, size_t length)
{
	const char *p = data;

	while (length > 0) {
		ssize_t n = write(fd, p, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		length -= (size_t)n;
	}
	return 0;
}

uint64_t sbx_hash(uint64_t hash, const char *text)
{
	do
		hash = (hash ^ (unsigned char)*text) * 1099511628211u;
	while (*text++);
	return hash;
}

bool sbx_has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *p = text; p && (p = strstr(p, word)) != NULL; p += length)
		if ((p == text || p[-1] == ' ') && (!p[length] || strchr(" \n", p[length])))
			return true;
	return false;
}

long long sbx_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}
