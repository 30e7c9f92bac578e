/*
 * The one error object of the library: what went wrong, where, and what to do.
 *
 * Library code never prints and never exits: it returns 0 or a negative errno and
 * fills the caller's struct sbx_error with one line a person can act on. Programs
 * report it once. Wrapping adds context in front: "start: podman: no space left".
 */
#ifndef SBX_ERROR_H
#define SBX_ERROR_H

#define SBX_ERROR_MAX 1024

struct sbx_error {
	int code;                    /* negative errno, 0 when nothing went wrong */
	char message[SBX_ERROR_MAX]; /* one line, no trailing newline, printable */
};

#define SBX_ERROR_INIT \
	{              \
		0, ""  \
	}

/*
 * Set the message from a printf format. code is a negative errno, never 0 (0 becomes
 * -EINVAL). Control characters in the result are replaced by '?', so that hostile
 * text can't reach a terminal. Returns the code, so callers write
 * `return sbx_error_set(err, -EPERM, "...")`. err may be NULL.
 */
int sbx_error_set(struct sbx_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__
/* The analyzer looks no further than one file, and has to know that the result is negative. */
static inline int sbx_error_code(int code)
{
	return code < 0 ? code : -1;
}
void sbx_error_used(const struct sbx_error *err, ...);
#define sbx_error_set(err, code, ...) (sbx_error_used(err, __VA_ARGS__), sbx_error_code(code))
#endif

/* Put "CONTEXT: " in front of the message that is there. Returns err's code. */
int sbx_error_wrap(struct sbx_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
