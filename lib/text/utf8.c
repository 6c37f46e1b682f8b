// SPDX-License-Identifier: MIT
#include "text/utf8.h"

#include <string.h>

int ct_utf8_next(const char *s, size_t n, uint32_t *cp)
{
	unsigned char b = s[0], lo = 0x80, hi = 0xbf;
	uint32_t c;
	int i, len;

	if (b < 0x80) {
		*cp = b;
		return 1;
	} else if (b >= 0xc2 && b <= 0xdf) {
		len = 2;
		c = b & 0x1f;
	} else if (b >= 0xe0 && b <= 0xef) {
		len = 3;
		c = b & 0x0f;
		/* no overlong forms, no surrogates */
		if (b == 0xe0)
			lo = 0xa0;
		else if (b == 0xed)
			hi = 0x9f;
	} else if (b >= 0xf0 && b <= 0xf4) {
		len = 4;
		c = b & 0x07;
		/* no overlong forms, nothing above U+10FFFF */
		if (b == 0xf0)
			lo = 0x90;
		else if (b == 0xf4)
			hi = 0x8f;
	} else {
		return -1;
	}

	for (i = 1; i < len; i++) {
		if ((size_t)i == n)
			return 0;
		b = s[i];
		if (b < lo || b > hi)
			return -i;
		c = c << 6 | (b & 0x3f);
		lo = 0x80;
		hi = 0xbf;
	}
	*cp = c;
	return len;
}

size_t ct_utf8_valid(const char *s, size_t n)
{
	size_t i = 0;
	uint32_t cp;
	int len;

	while (i < n) {
		uint64_t w;

		while (n - i >= sizeof(w)) {
			memcpy(&w, s + i, sizeof(w));
			if (w & 0x8080808080808080u)
				break;
			i += sizeof(w);
		}
		if (i == n)
			break;
		len = ct_utf8_next(s + i, n - i, &cp);
		if (len <= 0)
			break;
		i += len;
	}
	return i;
}

void ct_utf8_mend(char *s, size_t n, char sub)
{
	size_t i = 0, bad;
	uint32_t cp;
	int len;

	while ((i += ct_utf8_valid(s + i, n - i)) < n) {
		len = ct_utf8_next(s + i, n - i, &cp);
		bad = len ? (size_t)-len : n - i;
		memset(s + i, sub, bad);
		i += bad;
	}
}

bool ct_utf8_is_space(uint32_t cp)
{
	return (cp >= 0x09 && cp <= 0x0d) || cp == 0x20 || cp == 0x85 ||
	       cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) ||
	       cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f ||
	       cp == 0x3000;
}
