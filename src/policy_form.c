/*
 * What the strings of a policy may look like; see policy_value.h.
 *
 * These strings end up in podman's argument vector and in environments, so each form is an
 * allow-list of characters and never lets a leading '-' through. Written out by hand: a login
 * runs them, and a regex library would cost more than all the rest of it.
 */
#include <arpa/inet.h>
#include <string.h>

#include "policy.h"
#include "policy_value.h"
#include "syscall_names.h"
#include "util.h"

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

static bool has(const char *set, char c)
{
	return c && strchr(set, c);
}

/* Letters, digits and the others given, at least one; a letter or digit first and last. */
static bool is_word(const char *text, size_t length, const char *others)
{
	if (length == 0 || !is_alnum(text[0]) || !is_alnum(text[length - 1]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_alnum(text[i]) && !has(others, text[i]))
			return false;
	return true;
}

bool sbx_name_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > 32 || (!is_lower(name[0]) && name[0] != '_'))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_lower(name[i]) && !is_digit(name[i]) && !has("_.-", name[i]))
			return false;
	return !strstr(name, "..") && name[length - 1] != '.';
}

static const char *check_name(const char *text)
{
	if (sbx_name_valid(text))
		return NULL;
	return "is not a name: use a-z, 0-9, _ . - (a letter or _ first, no .. and no . at the "
	       "end, at most 32)";
}

static const char *check_path(const char *text)
{
	const char *part = text;

	if (text[0] != '/')
		return "is not an absolute path: begin it with /";
	while (*part == '/') {
		size_t length = strcspn(part + 1, "/");

		if (length == 0 && text[1])
			return "has an empty part: write it with single / and none at the end";
		if (strspn(part + 1, ".") == length && length >= 1 && length <= 2)
			return "has . or .. in it: write the path without";
		part += 1 + length;
	}
	return NULL;
}

static const char *check_mount_path(const char *text)
{
	if (strpbrk(text, ",\""))
		return "has , or \" in it, which podman's --mount can't take: rename it";
	if (strcmp(text, "/") == 0)
		return "is the root folder: name a folder below it";
	return check_path(text);
}

/* vendor/class=name, as nvidia.com/gpu=all. */
static bool is_cdi(const char *text)
{
	size_t vendor = strcspn(text, "/");
	const char *class = text + vendor + (text[vendor] == '/');
	size_t length = strcspn(class, "=");
	const char *name = class + length + (class[length] == '=');

	return text[vendor] == '/' && class[length] == '=' && is_word(text, vendor, "_.-") &&
	       is_word(class, length, "_-") && is_word(name, strlen(name), "_.:-");
}

static const char *check_device(const char *text)
{
	if (strncmp(text, "/dev/", 5) != 0)
		return is_cdi(text) ? NULL : "is not a device: write /dev/... or vendor/class=name";
	if (strpbrk(text, ":,\""))
		return "has a : , or \" in it, which podman's --device can't take";
	return check_path(text);
}

/* The host part of an image's name: registry.example.com:5000. */
static bool is_registry(const char *text, size_t length)
{
	const char *colon = memchr(text, ':', length);
	size_t host = colon ? (size_t)(colon - text) : length;
	size_t port = length - host;

	if (!is_word(text, host, ".-"))
		return false;
	for (size_t i = host + 1; i < length; i++)
		if (!is_digit(text[i]))
			return false;
	return !colon || (port > 1 && port <= 6);
}

static bool is_image_part(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] >= 'A' && text[i] <= 'Z')
			return false;
	return is_word(text, length, "._-") && !memmem(text, length, "..", 2);
}

/* registry/part/part without tag and digest. */
static bool is_image_name(const char *text, size_t length)
{
	bool first = true;

	for (;;) {
		const char *slash = memchr(text, '/', length);
		size_t part = slash ? (size_t)(slash - text) : length;

		if (!is_image_part(text, part) && !(first && slash && is_registry(text, part)))
			return false;
		if (!slash)
			return true;
		text += part + 1;
		length -= part + 1;
		first = false;
	}
}

