/*
 * Small helpers that every module shares: cleanup attributes in the manner of
 * systemd and crun, whole reads and writes, string lists.
 */
#ifndef SBX_UTIL_H
#define SBX_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static inline void sbx_cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void sbx_cleanup_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

#define _cleanup_free_ __attribute__((cleanup(sbx_cleanup_free)))
#define _cleanup_close_ __attribute__((cleanup(sbx_cleanup_close)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Hand a descriptor over to the caller: returns *fd and leaves -1 behind. */
static inline int steal_fd(int *fd)
{
	int value = *fd;

	*fd = -1;
	return value;
}

/* Likewise for a pointer, which keeps its type. */
#define steal_pointer(p)                    \
	({                                  \
		__typeof__(p) value_ = (p); \
		(p) = NULL;                 \
		value_;                     \
	})

/*
 * A growing list of owned strings, always NULL-terminated, so that .items is an argv.
 * Zero-initialise it; sbx_strv_done takes half-built ones. The add functions return 0 or -ENOMEM;
 * an add after a failed one fails too, so a caller may check .failed once at the end.
 */
struct sbx_strv {
	char **items;
	size_t count;
	size_t room;
	bool failed;
};

int sbx_strv_add(struct sbx_strv *list, const char *item);
int sbx_strv_addf(struct sbx_strv *list, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void sbx_strv_done(struct sbx_strv *list);

/*
 * Read the whole of fd, at most max bytes, into a new NUL-terminated buffer, *ret_text, which the
 * caller frees. Returns 0, -EFBIG when there is more than max, or another -errno.
 */
int sbx_read_all(int fd, size_t max, char **ret_text, size_t *ret_length);

/* Write everything, going on after EINTR and short writes. Returns 0 or -errno. */
int sbx_write_all(int fd, const void *data, size_t length);

/*
 * FNV-1a over a string and its NUL, going on from hash: for telling things apart, not for security.
 */
#define SBX_HASH_START 14695981039346656037u
uint64_t sbx_hash(uint64_t hash, const char *text);

/* Is it one of the words of a text, between blanks or at a line's end? text may be NULL. */
bool sbx_has_word(const char *text, const char *word);

/* Milliseconds of CLOCK_MONOTONIC. */
long long sbx_now_ms(void);

#endif
