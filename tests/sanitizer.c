/*
 * Linked into sanitized builds: sandbox-session has no environment to take ASAN_OPTIONS from, and
 * is not dumpable, which the leak checker can't do without. Leaks are the unit tests' business.
 */
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0:abort_on_error=1";
}
