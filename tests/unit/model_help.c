// SPDX-License-Identifier: MIT
#include "model_help.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/stream.h"

static char tmp_dir[64];

static const char *join(const char *dir, const char *name)
{
	static char path[4][4096];
	static unsigned int turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

const char *data_path(const char *name)
{
	const char *dir = getenv("CTRANS_TEST_DATA");
	char at[2048];

	snprintf(at, sizeof(at), "%s/model", dir ? dir : TEST_DATA_DIR);
	return join(at, name);
}

void tmp_make(void)
{
	strcpy(tmp_dir, "/tmp/ctrans-model-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(tmp_dir));
}

void tmp_remove(void)
{
	DIR *d = opendir(tmp_dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlink(tmp_path(e->d_name));
	if (d)
		closedir(d);
	rmdir(tmp_dir);
}

const char *tmp_path(const char *name)
{
	return join(tmp_dir, name);
}

const char *tmp_write(const char *name, const void *bytes, size_t len)
{
	const char *path = tmp_path(name);
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
	return path;
}

const char *tmp_text(const char *name, const char *text)
{
	return tmp_write(name, text, strlen(text));
}

uint8_t *slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *v;
	long n;

	ck_assert_msg(f != NULL, "%s", path);
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	v = malloc((size_t)n + 1);
	ck_assert_ptr_nonnull(v);
	*len = fread(v, 1, (size_t)n, f);
	ck_assert_int_eq((long)*len, n);
	fclose(f);
	return v;
}

void mem_file_make(struct mem_file *f, const void *bytes, size_t len)
{
	f->fd = memfd_create("model", MFD_CLOEXEC);
	ck_assert_int_ge(f->fd, 0);
	ck_assert_int_eq(write(f->fd, bytes, len), (ssize_t)len);
	snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
}

void mem_file_poke(const struct mem_file *f, size_t at, uint8_t byte)
{
	ck_assert_int_eq(pwrite(f->fd, &byte, 1, (off_t)at), 1);
}

void put(struct bytes *b, const void *v, size_t n)
{
	if (b->n + n > b->cap) {
		b->cap = 2 * (b->n + n);
		b->v = realloc(b->v, b->cap);
		ck_assert_ptr_nonnull(b->v);
	}
	if (v)
		memcpy(b->v + b->n, v, n);
	else
		memset(b->v + b->n, 0, n);
	b->n += n;
}

void put_le(struct bytes *b, uint64_t v, unsigned int bytes)
{
	for (; bytes; bytes--, v >>= 8) {
		uint8_t c = (uint8_t)v;

		put(b, &c, 1);
	}
}

void put_safetensors(struct bytes *b, const char *header, size_t data)
{
	put_le(b, strlen(header), 8);
	put(b, header, strlen(header));
	put(b, NULL, data);
}

void put_gguf_head(struct bytes *b, uint32_t version, uint64_t n_tensors,
		   uint64_t n_kv)
{
	put(b, "GGUF", 4);
	put_le(b, version, 4);
	put_le(b, n_tensors, 8);
	put_le(b, n_kv, 8);
}

void put_gguf_string(struct bytes *b, const char *s)
{
	put_le(b, strlen(s), 8);
	put(b, s, strlen(s));
}

void put_gguf_kv_u32(struct bytes *b, const char *key, uint32_t v)
{
	put_gguf_string(b, key);
	put_le(b, CT_GGUF_U32, 4);
	put_le(b, v, 4);
}

void put_gguf_kv_str(struct bytes *b, const char *key, const char *v)
{
	put_gguf_string(b, key);
	put_le(b, CT_GGUF_STRING, 4);
	put_gguf_string(b, v);
}

void put_gguf_tensor(struct bytes *b, const char *name, uint32_t ndim,
		     const uint64_t *dims, uint32_t type, uint64_t offset)
{
	put_gguf_string(b, name);
	put_le(b, ndim, 4);
	for (uint32_t i = 0; i < ndim; i++)
		put_le(b, dims[i], 8);
	put_le(b, type, 4);
	put_le(b, offset, 8);
}

float expected_weight(enum ct_role role, uint32_t layer, uint32_t out,
		      uint32_t in, bool nibble)
{
	/* as tests/make_models.py numbers them */
	static const uint32_t number[CT_N_ROLES] = {
		[CT_WTE] = 0, [CT_WPE] = 1, [CT_LN_F_GAIN] = 2, [CT_LN_F_BIAS] = 3,
		[CT_LM_HEAD] = 4, [CT_LN_1_GAIN] = 5, [CT_LN_1_BIAS] = 6, [CT_QKV] = 7,
		[CT_QKV_BIAS] = 8, [CT_ATTN_OUT] = 9, [CT_ATTN_OUT_BIAS] = 10,
		[CT_LN_2_GAIN] = 11, [CT_LN_2_BIAS] = 12, [CT_FC] = 13,
		[CT_FC_BIAS] = 14, [CT_MLP_OUT] = 15, [CT_MLP_OUT_BIAS] = 16,
	};
	uint32_t h = number[role] * 7919 + layer * 104729 + out * 31 +
		     in * 17 + 12345;
	int k;

	h *= 2654435761u;
	h ^= h >> 15;
	h *= 2246822519u;
	h >>= 16;
	k = nibble ? (int)(h % 16) - 8 : (int)(h % 255) - 127;
	return (float)k / 64;
}

struct weight_check {
	enum ct_role role;
	uint32_t layer, rows;	/* of the weight that comes now */
	const struct ct_matrix *last;
	size_t n;
};

static int check_rows(void *ctx, const struct ct_weight *w,
		      uint32_t first_row, uint32_t n_rows, const float *rows,
		      struct ct_err *err)
{
	struct weight_check *c = ctx;
	uint32_t cols = ct_matrix_cols(w->m);
	bool nibble = w->m->t.dtype == CT_Q4_0;

	(void)err;
	if (!c->last || c->last != w->m) {
		ck_assert_uint_eq(first_row, 0);
		if (c->last && c->last->t.file == w->m->t.file)
			ck_assert_uint_gt(w->m->t.offset, c->last->t.offset);
		c->last = w->m;
		c->rows = 0;
		c->n++;
	}
	ck_assert_uint_ge(n_rows, 1);
	ck_assert_uint_eq(first_row, c->rows);
	c->rows += n_rows;
	ck_assert_uint_le(c->rows, ct_matrix_rows(w->m));
	for (uint32_t r = 0; r < n_rows; r++) {
		for (uint32_t col = 0; col < cols; col++) {
			uint32_t row = first_row + r;
			uint32_t o = w->m->in_major ? col : row;
			uint32_t i = w->m->in_major ? row : col;
			float want = expected_weight(w->role, w->layer, o, i,
						     nibble);

			if (rows[(size_t)r * cols + col] != want)
				ck_abort_msg("%s, out %u, in %u: %g, not %g",
					     w->m->t.name, o, i,
					     (double)rows[(size_t)r * cols +
							  col],
					     (double)want);
		}
	}
	return 0;
}

size_t check_weights(const struct ct_model *m, const struct ct_read_opts *o)
{
	struct weight_check c = { 0 };
	struct ct_err err = { 0 };
	size_t want = 0;
	int code = ct_weights_stream(&m->weights, &m->files, o, check_rows, &c, &err);

	for (int r = 0; r < CT_N_ROLES; r++)
		want += ct_role_layers(&m->weights.cfg, (enum ct_role)r);
	ck_assert_msg(code == 0, "%s", err.msg);
	ck_assert_uint_eq(c.rows, ct_matrix_rows(c.last));
	ck_assert_uint_eq(c.n, want);
	return c.n;
}
