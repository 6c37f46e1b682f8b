// SPDX-License-Identifier: MIT
/* Generated once, from Unicode 14. Sorted. */
#include <stddef.h>

#include "text/moses_chars.h"

/* Every @step-th character from @first to @last; the first becomes @to. */
struct run {
	uint32_t first, last, step, to;
};

#define L(first, last, step, to)	{ 0x##first, 0x##last, step, 0x##to },

static const struct run runs[] = {
	L(41, 5a, 1, 61) L(c0, d6, 1, e0) L(d8, de, 1, f8) L(100, 12e, 2, 101)
	L(130, 130, 1, 69)
	L(132, 136, 2, 133) L(139, 147, 2, 13a) L(14a, 176, 2, 14b)
	L(178, 178, 1, ff) L(179, 17d, 2, 17a) L(181, 181, 1, 253)
	L(182, 184, 2, 183) L(186, 186, 1, 254) L(187, 187, 1, 188)
	L(189, 18a, 1, 256) L(18b, 18b, 1, 18c) L(18e, 18e, 1, 1dd)
	L(18f, 18f, 1, 259) L(190, 190, 1, 25b) L(191, 191, 1, 192)
	L(193, 193, 1, 260) L(194, 194, 1, 263) L(196, 196, 1, 269)
	L(197, 197, 1, 268) L(198, 198, 1, 199) L(19c, 19c, 1, 26f)
	L(19d, 19d, 1, 272) L(19f, 19f, 1, 275) L(1a0, 1a4, 2, 1a1)
	L(1a6, 1a6, 1, 280) L(1a7, 1a7, 1, 1a8) L(1a9, 1a9, 1, 283)
	L(1ac, 1ac, 1, 1ad) L(1ae, 1ae, 1, 288) L(1af, 1af, 1, 1b0)
	L(1b1, 1b2, 1, 28a) L(1b3, 1b5, 2, 1b4) L(1b7, 1b7, 1, 292)
	L(1b8, 1b8, 1, 1b9) L(1bc, 1bc, 1, 1bd) L(1c4, 1c4, 1, 1c6)
	L(1c5, 1c5, 1, 1c6) L(1c7, 1c7, 1, 1c9) L(1c8, 1c8, 1, 1c9)
	L(1ca, 1ca, 1, 1cc) L(1cb, 1db, 2, 1cc) L(1de, 1ee, 2, 1df)
	L(1f1, 1f1, 1, 1f3) L(1f2, 1f4, 2, 1f3) L(1f6, 1f6, 1, 195)
	L(1f7, 1f7, 1, 1bf) L(1f8, 21e, 2, 1f9) L(220, 220, 1, 19e)
	L(222, 232, 2, 223) L(23a, 23a, 1, 2c65) L(23b, 23b, 1, 23c)
	L(23d, 23d, 1, 19a) L(23e, 23e, 1, 2c66) L(241, 241, 1, 242)
	L(243, 243, 1, 180) L(244, 244, 1, 289) L(245, 245, 1, 28c)
	L(246, 24e, 2, 247) L(370, 372, 2, 371) L(376, 376, 1, 377)
	L(37f, 37f, 1, 3f3) L(386, 386, 1, 3ac) L(388, 38a, 1, 3ad)
	L(38c, 38c, 1, 3cc) L(38e, 38f, 1, 3cd) L(391, 3a1, 1, 3b1)
	L(3a3, 3ab, 1, 3c3) L(3cf, 3cf, 1, 3d7) L(3d8, 3ee, 2, 3d9)
	L(3f4, 3f4, 1, 3b8) L(3f7, 3f7, 1, 3f8) L(3f9, 3f9, 1, 3f2)
	L(3fa, 3fa, 1, 3fb) L(3fd, 3ff, 1, 37b) L(400, 40f, 1, 450)
	L(410, 42f, 1, 430) L(460, 480, 2, 461) L(48a, 4be, 2, 48b)
	L(4c0, 4c0, 1, 4cf) L(4c1, 4cd, 2, 4c2) L(4d0, 52e, 2, 4d1)
	L(531, 556, 1, 561) L(10a0, 10c5, 1, 2d00) L(10c7, 10c7, 1, 2d27)
	L(10cd, 10cd, 1, 2d2d) L(13a0, 13ef, 1, ab70) L(13f0, 13f5, 1, 13f8)
	L(1c90, 1cba, 1, 10d0) L(1cbd, 1cbf, 1, 10fd) L(1e00, 1e94, 2, 1e01)
	L(1e9e, 1e9e, 1, df) L(1ea0, 1efe, 2, 1ea1) L(1f08, 1f0f, 1, 1f00)
	L(1f18, 1f1d, 1, 1f10) L(1f28, 1f2f, 1, 1f20) L(1f38, 1f3f, 1, 1f30)
	L(1f48, 1f4d, 1, 1f40) L(1f59, 1f5f, 2, 1f51) L(1f68, 1f6f, 1, 1f60)
	L(1f88, 1f8f, 1, 1f80) L(1f98, 1f9f, 1, 1f90) L(1fa8, 1faf, 1, 1fa0)
	L(1fb8, 1fb9, 1, 1fb0) L(1fba, 1fbb, 1, 1f70) L(1fbc, 1fbc, 1, 1fb3)
	L(1fc8, 1fcb, 1, 1f72) L(1fcc, 1fcc, 1, 1fc3) L(1fd8, 1fd9, 1, 1fd0)
	L(1fda, 1fdb, 1, 1f76) L(1fe8, 1fe9, 1, 1fe0) L(1fea, 1feb, 1, 1f7a)
	L(1fec, 1fec, 1, 1fe5) L(1ff8, 1ff9, 1, 1f78) L(1ffa, 1ffb, 1, 1f7c)
	L(1ffc, 1ffc, 1, 1ff3) L(2126, 2126, 1, 3c9) L(212a, 212a, 1, 6b)
	L(212b, 212b, 1, e5) L(2132, 2132, 1, 214e) L(2160, 216f, 1, 2170)
	L(2183, 2183, 1, 2184) L(24b6, 24cf, 1, 24d0) L(2c00, 2c2f, 1, 2c30)
	L(2c60, 2c60, 1, 2c61) L(2c62, 2c62, 1, 26b) L(2c63, 2c63, 1, 1d7d)
	L(2c64, 2c64, 1, 27d) L(2c67, 2c6b, 2, 2c68) L(2c6d, 2c6d, 1, 251)
	L(2c6e, 2c6e, 1, 271) L(2c6f, 2c6f, 1, 250) L(2c70, 2c70, 1, 252)
	L(2c72, 2c72, 1, 2c73) L(2c75, 2c75, 1, 2c76) L(2c7e, 2c7f, 1, 23f)
	L(2c80, 2ce2, 2, 2c81) L(2ceb, 2ced, 2, 2cec) L(2cf2, 2cf2, 1, 2cf3)
	L(a640, a66c, 2, a641) L(a680, a69a, 2, a681) L(a722, a72e, 2, a723)
	L(a732, a76e, 2, a733) L(a779, a77b, 2, a77a) L(a77d, a77d, 1, 1d79)
	L(a77e, a786, 2, a77f) L(a78b, a78b, 1, a78c) L(a78d, a78d, 1, 265)
	L(a790, a792, 2, a791) L(a796, a7a8, 2, a797) L(a7aa, a7aa, 1, 266)
	L(a7ab, a7ab, 1, 25c) L(a7ac, a7ac, 1, 261) L(a7ad, a7ad, 1, 26c)
	L(a7ae, a7ae, 1, 26a) L(a7b0, a7b0, 1, 29e) L(a7b1, a7b1, 1, 287)
	L(a7b2, a7b2, 1, 29d) L(a7b3, a7b3, 1, ab53) L(a7b4, a7c2, 2, a7b5)
	L(a7c4, a7c4, 1, a794) L(a7c5, a7c5, 1, 282) L(a7c6, a7c6, 1, 1d8e)
	L(a7c7, a7c9, 2, a7c8) L(a7d0, a7d0, 1, a7d1) L(a7d6, a7d8, 2, a7d7)
	L(a7f5, a7f5, 1, a7f6) L(ff21, ff3a, 1, ff41) L(10400, 10427, 1, 10428)
	L(104b0, 104d3, 1, 104d8) L(10570, 1057a, 1, 10597)
	L(1057c, 1058a, 1, 105a3) L(1058c, 10592, 1, 105b3)
	L(10594, 10595, 1, 105bb) L(10c80, 10cb2, 1, 10cc0)
	L(118a0, 118bf, 1, 118c0) L(16e40, 16e5f, 1, 16e60)
	L(1e900, 1e921, 1, 1e922)
};

uint32_t ct_moses_lower_of(uint32_t c)
{
	size_t n = sizeof(runs) / sizeof(runs[0]), low = 0, high = n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (runs[mid].last < c)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == n || c < runs[low].first ||
	    (c - runs[low].first) % runs[low].step)
		return c;
	return runs[low].to + (c - runs[low].first);
}
