/*
 * Addresses and ranges of them: is 192.0.2.7 in 192.0.2.0/24? Pure, and fit for text from anywhere.
 *
 * An IPv4 address that is written as IPv6 (::ffff:192.0.2.7) is the IPv4 one, in addresses and in
 * ranges alike. ::/0 is all of IPv6 and none of IPv4. No name is ever looked up.
 */
#ifndef SBX_CIDR_H
#define SBX_CIDR_H

#include <stdbool.h>
#include <stdint.h>

struct sbx_address {
	bool v4;
	uint8_t bytes[16]; /* IPv4 has the first four */
};

/*
 * Read one address. A link-local one may have a zone behind it ("fe80::1%eth0"), which is
 * dropped. Returns 0, or -EINVAL for anything else, host names included.
 */
int sbx_address_parse(const char *text, struct sbx_address *ret_address);

/* Is the address in the range? A range that is none ("192.0.2.0/33") has nothing in it. */
bool sbx_cidr_contains(const char *cidr, const struct sbx_address *address);

#endif
