// SPDX-License-Identifier: MIT
/*
 * Generated once, from the character lists of sacremoses 0.1.1 and from
 * Unicode 14; see moses_chars.h. All are sorted.
 */
#include "text/moses_chars.h"

#include <stddef.h>

#include "text/utf8.h"

struct range {
	uint32_t first, last;
};

struct stepped {
	uint32_t first, last, step;
};

#define R(a, b)		{ 0x##a, 0x##b },
#define S(a, b, step)	{ 0x##a, 0x##b, step },

/* IsAlpha */
static const struct range alpha[] = {
	R(41, 5a) R(61, 7a) R(aa, aa) R(b5, b5) R(ba, ba) R(c0, d6) R(d8, f6)
	R(f8, 2c1) R(2c6, 2d1) R(2e0, 2e4) R(2ec, 2ec) R(2ee, 2ee) R(345, 345)
	R(370, 374) R(376, 377) R(37a, 37d) R(37f, 37f) R(386, 386) R(388, 38a)
	R(38c, 38c) R(38e, 3a1) R(3a3, 3f5) R(3f7, 481) R(48a, 52f) R(531, 556)
	R(559, 559) R(561, 587) R(5b0, 5bd) R(5bf, 5bf) R(5c1, 5c2) R(5c4, 5c5)
	R(5c7, 5c7) R(5d0, 5ea) R(5f0, 5f2) R(610, 61a) R(620, 657) R(659, 65f)
	R(66e, 6d3) R(6d5, 6dc) R(6e1, 6e8) R(6ed, 6ef) R(6fa, 6fc) R(6ff, 6ff)
	R(710, 73f) R(74d, 7b1) R(7ca, 7ea) R(7f4, 7f5) R(7fa, 7fa) R(800, 817)
	R(81a, 82c) R(840, 858) R(8a0, 8b2) R(8e4, 8e9) R(8f0, 93b) R(93d, 94c)
	R(94e, 950) R(955, 963) R(971, 983) R(985, 98c) R(98f, 990) R(993, 9a8)
	R(9aa, 9b0) R(9b2, 9b2) R(9b6, 9b9) R(9bd, 9c4) R(9c7, 9c8) R(9cb, 9cc)
	R(9ce, 9ce) R(9d7, 9d7) R(9dc, 9dd) R(9df, 9e3) R(9f0, 9f1) R(a01, a03)
	R(a05, a0a) R(a0f, a10) R(a13, a28) R(a2a, a30) R(a32, a33) R(a35, a36)
	R(a38, a39) R(a3e, a42) R(a47, a48) R(a4b, a4c) R(a51, a51) R(a59, a5c)
	R(a5e, a5e) R(a70, a75) R(a81, a83) R(a85, a8d) R(a8f, a91) R(a93, aa8)
	R(aaa, ab0) R(ab2, ab3) R(ab5, ab9) R(abd, ac5) R(ac7, ac9) R(acb, acc)
	R(ad0, ad0) R(ae0, ae3) R(b01, b03) R(b05, b0c) R(b0f, b10) R(b13, b28)
	R(b2a, b30) R(b32, b33) R(b35, b39) R(b3d, b44) R(b47, b48) R(b4b, b4c)
	R(b56, b57) R(b5c, b5d) R(b5f, b63) R(b71, b71) R(b82, b83) R(b85, b8a)
	R(b8e, b90) R(b92, b95) R(b99, b9a) R(b9c, b9c) R(b9e, b9f) R(ba3, ba4)
	R(ba8, baa) R(bae, bb9) R(bbe, bc2) R(bc6, bc8) R(bca, bcc) R(bd0, bd0)
	R(bd7, bd7) R(c00, c03) R(c05, c0c) R(c0e, c10) R(c12, c28) R(c2a, c39)
	R(c3d, c44) R(c46, c48) R(c4a, c4c) R(c55, c56) R(c58, c59) R(c60, c63)
	R(c81, c83) R(c85, c8c) R(c8e, c90) R(c92, ca8) R(caa, cb3) R(cb5, cb9)
	R(cbd, cc4) R(cc6, cc8) R(cca, ccc) R(cd5, cd6) R(cde, cde) R(ce0, ce3)
	R(cf1, cf2) R(d01, d03) R(d05, d0c) R(d0e, d10) R(d12, d3a) R(d3d, d44)
	R(d46, d48) R(d4a, d4c) R(d4e, d4e) R(d57, d57) R(d60, d63) R(d7a, d7f)
	R(d82, d83) R(d85, d96) R(d9a, db1) R(db3, dbb) R(dbd, dbd) R(dc0, dc6)
	R(dcf, dd4) R(dd6, dd6) R(dd8, ddf) R(df2, df3) R(e01, e3a) R(e40, e46)
	R(e4d, e4d) R(e81, e82) R(e84, e84) R(e87, e88) R(e8a, e8a) R(e8d, e8d)
	R(e94, e97) R(e99, e9f) R(ea1, ea3) R(ea5, ea5) R(ea7, ea7) R(eaa, eab)
	R(ead, eb9) R(ebb, ebd) R(ec0, ec4) R(ec6, ec6) R(ecd, ecd) R(edc, edf)
	R(f00, f00) R(f40, f47) R(f49, f6c) R(f71, f81) R(f88, f97) R(f99, fbc)
	R(1000, 1036) R(1038, 1038) R(103b, 103f) R(1050, 1062) R(1065, 1068)
	R(106e, 1086) R(108e, 108e) R(109c, 109d) R(10a0, 10c5) R(10c7, 10c7)
	R(10cd, 10cd) R(10d0, 10fa) R(10fc, 1248) R(124a, 124d) R(1250, 1256)
	R(1258, 1258) R(125a, 125d) R(1260, 1288) R(128a, 128d) R(1290, 12b0)
	R(12b2, 12b5) R(12b8, 12be) R(12c0, 12c0) R(12c2, 12c5) R(12c8, 12d6)
	R(12d8, 1310) R(1312, 1315) R(1318, 135a) R(135f, 135f) R(1380, 138f)
	R(13a0, 13f4) R(1401, 166c) R(166f, 167f) R(1681, 169a) R(16a0, 16ea)
	R(16ee, 16f8) R(1700, 170c) R(170e, 1713) R(1720, 1733) R(1740, 1753)
	R(1760, 176c) R(176e, 1770) R(1772, 1773) R(1780, 17b3) R(17b6, 17c8)
	R(17d7, 17d7) R(17dc, 17dc) R(1820, 1877) R(1880, 18aa) R(18b0, 18f5)
	R(1900, 191e) R(1920, 192b) R(1930, 1938) R(1950, 196d) R(1970, 1974)
	R(1980, 19ab) R(19b0, 19c9) R(1a00, 1a1b) R(1a20, 1a5e) R(1a61, 1a74)
	R(1aa7, 1aa7) R(1b00, 1b33) R(1b35, 1b43) R(1b45, 1b4b) R(1b80, 1ba9)
	R(1bac, 1baf) R(1bba, 1be5) R(1be7, 1bf1) R(1c00, 1c35) R(1c4d, 1c4f)
	R(1c5a, 1c7d) R(1ce9, 1cec) R(1cee, 1cf3) R(1cf5, 1cf6) R(1d00, 1dbf)
	R(1de7, 1df4) R(1e00, 1f15) R(1f18, 1f1d) R(1f20, 1f45) R(1f48, 1f4d)
	R(1f50, 1f57) R(1f59, 1f59) R(1f5b, 1f5b) R(1f5d, 1f5d) R(1f5f, 1f7d)
	R(1f80, 1fb4) R(1fb6, 1fbc) R(1fbe, 1fbe) R(1fc2, 1fc4) R(1fc6, 1fcc)
	R(1fd0, 1fd3) R(1fd6, 1fdb) R(1fe0, 1fec) R(1ff2, 1ff4) R(1ff6, 1ffc)
	R(2071, 2071) R(207f, 207f) R(2090, 209c) R(2102, 2102) R(2107, 2107)
	R(210a, 2113) R(2115, 2115) R(2119, 211d) R(2124, 2124) R(2126, 2126)
	R(2128, 2128) R(212a, 212d) R(212f, 2139) R(213c, 213f) R(2145, 2149)
	R(214e, 214e) R(2160, 2188) R(24b6, 24e9) R(25cc, 25cc) R(2c00, 2c2e)
	R(2c30, 2c5e) R(2c60, 2ce4) R(2ceb, 2cee) R(2cf2, 2cf3) R(2d00, 2d25)
	R(2d27, 2d27) R(2d2d, 2d2d) R(2d30, 2d67) R(2d6f, 2d6f) R(2d80, 2d96)
	R(2da0, 2da6) R(2da8, 2dae) R(2db0, 2db6) R(2db8, 2dbe) R(2dc0, 2dc6)
	R(2dc8, 2dce) R(2dd0, 2dd6) R(2dd8, 2dde) R(2de0, 2dff) R(2e2f, 2e2f)
	R(3006, 3006) R(3031, 3035) R(303c, 303c) R(3041, 3096) R(309d, 309f)
	R(30a1, 30fa) R(30fc, 30ff) R(3105, 312d) R(3131, 318e) R(31a0, 31ba)
	R(31f0, 31ff) R(a000, a48c) R(a4d0, a4fd) R(a500, a60c) R(a610, a61f)
	R(a62a, a62b) R(a640, a66e) R(a674, a67b) R(a67f, a69d) R(a69f, a6ef)
	R(a717, a71f) R(a722, a788) R(a78b, a78e) R(a790, a7ad) R(a7b0, a7b1)
	R(a7f7, a801) R(a803, a805) R(a807, a80a) R(a80c, a827) R(a840, a873)
	R(a880, a8c3) R(a8f2, a8f7) R(a8fb, a8fb) R(a90a, a92a) R(a930, a952)
	R(a960, a97c) R(a980, a9b2) R(a9b4, a9bf) R(a9cf, a9cf) R(a9e0, a9e4)
	R(a9e6, a9ef) R(a9fa, a9fe) R(aa00, aa36) R(aa40, aa4d) R(aa60, aa76)
	R(aa7a, aa7a) R(aa7e, aabe) R(aac0, aac0) R(aac2, aac2) R(aadb, aadd)
	R(aae0, aaef) R(aaf2, aaf5) R(ab01, ab06) R(ab09, ab0e) R(ab11, ab16)
	R(ab20, ab26) R(ab28, ab2e) R(ab30, ab5a) R(ab5c, ab5f) R(ab64, ab65)
	R(abc0, abea) R(d7b0, d7c6) R(d7cb, d7fb) R(fb00, fb06) R(fb13, fb17)
	R(fb1d, fb28) R(fb2a, fb36) R(fb38, fb3c) R(fb3e, fb3e) R(fb40, fb41)
	R(fb43, fb44) R(fb46, fbb1) R(fbd3, fd3d) R(fd50, fd8f) R(fd92, fdc7)
	R(fdf0, fdfb) R(fe70, fe74) R(fe76, fefc) R(ff21, ff3a) R(ff41, ff5a)
	R(ff66, ffbe) R(ffc2, ffc7) R(ffca, ffcf) R(ffd2, ffd7) R(ffda, ffdc)
};

