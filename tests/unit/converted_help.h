/* SPDX-License-Identifier: MIT */
/* Converted files for tests: made, changed byte by byte, signed anew. */
#ifndef CONVERTED_HELP_H
#define CONVERTED_HELP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrans.h"

/* A whole file in memory, to be freed. */
struct image {
	uint8_t *v;
	size_t n;
};

struct image read_image(const char *path);
void write_image(const char *path, const struct image *f, size_t len);

/* Where the value of a metadata key begins; the key must be there. */
size_t value_at(const struct image *f, const char *key);
/* The same for a tensor: its number of dimensions. */
size_t tensor_at(const struct image *f, const char *name);
/* Where the tensors' bytes begin, of a file whose data are @bytes long. */
size_t data_at(const struct image *f);

/* Make the header's checksum right again. */
void sign(struct image *f);

/* Default parameters on one thread, or as many as said. */
void params_init(struct ctrans_model_params *p, const char *device);

/* The same to convert by, as it is in memory: S8 and no calibration. */
void convert_params_init(struct ctrans_convert_params *p);

/* Greedy tokens after a prompt; how many there are. */
size_t greedy(struct ctrans_model *m, uint32_t *tokens, size_t room);

#endif
