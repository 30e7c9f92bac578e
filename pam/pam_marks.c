#include "pam_marks.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int sbx_pam_mark(int folder, const char *name, bool set)
{
	int fd;

	if (!set)
		return unlinkat(folder, name, 0) < 0 && errno != ENOENT ? -errno : 0;
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	(void)close(fd);
	return 0;
}

bool sbx_pam_is_marked(int folder, const char *name)
{
	return faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