/* What IsAlnum has more than IsAlpha */
static const struct range digit[] = {
	R(30, 39) R(660, 669) R(6f0, 6f9) R(7c0, 7c9) R(966, 96f) R(9e6, 9ef)
	R(a66, a6f) R(ae6, aef) R(b66, b6f) R(be6, bef) R(c66, c6f) R(ce6, cef)
	R(d66, d6f) R(de6, def) R(e50, e59) R(ed0, ed9) R(f20, f29)
	R(1040, 1049) R(1090, 1099) R(17e0, 17e9) R(1810, 1819) R(1946, 194f)
	R(19d0, 19d9) R(1a80, 1a89) R(1a90, 1a99) R(1b50, 1b59) R(1bb0, 1bb9)
	R(1c40, 1c49) R(1c50, 1c59) R(a620, a629) R(a8d0, a8d9) R(a900, a909)
	R(a9d0, a9d9) R(a9f0, a9f9) R(aa50, aa59) R(abf0, abf9) R(ff10, ff19)
};

/* Viramas and nuktas that are not in IsAlpha */
static const struct range mark[] = {
	R(93c, 93c) R(94d, 94d) R(9bc, 9bc) R(9cd, 9cd) R(a3c, a3c) R(a4d, a4d)
	R(abc, abc) R(acd, acd) R(afd, aff) R(b3c, b3c) R(b4d, b4d) R(bcd, bcd)
	R(c4d, c4d) R(cbc, cbc) R(ccd, ccd) R(d3b, d3c) R(d4d, d4d) R(dca, dca)
	R(eba, eba) R(1039, 1039) R(1714, 1714) R(1bab, 1bab) R(1c37, 1c37)
	R(a8c4, a8c4) R(a953, a953) R(aaf6, aaf6) R(10a3f, 10a3f)
	R(11046, 11046) R(110b9, 110ba) R(11133, 11133) R(11173, 11173)
	R(111c0, 111c0) R(111ca, 111ca) R(11235, 11236) R(112e9, 112ea)
	R(1133c, 1133c) R(1134d, 1134d) R(11442, 11442) R(11446, 11446)
	R(114c2, 114c3) R(115bf, 115c0) R(1163f, 1163f) R(116b6, 116b7)
	R(11839, 1183a) R(119e0, 119e0) R(11a34, 11a34) R(11c3f, 11c3f)
	R(11d42, 11d42) R(11d45, 11d45) R(11d97, 11d97) R(1e94a, 1e94a)
};

