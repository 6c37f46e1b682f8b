/* SPDX-License-Identifier: MIT */
/*
 * Counting a row for the accounts: a unit of 64 magnitudes at a time, a byte counter
 * in each lane for every count, emptied before it can run over.
 */

#if defined(__AVX512BW__)
#define VC_BYTES 64
#elif defined(__AVX2__)
#define VC_BYTES 32
#else
#define VC_BYTES 16
#endif

typedef uint8_t vc __attribute__((vector_size(VC_BYTES)));

#define PLANES ((int)CHIP_PLANES)
#define COUNTS (PLANES + 2)	/* and the nonzero, and the spiking ones */

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

/* ---- Codes -------------------------------------------------------------- */

enum digits { RADIX, RADIX_FLIP, NAF };

INLINE vc vc_shr(vc x, int n)
{
	typedef uint16_t vw __attribute__((vector_size(VC_BYTES)));

	return (vc)((vw)x >> n) & (uint8_t)(0xff >> n);
}

/* The number of bits in each byte. */
INLINE vc vc_bits(vc x)
{
	x -= vc_shr(x, 1) & 0x55;
	x = (x & 0x33) + (vc_shr(x, 2) & 0x33);
	return (x + vc_shr(x, 4)) & 0x0f;
}

/* The timesteps in which a magnitude spikes, as bits. */
INLINE vc digits_of(vc m, const enum digits code)
{
	vc x = vc_shr(m, 1), rest, flip;

	if (code == RADIX)
		return m;
	if (code == NAF)
		return x ^ (m + x);
	x |= m;
	x |= vc_shr(x, 2);
	x |= vc_shr(x, 4);
	rest = x + 1 - m;
	flip = (vc)(vc_bits(rest) + 2 <= vc_bits(m));
	return (flip & (rest | (x + 1))) | (~flip & m);
}

INLINE uint32_t vc_sum(vc x)
{
#if defined(__AVX512BW__)
	return (uint32_t)_mm512_reduce_add_epi64(
		_mm512_sad_epu8((__m512i)x, _mm512_setzero_si512()));
#elif defined(__aarch64__)
	return vaddlvq_u8((uint8x16_t)x);
#else
	uint64_t part[VC_BYTES / 8];
	uint32_t sum = 0;

#if defined(__AVX2__)
	x = (vc)_mm256_sad_epu8((__m256i)x, _mm256_setzero_si256());
#elif defined(__x86_64__)
	x = (vc)_mm_sad_epu8((__m128i)x, _mm_setzero_si128());
#endif
	memcpy(part, &x, sizeof(part));
	UNROLL
	for (int i = 0; i < VC_BYTES / 8; i++) {
#if defined(__x86_64__)
		sum += (uint32_t)part[i];
#else
		/* bytes to pairs to fours to one */
		uint64_t p = part[i];

		p = (p & 0x00ff00ff00ff00ffu) + (p >> 8 & 0x00ff00ff00ff00ffu);
		sum += (uint32_t)(p * 0x0001000100010001u >> 48);
#endif
	}
	return sum;
#endif
}

/* ---- Rows --------------------------------------------------------------- */

#define VECTORS	(64 / VC_BYTES)		/* of a unit */

/* By unit: what the units before were. */
struct hysteresis {
	uint32_t limit[2];	/* of a unit after a dense one, after a spiking one */
	uint32_t switches;
	bool any, spiking;
};

/* A unit's digits: those that go to the spiking domain. */
INLINE void keep_unit(struct hysteresis *h, vc digits[VECTORS])
{
	vc values = { 0 }, spikes = { 0 };
	uint32_t n;
	bool now;

	UNROLL
	for (int i = 0; i < VECTORS; i++) {
		values -= (vc)(digits[i] != 0);
		spikes += vc_bits(digits[i]);
	}
	n = vc_sum(values);
	if (!n)
		return;
	now = 8 * vc_sum(spikes) < h->limit[h->spiking] * n;
	h->switches += h->any && now != h->spiking;
	h->any = true;
	h->spiking = now;
	UNROLL
	for (int i = 0; i < VECTORS; i++)
		digits[i] &= vc_set(now ? 0xff : 0);
}

/* Some units, few enough that no lane's count runs over. */
INLINE void count_units(const uint8_t *u8, uint32_t n_units, const struct spiking *s,
			struct hysteresis *h, const enum digits code,
			const bool by_unit, uint32_t total[COUNTS])
{
	const int planes = code == RADIX ? PLANES - 1 : PLANES;
	vc acc[COUNTS] = { { 0 } };

	for (; n_units; n_units--, u8 += 64) {
		vc d[VECTORS];

		UNROLL
		for (int i = 0; i < VECTORS; i++) {
			vc b, m, sign;

			memcpy(&b, u8 + i * VC_BYTES, sizeof(b));
			b ^= 0x80;
			sign = (vc)((__typeof__((vc){ 0 } > 0))b < 0);
			m = (b ^ sign) - sign;
			acc[PLANES] = count_any(acc[PLANES], m, 0xff);
			if (!by_unit)
				m = keep_spiking(s, m);
			d[i] = digits_of(m, code);
		}
		if (by_unit)
			keep_unit(h, d);
		UNROLL
		for (int i = 0; i < VECTORS; i++) {
			acc[PLANES + 1] = count_any(acc[PLANES + 1], d[i], 0xff);
			UNROLL
			for (int p = 0; p < planes; p++)
				acc[p] = count_any(acc[p], d[i], (uint8_t)(1 << p));
		}
	}
	UNROLL
	for (int p = 0; p < COUNTS; p++) {
		uint8_t lane[VC_BYTES];

		memcpy(lane, &acc[p], sizeof(lane));
		for (int i = 0; i < VC_BYTES; i++)
			total[p] += lane[i];
	}
}

#define UNITS_AT_ONCE (255u / VECTORS)

INLINE void count_row(const uint8_t *u8, uint32_t n, const struct chip_dispatch *d,
		      const enum digits code, const bool by_unit,
		      struct chip_planes *c)
{
	const uint64_t mask[2] = { d->spike_mask[0] & ~1ull, d->spike_mask[1] };
	const struct spiking s = spiking_of(mask);
	struct hysteresis h = { .limit = { d->unit_low, d->unit_high } };
	uint32_t total[COUNTS] = { 0 };

	for (uint32_t k = 0, some; k < n; k += 64 * some) {
		some = (n - k) / 64;
		some = some > UNITS_AT_ONCE ? UNITS_AT_ONCE : some;
		count_units(u8 + k, some, &s, &h, code, by_unit, total);
	}
	for (int p = 0; p < PLANES; p++)
		c->plane[p] = total[p];
	c->nonzero = total[PLANES];
	c->spiking = total[PLANES + 1];
	c->switches = by_unit ? h.switches : c->spiking && c->spiking < c->nonzero;
}

static void vec_planes(const uint8_t *u8, uint32_t n, const struct chip_dispatch *d,
		       struct chip_planes *c)
{
	bool by_unit = d->by == CTRANS_BY_UNIT;

	if (d->code == CTRANS_CODE_NAF && by_unit)
		count_row(u8, n, d, NAF, true, c);
	else if (d->code == CTRANS_CODE_NAF)
		count_row(u8, n, d, NAF, false, c);
	else if (d->flip && by_unit)
		count_row(u8, n, d, RADIX_FLIP, true, c);
	else if (d->flip)
		count_row(u8, n, d, RADIX_FLIP, false, c);
	else if (by_unit)
		count_row(u8, n, d, RADIX, true, c);
	else
		count_row(u8, n, d, RADIX, false, c);
}