static bool is_image_tag(const char *text, size_t length)
{
	if (length == 0 || length > 128 || (!is_alnum(text[0]) && text[0] != '_'))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_alnum(text[i]) && !has("_.-", text[i]))
			return false;
	return true;
}

static const char *check_image(const char *text)
{
	static const char why[] = "is not an image: write [registry/]name[:tag][@sha256:digest]";
	size_t length = strcspn(text, "@");
	const char *digest = text + length;
	const char *slash = memrchr(text, '/', length);
	const char *from = slash ? slash : text;
	const char *colon = memchr(from, ':', (size_t)(digest - from));

	if (*digest) {
		if (strncmp(digest, "@sha256:", 8) != 0 || strlen(digest + 8) != 64 ||
		    strspn(digest + 8, "0123456789abcdef") != 64)
			return why;
	}
	if (colon) {
		if (!is_image_tag(colon + 1, (size_t)(digest - colon - 1)))
			return why;
		length = (size_t)(colon - text);
	}
	return is_image_name(text, length) ? NULL : why;
}

/* A decimal number of at most max, without needless zeros; -1 otherwise. */
static int small_number(const char *text, size_t length, int max)
{
	int value = 0;

	if (length == 0 || length > 5 || (length > 1 && text[0] == '0'))
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (!is_digit(text[i]))
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value <= max ? value : -1;
}

static const char *check_cidr(const char *text)
{
	static const char why[] = "is not an address: write 192.0.2.0/24 or 2001:db8::/32";
	unsigned char bytes[16];
	char address[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "/");
	int family = memchr(text, ':', length) ? AF_INET6 : AF_INET;
	int bits = family == AF_INET6 ? 128 : 32;
	int prefix = bits;

	if (length >= sizeof(address))
		return why;
	memcpy(address, text, length);
	address[length] = '\0';
	if (inet_pton(family, address, bytes) != 1)
		return why;
	if (text[length])
		prefix = small_number(text + length + 1, strlen(text + length + 1), bits);
	if (prefix < 0)
		return why;
	for (int bit = prefix; bit < bits; bit++)
		if (bytes[bit / 8] & (0x80 >> (bit % 8)))
			return "has bits set behind its prefix: write the network's own address";
	return NULL;
}

static bool is_host_name(const char *text)
{
	const char *label = text;

	for (;;) {
		size_t length = strcspn(label, ".");

		if (length > 63 || !is_word(label, length, "-"))
			return false;
		if (!label[length]) /* the last label of digits alone is an address gone wrong */
			return strspn(label, "0123456789") != length;
		label += length + 1;
	}
}

static const char *check_endpoint(const char *text)
{
	static const char why[] = "is not an endpoint: write host:port, CIDR:port or [IPv6]:port, "
				  "each with /udp if that is meant";
	char host[256];
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	size_t port = colon ? strcspn(colon + 1, "/") : 0;
	const char *protocol = colon ? colon + 1 + port : "";

	if (length == 0 || length >= sizeof(host) || small_number(colon + 1, port, 65535) < 1)
		return why;
	if (*protocol && strcmp(protocol, "/tcp") != 0 && strcmp(protocol, "/udp") != 0)
		return why;
	memcpy(host, text, length);
	host[length] = '\0';
	if (host[0] == '[' && host[length - 1] == ']' && strchr(host, ':')) {
		host[length - 1] = '\0';
		return check_cidr(host + 1) ? why : NULL;
	}
	if (strchr(host, ':'))
		return why;
	return is_host_name(host) ? NULL : check_cidr(host);
}

static const char *check_syscall(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!is_lower(*p) && !is_digit(*p) && *p != '_')
			return "is not a system call's name: use a-z, 0-9 and _";
	return sbx_syscall_known(text) ? NULL
				       : "is no system call of this machine: see syscalls(2)";
}