/* IsN */
static const struct range number[] = {
	R(30, 39) R(b2, b3) R(b9, b9) R(bc, be) R(660, 669) R(6f0, 6f9)
	R(7c0, 7c9) R(966, 96f) R(9e6, 9ef) R(9f4, 9f9) R(a66, a6f) R(ae6, aef)
	R(b66, b6f) R(b72, b77) R(be6, bf2) R(c66, c6f) R(c78, c7e) R(ce6, cef)
	R(d66, d75) R(de6, def) R(e50, e59) R(ed0, ed9) R(f20, f33)
	R(1040, 1049) R(1090, 1099) R(1369, 137c) R(16ee, 16f0) R(17e0, 17e9)
	R(17f0, 17f9) R(1810, 1819) R(1946, 194f) R(19d0, 19da) R(1a80, 1a89)
	R(1a90, 1a99) R(1b50, 1b59) R(1bb0, 1bb9) R(1c40, 1c49) R(1c50, 1c59)
	R(2070, 2070) R(2074, 2079) R(2080, 2089) R(2150, 2182) R(2185, 2189)
	R(2460, 249b) R(24ea, 24ff) R(2776, 2793) R(2cfd, 2cfd) R(3192, 3195)
	R(3220, 3229) R(3248, 324f) R(3251, 325f) R(3280, 3289) R(32b1, 32bf)
	R(a620, a629) R(a6e6, a6ef) R(a830, a835) R(a8d0, a8d9) R(a900, a909)
	R(a9d0, a9d9) R(a9f0, a9f9) R(aa50, aa59) R(abf0, abf9) R(ff10, ff19)
};

/* Category Nd */
static const struct range decimal[] = {
	R(30, 39) R(660, 669) R(6f0, 6f9) R(7c0, 7c9) R(966, 96f) R(9e6, 9ef)
	R(a66, a6f) R(ae6, aef) R(b66, b6f) R(be6, bef) R(c66, c6f) R(ce6, cef)
	R(d66, d6f) R(de6, def) R(e50, e59) R(ed0, ed9) R(f20, f29)
	R(1040, 1049) R(1090, 1099) R(17e0, 17e9) R(1810, 1819) R(1946, 194f)
	R(19d0, 19d9) R(1a80, 1a89) R(1a90, 1a99) R(1b50, 1b59) R(1bb0, 1bb9)
	R(1c40, 1c49) R(1c50, 1c59) R(a620, a629) R(a8d0, a8d9) R(a900, a909)
	R(a9d0, a9d9) R(a9f0, a9f9) R(aa50, aa59) R(abf0, abf9) R(ff10, ff19)
	R(104a0, 104a9) R(10d30, 10d39) R(11066, 1106f) R(110f0, 110f9)
	R(11136, 1113f) R(111d0, 111d9) R(112f0, 112f9) R(11450, 11459)
	R(114d0, 114d9) R(11650, 11659) R(116c0, 116c9) R(11730, 11739)
	R(118e0, 118e9) R(11950, 11959) R(11c50, 11c59) R(11d50, 11d59)
	R(11da0, 11da9) R(16a60, 16a69) R(16ac0, 16ac9) R(16b50, 16b59)
	R(1d7ce, 1d7ff) R(1e140, 1e149) R(1e2f0, 1e2f9) R(1e950, 1e959)
	R(1fbf0, 1fbf9)
};

