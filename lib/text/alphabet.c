// SPDX-License-Identifier: MIT
#include "text/alphabet.h"

#include "text/utf8.h"

/* The three runs of bytes that have no printable form, and their letters. */
static const struct {
	unsigned int first, last, letter;
} hidden[] = {
	{ 0x00, 0x20, 0x100 },
	{ 0x7f, 0xa0, 0x121 },
	{ 0xad, 0xad, 0x143 },
};

#define N_HIDDEN	(sizeof(hidden) / sizeof(hidden[0]))

static int find_hidden(unsigned int byte)
{
	size_t i;

	for (i = 0; i < N_HIDDEN; i++)
		if (byte >= hidden[i].first && byte <= hidden[i].last)
			return i;
	return -1;
}

size_t ct_alphabet_spell(unsigned char byte, char out[CT_ALPHABET_MAX])
{
	int run = find_hidden(byte);
	unsigned int cp = byte;

	if (run >= 0)
		cp = hidden[run].letter + (byte - hidden[run].first);
	if (cp < 0x80) {
		out[0] = cp;
		return 1;
	}
	out[0] = 0xc0 | cp >> 6;
	out[1] = 0x80 | (cp & 0x3f);
	return 2;
}

static int letter_to_byte(uint32_t cp)
{
	size_t i;

	if (cp < 0x100)
		return find_hidden(cp) < 0 ? (int)cp : -1;
	for (i = 0; i < N_HIDDEN; i++) {
		unsigned int count = hidden[i].last - hidden[i].first + 1;

		if (cp >= hidden[i].letter && cp - hidden[i].letter < count)
			return hidden[i].first + (cp - hidden[i].letter);
	}
	return -1;
}

bool ct_alphabet_read(const char *name, size_t len, char *bytes, size_t *n)
{
	size_t i = 0, k = 0;
	uint32_t cp;
	int step, byte;

	while (i < len) {
		step = ct_utf8_next(name + i, len - i, &cp);
		if (step <= 0)
			return false;
		byte = letter_to_byte(cp);
		if (byte < 0)
			return false;
		bytes[k++] = byte;
		i += step;
	}
	*n = k;
	return true;
}
