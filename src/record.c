#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

#define RECORD_FORMAT \
	"sandbox-shell 1\npid %ld\ndigest %016" PRIx64 "\nlimits %016" PRIx64 "\nready %d\n"
#define RECORD_MAX 256

/* What would be written for it: parsing is scanning, then comparing with this. */
static int format_record(char *text, size_t room, const struct sbx_record *record)
{
	return snprintf(text, room, RECORD_FORMAT, (long)record->pid, record->digest,
			record->limits, record->ready ? 1 : 0);
}

int sbx_record_parse(const char *text, size_t length, struct sbx_record *ret_record)
{
	struct sbx_record record = { 0 };
	char copy[RECORD_MAX], again[RECORD_MAX];
	long pid;
	int ready;

	if (length >= sizeof(copy))
		return -EBADMSG;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (sscanf(copy,
		   "sandbox-shell 1\npid %9ld\ndigest %16" SCNx64 "\nlimits %16" SCNx64
		   "\nready %1d\n",
		   &pid, &record.digest, &record.limits, &ready) != 4 ||
	    pid < 0)
		return -EBADMSG;
	record.pid = (pid_t)pid;
	record.ready = ready == 1;
	if ((size_t)format_record(again, sizeof(again), &record) != length ||
	    memcmp(text, again, length) != 0)
		return -EBADMSG;
	*ret_record = record;
	return 0;
}

int sbx_record_read(int folder, const char *name, struct sbx_record *ret_record)
{
	_cleanup_close_ int fd = -1;
	char text[RECORD_MAX];
	ssize_t n;

	fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : -EBADMSG;
	n = read(fd, text, sizeof(text));
	if (n < 0)
		return -EBADMSG;
	return sbx_record_parse(text, (size_t)n, ret_record);
}

int sbx_record_write(int folder, const char *name, const struct sbx_record *record,
		     struct sbx_error *err)
{
	_cleanup_close_ int fd = -1;
	struct sbx_record before;
	char text[RECORD_MAX], fresh[64];
	int length = format_record(text, sizeof(text), record), r;

	/* Nothing new needs no room on a disk that the inside may have filled. */
	if (sbx_record_read(folder, name, &before) == 0 && before.pid == record->pid &&
	    before.digest == record->digest && before.limits == record->limits &&
	    before.ready == record->ready)
		return 0;
	(void)snprintf(fresh, sizeof(fresh), ".%s.new", name);
	(void)unlinkat(folder, fresh, 0);
	fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return sbx_error_set(err, -errno, "record %s: %s", name, strerror(errno));
	r = sbx_write_all(fd, text, (size_t)length);
	if (r < 0)
		return sbx_error_set(err, r, "record %s: %s", name, strerror(-r));
	/* The lasting record survives a power cut: without it the container would be made anew. */
	if (fsync(fd) < 0)
		return sbx_error_set(err, -errno, "record %s: %s", name, strerror(errno));
	if (renameat(folder, fresh, folder, name) < 0)
		return sbx_error_set(err, -errno, "record %s: %s", name, strerror(errno));
	return 0;
}