/* IsSc */
static const struct range currency[] = {
	R(24, 24) R(a2, a5) R(58f, 58f) R(60b, 60b) R(9f2, 9f3) R(9fb, 9fb)
	R(af1, af1) R(bf9, bf9) R(e3f, e3f) R(17db, 17db) R(20a0, 20bd)
	R(a838, a838) R(fdfc, fdfc) R(fe69, fe69) R(ff04, ff04) R(ffe0, ffe1)
	R(ffe5, ffe6)
};

/* IsLower; U+25CC is in the list, too */
static const struct stepped lower[] = {
	S(61, 7a, 1) S(aa, aa, 1) S(b5, b5, 1) S(ba, ba, 1) S(df, f6, 1)
	S(f8, ff, 1) S(101, 137, 2) S(138, 148, 2) S(149, 177, 2) S(17a, 17e, 2)
	S(17f, 180, 1) S(183, 183, 1) S(185, 185, 1) S(188, 188, 1)
	S(18c, 18d, 1) S(192, 192, 1) S(195, 195, 1) S(199, 19b, 1)
	S(19e, 19e, 1) S(1a1, 1a5, 2) S(1a8, 1a8, 1) S(1aa, 1ab, 1)
	S(1ad, 1ad, 1) S(1b0, 1b0, 1) S(1b4, 1b4, 1) S(1b6, 1b6, 1)
	S(1b9, 1ba, 1) S(1bd, 1bf, 1) S(1c6, 1c6, 1) S(1c9, 1c9, 1)
	S(1cc, 1dc, 2) S(1dd, 1ef, 2) S(1f0, 1f0, 1) S(1f3, 1f3, 1)
	S(1f5, 1f5, 1) S(1f9, 233, 2) S(234, 239, 1) S(23c, 23c, 1)
	S(23f, 240, 1) S(242, 242, 1) S(247, 24f, 2) S(250, 293, 1)
	S(295, 2b8, 1) S(2c0, 2c1, 1) S(2e0, 2e4, 1) S(345, 345, 1)
	S(371, 371, 1) S(373, 373, 1) S(377, 377, 1) S(37a, 37d, 1)
	S(390, 390, 1) S(3ac, 3ce, 1) S(3d0, 3d1, 1) S(3d5, 3d7, 1)
	S(3d9, 3ef, 2) S(3f0, 3f3, 1) S(3f5, 3f5, 1) S(3f8, 3f8, 1)
	S(3fb, 3fc, 1) S(430, 45f, 1) S(461, 481, 2) S(48b, 4bf, 2)
	S(4c2, 4ce, 2) S(4cf, 52f, 2) S(561, 587, 1) S(13f8, 13fd, 1)
	S(1c80, 1c88, 1) S(1d00, 1dbf, 1) S(1e01, 1e95, 2) S(1e96, 1e9d, 1)
	S(1e9f, 1eff, 2) S(1f00, 1f07, 1) S(1f10, 1f15, 1) S(1f20, 1f27, 1)
	S(1f30, 1f37, 1) S(1f40, 1f45, 1) S(1f50, 1f57, 1) S(1f60, 1f67, 1)
	S(1f70, 1f7d, 1) S(1f80, 1f87, 1) S(1f90, 1f97, 1) S(1fa0, 1fa7, 1)
	S(1fb0, 1fb4, 1) S(1fb6, 1fb7, 1) S(1fbe, 1fbe, 1) S(1fc2, 1fc4, 1)
	S(1fc6, 1fc7, 1) S(1fd0, 1fd3, 1) S(1fd6, 1fd7, 1) S(1fe0, 1fe7, 1)
	S(1ff2, 1ff4, 1) S(1ff6, 1ff7, 1) S(2071, 2071, 1) S(207f, 207f, 1)
	S(2090, 209c, 1) S(210a, 210a, 1) S(210e, 210f, 1) S(2113, 2113, 1)
	S(212f, 212f, 1) S(2134, 2134, 1) S(2139, 2139, 1) S(213c, 213d, 1)
	S(2146, 2149, 1) S(214e, 214e, 1) S(2170, 217f, 1) S(2184, 2184, 1)
	S(24d0, 24e9, 1) S(25cc, 25cc, 1) S(2c30, 2c5e, 1) S(2c61, 2c61, 1)
	S(2c65, 2c66, 1) S(2c68, 2c6c, 2) S(2c71, 2c71, 1) S(2c73, 2c74, 1)
	S(2c76, 2c7d, 1) S(2c81, 2ce3, 2) S(2ce4, 2ce4, 1) S(2cec, 2cec, 1)
	S(2cee, 2cee, 1) S(2cf3, 2cf3, 1) S(2d00, 2d25, 1) S(2d27, 2d27, 1)
	S(2d2d, 2d2d, 1) S(a641, a66d, 2) S(a681, a69b, 2) S(a69c, a69d, 1)
	S(a723, a72f, 2) S(a730, a731, 1) S(a733, a76f, 2) S(a770, a778, 1)
	S(a77a, a77a, 1) S(a77c, a77c, 1) S(a77f, a787, 2) S(a78c, a78c, 1)
	S(a78e, a78e, 1) S(a791, a791, 1) S(a793, a795, 1) S(a797, a7a9, 2)
	S(a7b5, a7b5, 1) S(a7b7, a7b7, 1) S(a7f8, a7fa, 1) S(ab30, ab5a, 1)
	S(ab5c, ab65, 1) S(ab70, abbf, 1) S(fb00, fb06, 1) S(fb13, fb17, 1)
	S(ff41, ff5a, 1) S(10428, 1044f, 1) S(104d8, 104fb, 1)
	S(10cc0, 10cf2, 1) S(118c0, 118df, 1) S(1d41a, 1d433, 1)
	S(1d44e, 1d454, 1) S(1d456, 1d467, 1) S(1d482, 1d49b, 1)
	S(1d4b6, 1d4b9, 1) S(1d4bb, 1d4bb, 1) S(1d4bd, 1d4c3, 1)
	S(1d4c5, 1d4cf, 1) S(1d4ea, 1d503, 1) S(1d51e, 1d537, 1)
	S(1d552, 1d56b, 1) S(1d586, 1d59f, 1) S(1d5ba, 1d5d3, 1)
	S(1d5ee, 1d607, 1) S(1d622, 1d63b, 1) S(1d656, 1d66f, 1)
	S(1d68a, 1d6a5, 1) S(1d6c2, 1d6da, 1) S(1d6dc, 1d6e1, 1)
	S(1d6fc, 1d714, 1) S(1d716, 1d71b, 1) S(1d736, 1d74e, 1)
	S(1d750, 1d755, 1) S(1d770, 1d788, 1) S(1d78a, 1d78f, 1)
	S(1d7aa, 1d7c2, 1) S(1d7c4, 1d7c9, 1) S(1d7cb, 1d7cb, 1)
	S(1e922, 1e943, 1)
};

