#include "cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static int parse(const char *text, size_t length, struct sbx_address *address)
{
	char copy[INET6_ADDRSTRLEN];

	if (length >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	memset(address, 0, sizeof(*address));
	address->v4 = !strchr(copy, ':');
	return inet_pton(address->v4 ? AF_INET : AF_INET6, copy, address->bytes) == 1 ? 0 : -EINVAL;
}

static bool is_mapped(const struct sbx_address *address)
{
	return !address->v4 && memcmp(address->bytes, mapped, sizeof(mapped)) == 0;
}

static void unmap(struct sbx_address *address)
{
	memmove(address->bytes, address->bytes + sizeof(mapped), 4);
	memset(address->bytes + 4, 0, sizeof(mapped));
	address->v4 = true;
}

static bool is_link_local(const struct sbx_address *address)
{
	return !address->v4 && address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

/* The name or number of an interface. */
static bool is_zone(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && length < 16 &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       length;
}

int sbx_address_parse(const char *text, struct sbx_address *ret_address)
{
	struct sbx_address address;
	size_t length = strcspn(text, "%");

	if (parse(text, length, &address) < 0)
		return -EINVAL;
	if (text[length] && (!is_link_local(&address) || !is_zone(text + length + 1)))
		return -EINVAL;
	if (is_mapped(&address))
		unmap(&address);
	*ret_address = address;
	return 0;
}

/* The number behind the slash, -1 when it's none up to max. */
static int parse_prefix(const char *text, int max)
{
	size_t length = strlen(text);
	long value;

	if (length == 0 || length > 3 || strspn(text, "0123456789") != length)
		return -1;
	value = strtol(text, NULL, 10);
	return value <= max ? (int)value : -1;
}

bool sbx_cidr_contains(const char *cidr, const struct sbx_address *address)
{
	size_t length = strcspn(cidr, "/");
	struct sbx_address range;
	int prefix;

	if (parse(cidr, length, &range) < 0)
		return false;
	prefix = range.v4 ? 32 : 128;
	if (cidr[length])
		prefix = parse_prefix(cidr + length + 1, prefix);
	if (prefix >= 96 && is_mapped(&range)) {
		unmap(&range);
		prefix -= 96;
	}
	if (prefix < 0 || range.v4 != address->v4)
		return false;
	for (int bit = 0; bit < prefix; bit++)
		if ((range.bytes[bit / 8] ^ address->bytes[bit / 8]) & (0x80 >> (bit % 8)))
			return false;
	return true;
}
