/* SPDX-License-Identifier: MIT */
/*
 * Output spikes drawn instead of integrated, sixteen outputs side by side, in loops
 * that the compiler makes vectors of.
 */

INLINE void sample16(const struct chip_sample *s, uint32_t first, float *restrict y)
{
	uint32_t key[16], left[16], seen[16], more[16];
	float inv = 1.0f / s->theta;
	uint32_t any = 0;

	for (int j = 0; j < 16; j++) {
		float v = chip_f32(chip_bits(y[j]) & 0x7fffffffu) * inv;

		left[j] = (uint32_t)(int32_t)chip_rint(v <= 128.5f ? v : 0.0f);
		any |= left[j];
		key[j] = chip_mix(s->key + first + (uint32_t)j);
		seen[j] = 0;
		more[j] = 0;
	}
	for (uint32_t t = 0; any && t < s->steps; t++) {
		for (int j = 0; j < 16; j++) {
			uint32_t u = chip_mix(key[j] + 0x9e3779b9u * t) >> 8;
			uint32_t spike = u * (128 - t) < left[j] << 24;

			left[j] -= spike;
			seen[j] += spike;
		}
	}
	for (uint32_t t = s->steps; any && t < 128; t++) {
		for (int j = 0; j < 16; j++) {
			uint32_t u = chip_mix(key[j] + 0x9e3779b9u * t) >> 8;

			more[j] += u * s->steps < seen[j] << 24;
		}
	}
	for (int j = 0; j < 16; j++) {
		uint32_t sign = chip_bits(y[j]) & 0x80000000u;
		float m = chip_f32(chip_bits(y[j]) ^ sign), x;

		x = chip_f32(chip_bits((float)(int32_t)(seen[j] + more[j]) * s->theta) |
			     sign);
		y[j] = m * inv <= 128.5f ? x : y[j];
	}
}

static void vec_sample(const struct chip_sample *s, uint32_t n, float *y)
{
	uint32_t j = 0;

	for (; j + 16 <= n; j += 16)
		sample16(s, s->first + j, y + j);
	if (j < n) {
		float last[16] = { 0 };

		memcpy(last, y + j, (n - j) * sizeof(*y));
		sample16(s, s->first + j, last);
		memcpy(y + j, last, (n - j) * sizeof(*y));
	}
}
