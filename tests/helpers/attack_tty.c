/*
 * attack_tty type TEXT   pushes TEXT into the input of every terminal that can be opened (TIOCSTI)
 * attack_tty spoil       leaves its terminal in every bad state: exclusive, stopped, another line
 * discipline, no modes attack_tty sizes N     changes the size of its terminal N times
 *
 * For use inside a sandbox. "type" says how many bytes the kernel took.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static long type_into(int fd, const char *text)
{
	long taken = 0;

	for (; *text; text++)
		taken += ioctl(fd, TIOCSTI, text) == 0;
	return taken;
}

static long type_everywhere(const char *text)
{
	DIR *folder = opendir("/dev/pts");
	const struct dirent *entry;
	long taken = 0;
	char path[300];

	for (int fd = 0; fd < 3; fd++)
		taken += type_into(fd, text);
	while (folder && (entry = readdir(folder)) != NULL) {
		int fd;

		(void)snprintf(path, sizeof(path), "/dev/pts/%s", entry->d_name);
		fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0)
			taken += type_into(fd, text);
	}
	return taken + type_into(open("/dev/tty", O_RDWR | O_CLOEXEC), text);
}

static void spoil(void)
{
	static const int disciplines[] = { 27 /* N_NULL */, 13 /* N_HDLC */, 21 /* N_GSM0710 */,
					   1 /* N_SLIP */ };
	struct termios modes;

	(void)ioctl(0, TIOCEXCL);
	(void)ioctl(0, TIOCNOTTY);
	(void)ioctl(0, TIOCSCTTY, 1);
	(void)ioctl(0, TIOCCONS);
	if (tcgetattr(0, &modes) == 0) {
		memset(modes.c_cc, 0, sizeof(modes.c_cc));
		modes.c_iflag = modes.c_oflag = modes.c_lflag = 0xffffffff;
		modes.c_cflag = B0;
		(void)tcsetattr(0, TCSANOW, &modes);
	}
	(void)tcflow(0, TCOOFF);
	(void)tcflow(0, TCIOFF);
	for (size_t i = 0; i < sizeof(disciplines) / sizeof(disciplines[0]); i++)
		(void)ioctl(0, TIOCSETD, &disciplines[i]);
}

static void resize(long times)
{
	for (; times > 0; times--) {
		struct winsize size = { (unsigned short)times, (unsigned short)(times * 7), 0, 0 };

		(void)ioctl(0, TIOCSWINSZ, &size);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "type") == 0)
		(void)printf("%ld typed\n", type_everywhere(argv[2]));
	else if (argc == 2 && strcmp(argv[1], "spoil") == 0)
		spoil();
	else if (argc == 3 && strcmp(argv[1], "sizes") == 0)
		resize(atol(argv[2]));
	else
		return 2;
	return 0;
}