/* The length of the name at text, 0 when there is none. */
static size_t env_name_length(const char *text)
{
	size_t length = 0;

	if (is_digit(text[0]))
		return 0;
	while (is_alnum(text[length]) || text[length] == '_')
		length++;
	return length;
}

bool sbx_value_env_reserved(const char *name)
{
	static const char *const names[] = { "HOME", "USER", "LOGNAME", "SHELL",
					     "XDG_RUNTIME_DIR" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static const char *check_env_name(const char *text)
{
	size_t length = env_name_length(text);

	if (length == 0 || text[length])
		return "is not a variable's name: use letters, digits and _, no digit first";
	if (sbx_value_env_reserved(text))
		return "is set by the login itself: leave it out";
	return NULL;
}

static const char *check_env_pass(const char *text)
{
	size_t length = env_name_length(text);

	if (length > 0 && text[length] == '*' && !text[length + 1])
		return NULL;
	if (strchr(text, '*'))
		return "may have one * and only at the end of a prefix, as in \"LC_*\"";
	return check_env_name(text);
}

static const char *check_time(const char *text)
{
	int64_t time;

	return sbx_value_parse_time(text, &time);
}

const char *sbx_value_check(const struct sbx_value_form *form, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	if (strlen(text) > form->max_length)
		return "is too long";
	for (; *p; p++)
		if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
			return "has a control character in it: remove it";
	if (!text[0] && form != &sbx_form_env_value)
		return "is empty: leave the key out or give it a value";
	return form->check ? form->check(text) : NULL;
}

const struct sbx_value_form sbx_form_name = { "a name such as \"agent\"",
					      "^[a-z_][a-z0-9_.-]{0,31}$", 32, check_name };
const struct sbx_value_form sbx_form_image = {
	"an image such as \"localhost/sandbox-base:latest\"",
	"^[A-Za-z0-9][A-Za-z0-9._:/-]*(@sha256:[0-9a-f]{64})?$", 255, check_image
};
const struct sbx_value_form sbx_form_path = { "an absolute path such as \"/bin/bash\"",
					      "^/[^\\u0000-\\u001f\\u007f]*$", 1023, check_path };
const struct sbx_value_form sbx_form_mount_path = { "an absolute path such as \"/srv/data\"",
						    "^/[^\\u0000-\\u001f\\u007f,\\\"]+$", 1023,
						    check_mount_path };
const struct sbx_value_form sbx_form_device = {
	"a device such as \"/dev/dri\" or \"nvidia.com/gpu=all\"",
	"^(/dev/[^\\u0000-\\u001f\\u007f:,\\\"]+|[A-Za-z0-9][^/]*/[A-Za-z0-9][^=]*=[A-Za-z0-9].*)$",
	255, check_device
};
const struct sbx_value_form sbx_form_endpoint = { "an endpoint such as \"example.com:443\"",
						  "^[^ ]+:[1-9][0-9]{0,4}(/(tcp|udp))?$", 300,
						  check_endpoint };
const struct sbx_value_form sbx_form_cidr = { "an address such as \"192.0.2.0/24\"",
					      "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$", 64, check_cidr };
const struct sbx_value_form sbx_form_syscall = { "a system call such as \"ptrace\"", "^[a-z0-9_]+$",
						 64, check_syscall };
const struct sbx_value_form sbx_form_env_name = { "a variable's name", "^[A-Za-z_][A-Za-z0-9_]*$",
						  128, check_env_name };
const struct sbx_value_form sbx_form_env_value = { "a string", "^[^\\u0000-\\u001f\\u007f]*$", 4096,
						   NULL };
const struct sbx_value_form sbx_form_env_pass = { "a variable's name or a prefix such as \"LC_*\"",
						  "^[A-Za-z_][A-Za-z0-9_]*[*]?$", 128,
						  check_env_pass };
const struct sbx_value_form sbx_form_time = { "a time such as \"2027-12-31T23:59:59Z\"",
					      "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{"
					      "2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$",
					      64, check_time };
