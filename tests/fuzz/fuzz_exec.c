/*
 * What PID 1 makes of an EXEC's body: strings that lie within it, ended, as many as it says.
 */
#include "fuzz.h"

#include "wire.h"

static void need_within(const char *string, const char *body, size_t size)
{
	need(string >= body && string < body + size);
	need(memchr(string, '\0', size - (size_t)(string - body)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *strings[SBX_WIRE_STRINGS_MAX + 4];
	char *body, *program, **argv, **env, *cwd;
	struct sbx_wire_exec exec;

	/* init_session.c reads no body of another length. */
	if (size < sizeof(exec) || size > SBX_WIRE_EXEC_MAX)
		return 0;
	body = malloc(size);
	need(body);
	memcpy(body, data, size);
	memcpy(&exec, data, sizeof(exec));
	if (sbx_wire_split_exec(body, size, strings, &program, &argv, &env, &cwd) == 0) {
		size_t count = 0;

		need_within(program, body, size);
		need_within(cwd, body, size);
		for (; argv[count]; count++)
			need_within(argv[count], body, size);
		need(count == exec.argc);
		for (count = 0; env[count]; count++)
			need_within(env[count], body, size);
		need(count == exec.envc);
	}
	free(body);
	return 0;
}