/* Category C, and the surrogates between */
static const struct range unprinted[] = {
	R(0, 1f) R(7f, 9f) R(ad, ad) R(378, 379) R(380, 383) R(38b, 38b)
	R(38d, 38d) R(3a2, 3a2) R(530, 530) R(557, 558) R(58b, 58c) R(590, 590)
	R(5c8, 5cf) R(5eb, 5ee) R(5f5, 605) R(61c, 61c) R(6dd, 6dd) R(70e, 70f)
	R(74b, 74c) R(7b2, 7bf) R(7fb, 7fc) R(82e, 82f) R(83f, 83f) R(85c, 85d)
	R(85f, 85f) R(86b, 86f) R(88f, 897) R(8e2, 8e2) R(984, 984) R(98d, 98e)
	R(991, 992) R(9a9, 9a9) R(9b1, 9b1) R(9b3, 9b5) R(9ba, 9bb) R(9c5, 9c6)
	R(9c9, 9ca) R(9cf, 9d6) R(9d8, 9db) R(9de, 9de) R(9e4, 9e5) R(9ff, a00)
	R(a04, a04) R(a0b, a0e) R(a11, a12) R(a29, a29) R(a31, a31) R(a34, a34)
	R(a37, a37) R(a3a, a3b) R(a3d, a3d) R(a43, a46) R(a49, a4a) R(a4e, a50)
	R(a52, a58) R(a5d, a5d) R(a5f, a65) R(a77, a80) R(a84, a84) R(a8e, a8e)
	R(a92, a92) R(aa9, aa9) R(ab1, ab1) R(ab4, ab4) R(aba, abb) R(ac6, ac6)
	R(aca, aca) R(ace, acf) R(ad1, adf) R(ae4, ae5) R(af2, af8) R(b00, b00)
	R(b04, b04) R(b0d, b0e) R(b11, b12) R(b29, b29) R(b31, b31) R(b34, b34)
	R(b3a, b3b) R(b45, b46) R(b49, b4a) R(b4e, b54) R(b58, b5b) R(b5e, b5e)
	R(b64, b65) R(b78, b81) R(b84, b84) R(b8b, b8d) R(b91, b91) R(b96, b98)
	R(b9b, b9b) R(b9d, b9d) R(ba0, ba2) R(ba5, ba7) R(bab, bad) R(bba, bbd)
	R(bc3, bc5) R(bc9, bc9) R(bce, bcf) R(bd1, bd6) R(bd8, be5) R(bfb, bff)
	R(c0d, c0d) R(c11, c11) R(c29, c29) R(c3a, c3b) R(c45, c45) R(c49, c49)
	R(c4e, c54) R(c57, c57) R(c5b, c5c) R(c5e, c5f) R(c64, c65) R(c70, c76)
	R(c8d, c8d) R(c91, c91) R(ca9, ca9) R(cb4, cb4) R(cba, cbb) R(cc5, cc5)
	R(cc9, cc9) R(cce, cd4) R(cd7, cdc) R(cdf, cdf) R(ce4, ce5) R(cf0, cf0)
	R(cf3, cff) R(d0d, d0d) R(d11, d11) R(d45, d45) R(d49, d49) R(d50, d53)
	R(d64, d65) R(d80, d80) R(d84, d84) R(d97, d99) R(db2, db2) R(dbc, dbc)
	R(dbe, dbf) R(dc7, dc9) R(dcb, dce) R(dd5, dd5) R(dd7, dd7) R(de0, de5)
	R(df0, df1) R(df5, e00) R(e3b, e3e) R(e5c, e80) R(e83, e83) R(e85, e85)
	R(e8b, e8b) R(ea4, ea4) R(ea6, ea6) R(ebe, ebf) R(ec5, ec5) R(ec7, ec7)
	R(ece, ecf) R(eda, edb) R(ee0, eff) R(f48, f48) R(f6d, f70) R(f98, f98)
	R(fbd, fbd) R(fcd, fcd) R(fdb, fff) R(10c6, 10c6) R(10c8, 10cc)
	R(10ce, 10cf) R(1249, 1249) R(124e, 124f) R(1257, 1257) R(1259, 1259)
	R(125e, 125f) R(1289, 1289) R(128e, 128f) R(12b1, 12b1) R(12b6, 12b7)
	R(12bf, 12bf) R(12c1, 12c1) R(12c6, 12c7) R(12d7, 12d7) R(1311, 1311)
	R(1316, 1317) R(135b, 135c) R(137d, 137f) R(139a, 139f) R(13f6, 13f7)
	R(13fe, 13ff) R(169d, 169f) R(16f9, 16ff) R(1716, 171e) R(1737, 173f)
	R(1754, 175f) R(176d, 176d) R(1771, 1771) R(1774, 177f) R(17de, 17df)
	R(17ea, 17ef) R(17fa, 17ff) R(180e, 180e) R(181a, 181f) R(1879, 187f)
	R(18ab, 18af) R(18f6, 18ff) R(191f, 191f) R(192c, 192f) R(193c, 193f)
	R(1941, 1943) R(196e, 196f) R(1975, 197f) R(19ac, 19af) R(19ca, 19cf)
	R(19db, 19dd) R(1a1c, 1a1d) R(1a5f, 1a5f) R(1a7d, 1a7e) R(1a8a, 1a8f)
	R(1a9a, 1a9f) R(1aae, 1aaf) R(1acf, 1aff) R(1b4d, 1b4f) R(1b7f, 1b7f)
	R(1bf4, 1bfb) R(1c38, 1c3a) R(1c4a, 1c4c) R(1c89, 1c8f) R(1cbb, 1cbc)
	R(1cc8, 1ccf) R(1cfb, 1cff) R(1f16, 1f17) R(1f1e, 1f1f) R(1f46, 1f47)
	R(1f4e, 1f4f) R(1f58, 1f58) R(1f5a, 1f5a) R(1f5c, 1f5c) R(1f5e, 1f5e)
	R(1f7e, 1f7f) R(1fb5, 1fb5) R(1fc5, 1fc5) R(1fd4, 1fd5) R(1fdc, 1fdc)
	R(1ff0, 1ff1) R(1ff5, 1ff5) R(1fff, 1fff) R(200b, 200f) R(202a, 202e)
	R(2060, 206f) R(2072, 2073) R(208f, 208f) R(209d, 209f) R(20c1, 20cf)
	R(20f1, 20ff) R(218c, 218f) R(2427, 243f) R(244b, 245f) R(2b74, 2b75)
	R(2b96, 2b96) R(2cf4, 2cf8) R(2d26, 2d26) R(2d28, 2d2c) R(2d2e, 2d2f)
	R(2d68, 2d6e) R(2d71, 2d7e) R(2d97, 2d9f) R(2da7, 2da7) R(2daf, 2daf)
	R(2db7, 2db7) R(2dbf, 2dbf) R(2dc7, 2dc7) R(2dcf, 2dcf) R(2dd7, 2dd7)
	R(2ddf, 2ddf) R(2e5e, 2e7f) R(2e9a, 2e9a) R(2ef4, 2eff) R(2fd6, 2fef)
	R(2ffc, 2fff) R(3040, 3040) R(3097, 3098) R(3100, 3104) R(3130, 3130)
	R(318f, 318f) R(31e4, 31ef) R(321f, 321f) R(a48d, a48f) R(a4c7, a4cf)
	R(a62c, a63f) R(a6f8, a6ff) R(a7cb, a7cf) R(a7d2, a7d2) R(a7d4, a7d4)
	R(a7da, a7f1) R(a82d, a82f) R(a83a, a83f) R(a878, a87f) R(a8c6, a8cd)
	R(a8da, a8df) R(a954, a95e) R(a97d, a97f) R(a9ce, a9ce) R(a9da, a9dd)
	R(a9ff, a9ff) R(aa37, aa3f) R(aa4e, aa4f) R(aa5a, aa5b) R(aac3, aada)
	R(aaf7, ab00) R(ab07, ab08) R(ab0f, ab10) R(ab17, ab1f) R(ab27, ab27)
	R(ab2f, ab2f) R(ab6c, ab6f) R(abee, abef) R(abfa, abff) R(d7a4, d7af)
	R(d7c7, d7ca) R(d7fc, f8ff) R(fa6e, fa6f) R(fada, faff) R(fb07, fb12)
	R(fb18, fb1c) R(fb37, fb37) R(fb3d, fb3d) R(fb3f, fb3f) R(fb42, fb42)
	R(fb45, fb45) R(fbc3, fbd2) R(fd90, fd91) R(fdc8, fdce) R(fdd0, fdef)
	R(fe1a, fe1f) R(fe53, fe53) R(fe67, fe67) R(fe6c, fe6f) R(fe75, fe75)
	R(fefd, ff00) R(ffbf, ffc1) R(ffc8, ffc9) R(ffd0, ffd1) R(ffd8, ffd9)
	R(ffdd, ffdf) R(ffe7, ffe7) R(ffef, fffb) R(fffe, ffff) R(1000c, 1000c)
	R(10027, 10027) R(1003b, 1003b) R(1003e, 1003e) R(1004e, 1004f)
	R(1005e, 1007f) R(100fb, 100ff) R(10103, 10106) R(10134, 10136)
	R(1018f, 1018f) R(1019d, 1019f) R(101a1, 101cf) R(101fe, 1027f)
	R(1029d, 1029f) R(102d1, 102df) R(102fc, 102ff) R(10324, 1032c)
	R(1034b, 1034f) R(1037b, 1037f) R(1039e, 1039e) R(103c4, 103c7)
	R(103d6, 103ff) R(1049e, 1049f) R(104aa, 104af) R(104d4, 104d7)
	R(104fc, 104ff) R(10528, 1052f) R(10564, 1056e) R(1057b, 1057b)
	R(1058b, 1058b) R(10593, 10593) R(10596, 10596) R(105a2, 105a2)
	R(105b2, 105b2) R(105ba, 105ba) R(105bd, 105ff) R(10737, 1073f)
	R(10756, 1075f) R(10768, 1077f) R(10786, 10786) R(107b1, 107b1)
	R(107bb, 107ff) R(10806, 10807) R(10809, 10809) R(10836, 10836)
	R(10839, 1083b) R(1083d, 1083e) R(10856, 10856) R(1089f, 108a6)
	R(108b0, 108df) R(108f3, 108f3) R(108f6, 108fa) R(1091c, 1091e)
	R(1093a, 1093e) R(10940, 1097f) R(109b8, 109bb) R(109d0, 109d1)
	R(10a04, 10a04) R(10a07, 10a0b) R(10a14, 10a14) R(10a18, 10a18)
	R(10a36, 10a37) R(10a3b, 10a3e) R(10a49, 10a4f) R(10a59, 10a5f)
	R(10aa0, 10abf) R(10ae7, 10aea) R(10af7, 10aff) R(10b36, 10b38)
	R(10b56, 10b57) R(10b73, 10b77) R(10b92, 10b98) R(10b9d, 10ba8)
	R(10bb0, 10bff) R(10c49, 10c7f) R(10cb3, 10cbf) R(10cf3, 10cf9)
	R(10d28, 10d2f) R(10d3a, 10e5f) R(10e7f, 10e7f) R(10eaa, 10eaa)
	R(10eae, 10eaf) R(10eb2, 10eff) R(10f28, 10f2f) R(10f5a, 10f6f)
	R(10f8a, 10faf) R(10fcc, 10fdf) R(10ff7, 10fff) R(1104e, 11051)
	R(11076, 1107e) R(110bd, 110bd) R(110c3, 110cf) R(110e9, 110ef)
	R(110fa, 110ff) R(11135, 11135) R(11148, 1114f) R(11177, 1117f)
	R(111e0, 111e0) R(111f5, 111ff) R(11212, 11212) R(1123f, 1127f)
	R(11287, 11287) R(11289, 11289) R(1128e, 1128e) R(1129e, 1129e)
	R(112aa, 112af) R(112eb, 112ef) R(112fa, 112ff) R(11304, 11304)
	R(1130d, 1130e) R(11311, 11312) R(11329, 11329) R(11331, 11331)
	R(11334, 11334) R(1133a, 1133a) R(11345, 11346) R(11349, 1134a)
	R(1134e, 1134f) R(11351, 11356) R(11358, 1135c) R(11364, 11365)
	R(1136d, 1136f) R(11375, 113ff) R(1145c, 1145c) R(11462, 1147f)
	R(114c8, 114cf) R(114da, 1157f) R(115b6, 115b7) R(115de, 115ff)
	R(11645, 1164f) R(1165a, 1165f) R(1166d, 1167f) R(116ba, 116bf)
	R(116ca, 116ff) R(1171b, 1171c) R(1172c, 1172f) R(11747, 117ff)
	R(1183c, 1189f) R(118f3, 118fe) R(11907, 11908) R(1190a, 1190b)
	R(11914, 11914) R(11917, 11917) R(11936, 11936) R(11939, 1193a)
	R(11947, 1194f) R(1195a, 1199f) R(119a8, 119a9) R(119d8, 119d9)
	R(119e5, 119ff) R(11a48, 11a4f) R(11aa3, 11aaf) R(11af9, 11bff)
	R(11c09, 11c09) R(11c37, 11c37) R(11c46, 11c4f) R(11c6d, 11c6f)
	R(11c90, 11c91) R(11ca8, 11ca8) R(11cb7, 11cff) R(11d07, 11d07)
	R(11d0a, 11d0a) R(11d37, 11d39) R(11d3b, 11d3b) R(11d3e, 11d3e)
	R(11d48, 11d4f) R(11d5a, 11d5f) R(11d66, 11d66) R(11d69, 11d69)
	R(11d8f, 11d8f) R(11d92, 11d92) R(11d99, 11d9f) R(11daa, 11edf)
	R(11ef9, 11faf) R(11fb1, 11fbf) R(11ff2, 11ffe) R(1239a, 123ff)
	R(1246f, 1246f) R(12475, 1247f) R(12544, 12f8f) R(12ff3, 12fff)
	R(1342f, 143ff) R(14647, 167ff) R(16a39, 16a3f) R(16a5f, 16a5f)
	R(16a6a, 16a6d) R(16abf, 16abf) R(16aca, 16acf) R(16aee, 16aef)
	R(16af6, 16aff) R(16b46, 16b4f) R(16b5a, 16b5a) R(16b62, 16b62)
	R(16b78, 16b7c) R(16b90, 16e3f) R(16e9b, 16eff) R(16f4b, 16f4e)
	R(16f88, 16f8e) R(16fa0, 16fdf) R(16fe5, 16fef) R(16ff2, 16fff)
	R(187f8, 187ff) R(18cd6, 18cff) R(18d09, 1afef) R(1aff4, 1aff4)
	R(1affc, 1affc) R(1afff, 1afff) R(1b123, 1b14f) R(1b153, 1b163)
	R(1b168, 1b16f) R(1b2fc, 1bbff) R(1bc6b, 1bc6f) R(1bc7d, 1bc7f)
	R(1bc89, 1bc8f) R(1bc9a, 1bc9b) R(1bca0, 1ceff) R(1cf2e, 1cf2f)
	R(1cf47, 1cf4f) R(1cfc4, 1cfff) R(1d0f6, 1d0ff) R(1d127, 1d128)
	R(1d173, 1d17a) R(1d1eb, 1d1ff) R(1d246, 1d2df) R(1d2f4, 1d2ff)
	R(1d357, 1d35f) R(1d379, 1d3ff) R(1d455, 1d455) R(1d49d, 1d49d)
	R(1d4a0, 1d4a1) R(1d4a3, 1d4a4) R(1d4a7, 1d4a8) R(1d4ad, 1d4ad)
	R(1d4ba, 1d4ba) R(1d4bc, 1d4bc) R(1d4c4, 1d4c4) R(1d506, 1d506)
	R(1d50b, 1d50c) R(1d515, 1d515) R(1d51d, 1d51d) R(1d53a, 1d53a)
	R(1d53f, 1d53f) R(1d545, 1d545) R(1d547, 1d549) R(1d551, 1d551)
	R(1d6a6, 1d6a7) R(1d7cc, 1d7cd) R(1da8c, 1da9a) R(1daa0, 1daa0)
	R(1dab0, 1deff) R(1df1f, 1dfff) R(1e007, 1e007) R(1e019, 1e01a)
	R(1e022, 1e022) R(1e025, 1e025) R(1e02b, 1e0ff) R(1e12d, 1e12f)
	R(1e13e, 1e13f) R(1e14a, 1e14d) R(1e150, 1e28f) R(1e2af, 1e2bf)
	R(1e2fa, 1e2fe) R(1e300, 1e7df) R(1e7e7, 1e7e7) R(1e7ec, 1e7ec)
	R(1e7ef, 1e7ef) R(1e7ff, 1e7ff) R(1e8c5, 1e8c6) R(1e8d7, 1e8ff)
	R(1e94c, 1e94f) R(1e95a, 1e95d) R(1e960, 1ec70) R(1ecb5, 1ed00)
	R(1ed3e, 1edff) R(1ee04, 1ee04) R(1ee20, 1ee20) R(1ee23, 1ee23)
	R(1ee25, 1ee26) R(1ee28, 1ee28) R(1ee33, 1ee33) R(1ee38, 1ee38)
	R(1ee3a, 1ee3a) R(1ee3c, 1ee41) R(1ee43, 1ee46) R(1ee48, 1ee48)
	R(1ee4a, 1ee4a) R(1ee4c, 1ee4c) R(1ee50, 1ee50) R(1ee53, 1ee53)
	R(1ee55, 1ee56) R(1ee58, 1ee58) R(1ee5a, 1ee5a) R(1ee5c, 1ee5c)
	R(1ee5e, 1ee5e) R(1ee60, 1ee60) R(1ee63, 1ee63) R(1ee65, 1ee66)
	R(1ee6b, 1ee6b) R(1ee73, 1ee73) R(1ee78, 1ee78) R(1ee7d, 1ee7d)
	R(1ee7f, 1ee7f) R(1ee8a, 1ee8a) R(1ee9c, 1eea0) R(1eea4, 1eea4)
	R(1eeaa, 1eeaa) R(1eebc, 1eeef) R(1eef2, 1efff) R(1f02c, 1f02f)
	R(1f094, 1f09f) R(1f0af, 1f0b0) R(1f0c0, 1f0c0) R(1f0d0, 1f0d0)
	R(1f0f6, 1f0ff) R(1f1ae, 1f1e5) R(1f203, 1f20f) R(1f23c, 1f23f)
	R(1f249, 1f24f) R(1f252, 1f25f) R(1f266, 1f2ff) R(1f6d8, 1f6dc)
	R(1f6ed, 1f6ef) R(1f6fd, 1f6ff) R(1f774, 1f77f) R(1f7d9, 1f7df)
	R(1f7ec, 1f7ef) R(1f7f1, 1f7ff) R(1f80c, 1f80f) R(1f848, 1f84f)
	R(1f85a, 1f85f) R(1f888, 1f88f) R(1f8ae, 1f8af) R(1f8b2, 1f8ff)
	R(1fa54, 1fa5f) R(1fa6e, 1fa6f) R(1fa75, 1fa77) R(1fa7d, 1fa7f)
	R(1fa87, 1fa8f) R(1faad, 1faaf) R(1fabb, 1fabf) R(1fac6, 1facf)
	R(1fada, 1fadf) R(1fae8, 1faef) R(1faf7, 1faff) R(1fb93, 1fb93)
	R(1fbcb, 1fbef) R(1fbfa, 1ffff) R(2a6e0, 2a6ff) R(2b739, 2b73f)
	R(2b81e, 2b81f) R(2cea2, 2ceaf) R(2ebe1, 2f7ff) R(2fa1e, 2ffff)
	R(3134b, e00ff) R(e01f0, 10ffff)
};

