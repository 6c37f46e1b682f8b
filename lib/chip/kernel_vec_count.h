/* SPDX-License-Identifier: MIT */
/*
 * Counting a row for the accounts: 64 magnitudes at a time, a byte counter in
 * each lane for every count, emptied before it can run over.
 */

#if defined(__AVX512BW__)
#define VC_BYTES 64
#elif defined(__AVX2__)
#define VC_BYTES 32
#else
#define VC_BYTES 16
#endif

typedef uint8_t vc __attribute__((vector_size(VC_BYTES)));

#define PLANES 7
#define COUNTS (PLANES + 2)	/* and the zeros, and the spiking ones */

INLINE vc vc_set(uint8_t x)
{
	return (vc){ 0 } + x;
}

/* acc + 1 where m has a bit of @bits */
INLINE vc count_any(vc acc, vc m, uint8_t bits)
{
#if defined(__AVX512BW__)
	__mmask64 any = _mm512_test_epi8_mask((__m512i)m, (__m512i)vc_set(bits));

	return (vc)_mm512_mask_sub_epi8((__m512i)acc, any, (__m512i)acc,
					_mm512_set1_epi8(-1));
#else
	return acc - (vc)((m & bits) != 0);
#endif
}

#if defined(__x86_64__) && !defined(__AVX2__)

/* No byte shuffle: a table of all magnitudes. */
struct spiking {
	uint8_t keep[128];
};

INLINE struct spiking spiking_of(const uint64_t mask[2])
{
	struct spiking s;

	for (unsigned int m = 0; m < 128; m++)
		s.keep[m] = mask[m / 64] >> m % 64 & 1 ? 0xff : 0;
	return s;
}

INLINE vc keep_spiking(const struct spiking *s, vc m)
{
	uint8_t b[VC_BYTES];
	vc keep;

	memcpy(b, &m, sizeof(b));
	for (int i = 0; i < VC_BYTES; i++)
		b[i] = s->keep[b[i]];
	memcpy(&keep, b, sizeof(keep));
	return m & keep;
}

#else

/* The mask's sixteen bytes and the bits of a byte, as tables to shuffle from. */
struct spiking {
	vc bytes, bits;
};

INLINE struct spiking spiking_of(const uint64_t mask[2])
{
	struct spiking s;

	for (int i = 0; i < VC_BYTES; i++) {
		s.bytes[i] = (uint8_t)(mask[i / 8 % 2] >> i % 8 * 8);
		s.bits[i] = (uint8_t)(1u << i % 8);
	}
	return s;
}

INLINE vc look_up(vc table, vc at)
{
#if defined(__AVX512BW__)
	return (vc)_mm512_shuffle_epi8((__m512i)table, (__m512i)at);
#elif defined(__AVX2__)
	return (vc)_mm256_shuffle_epi8((__m256i)table, (__m256i)at);
#else
	return (vc)vqtbl1q_u8((uint8x16_t)table, (uint8x16_t)at);
#endif
}

INLINE vc keep_spiking(const struct spiking *s, vc m)
{
	vc hit = look_up(s->bytes, m >> 3) & look_up(s->bits, m & 7);

	return m & (vc)(hit != 0);
}

#endif

static void vec_planes(const uint8_t *u8, uint32_t n, const uint64_t mask[2],
		       struct chip_planes *c)
{
	const uint64_t masked[2] = { mask[0] & ~1ull, mask[1] };
	const struct spiking s = spiking_of(masked);
	uint32_t total[COUNTS] = { 0 };

	for (uint32_t k = 0; k < n;) {
		uint32_t end = n - k > 255 * VC_BYTES ? k + 255 * VC_BYTES : n;
		vc acc[COUNTS] = { { 0 } };

		for (; k < end; k += VC_BYTES) {
			vc b, m, sign;

			memcpy(&b, u8 + k, sizeof(b));
			b ^= 0x80;
			sign = (vc)((__typeof__((vc){ 0 } > 0))b < 0);
			m = (b ^ sign) - sign;
			acc[PLANES] = count_any(acc[PLANES], m, 0x7f);
			m = keep_spiking(&s, m);
			acc[PLANES + 1] = count_any(acc[PLANES + 1], m, 0x7f);
			UNROLL
			for (int p = 0; p < PLANES; p++)
				acc[p] = count_any(acc[p], m, (uint8_t)(1 << p));
		}
		UNROLL
		for (int p = 0; p < COUNTS; p++) {
			uint8_t lane[VC_BYTES];

			memcpy(lane, &acc[p], sizeof(lane));
			for (int i = 0; i < VC_BYTES; i++)
				total[p] += lane[i];
		}
	}
	for (int p = 0; p < PLANES; p++)
		c->plane[p] = total[p];
	c->nonzero = total[PLANES];
	c->spiking = total[PLANES + 1];
}
