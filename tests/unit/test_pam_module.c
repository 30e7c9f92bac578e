/*
 * pam_sandbox.so as a file: it loads with all its symbols bound, and gives PAM's entries and
 * nothing else.
 */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "util.h"

static const char *const entries[] = { "pam_sm_acct_mgmt", "pam_sm_open_session",
				       "pam_sm_close_session" };

/* BUILD/pam_sandbox.so, for this program is BUILD/unit/test_pam_module. */
static void module_path(char *path, size_t size)
{
	char self[PATH_MAX] = "";

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	*strrchr(self, '/') = '\0';
	*strrchr(self, '/') = '\0';
	(void)snprintf(path, size, "%s/pam_sandbox.so", self);
}

static void test_loads(void **state)
{
	char path[PATH_MAX + 32];
	void *module;

	(void)state;
	module_path(path, sizeof(path));
	module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!module) {
		fail_msg("%s", dlerror());
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		assert_non_null(dlsym(module, entries[i]));
	assert_null(dlsym(module, "sbx_policy_load"));
	assert_int_equal(dlclose(module), 0);
}

static bool is_entry(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		if (strcmp(name, entries[i]) == 0)
			return true;
	return false;
}

/* The dynamic symbols of a mapped ELF file that others could bind to. */
static size_t check_exports(const char *file)
{
	const ElfW(Ehdr) *header = (const void *)file;
	const ElfW(Shdr) *sections = (const void *)(file + header->e_shoff);
	size_t count = 0;

	for (size_t i = 0; i < header->e_shnum; i++) {
		const ElfW(Sym) *symbols = (const void *)(file + sections[i].sh_offset);
		const char *names = file + sections[sections[i].sh_link].sh_offset;

		if (sections[i].sh_type != SHT_DYNSYM)
			continue;
		for (size_t j = 0; j < sections[i].sh_size / sizeof(*symbols); j++) {
			if (symbols[j].st_shndx == SHN_UNDEF || !names[symbols[j].st_name])
				continue;
			if (!is_entry(names + symbols[j].st_name))
				fail_msg("exports %s", names + symbols[j].st_name);
			count++;
		}
	}
	return count;
}

static void test_exports(void **state)
{
	char path[PATH_MAX + 32];
	struct stat st;
	char *file;
	int fd;

	(void)state;
	module_path(path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(file, MAP_FAILED);
	assert_int_equal(check_exports(file), ARRAY_SIZE(entries));
	(void)munmap(file, (size_t)st.st_size);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loads),
		cmocka_unit_test(test_exports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