/* sacremoses takes the ends of these for no part of them. */
static const struct range cjk[] = {
	R(1101, 11fe) R(2e81, a4ce) R(a841, a87e) R(ac01, d7ae) R(f901, fafe)
	R(fe31, fe4e) R(ff66, ffdb) R(17001, 18afe) R(1b001, 1b12e)
	R(1b171, 1b2fe) R(20001, 2fffe)
};

static bool in(const struct range *r, size_t n, uint32_t c)
{
	size_t low = 0, high = n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (r[mid].last < c)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n && r[low].first <= c;
}

#define IN(table, c)	in(table, sizeof(table) / sizeof((table)[0]), c)

bool ct_moses_is_space(uint32_t c)
{
	/* Python takes the four information separators for spaces, too. */
	return ct_utf8_is_space(c) || (c >= 0x1c && c <= 0x1f);
}

bool ct_moses_is_decimal(uint32_t c)
{
	return IN(decimal, c);
}

bool ct_moses_is_unprinted(uint32_t c)
{
	return IN(unprinted, c);
}

bool ct_moses_is_alpha(uint32_t c)
{
	return IN(alpha, c);
}

bool ct_moses_is_letter(uint32_t c)
{
	return IN(alpha, c) || IN(mark, c);
}

bool ct_moses_is_alnum(uint32_t c)
{
	return ct_moses_is_letter(c) || IN(digit, c);
}

bool ct_moses_is_n(uint32_t c)
{
	return IN(number, c);
}

bool ct_moses_is_sc(uint32_t c)
{
	return IN(currency, c);
}

bool ct_moses_is_cjk(uint32_t c)
{
	return IN(cjk, c);
}

bool ct_moses_is_lower(uint32_t c)
{
	size_t n = sizeof(lower) / sizeof(lower[0]), i = 0, high = n, mid;

	while (i < high) {
		mid = i + (high - i) / 2;
		if (lower[mid].last < c)
			i = mid + 1;
		else
			high = mid;
	}
	return i < n && lower[i].first <= c &&
	       (c - lower[i].first) % lower[i].step == 0;
}
