// SPDX-License-Identifier: MIT
/*
 * The input is a converted file but for its checksums, which are made right: of
 * what a file says, nothing may be believed. Its image is checked as a load
 * would, and its tokenizer is built.
 */
#define XXH_INLINE_ALL
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include "convert/converted.h"
#include "engine/core_impl.h"
#include "model/converted.h"
#include "text/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An image beyond this is not what is looked for here. */
#define IMAGE_MAX	(16u << 20)

/*
 * Put the sum that a header should have into the file, and that of the little
 * model's, if there is one inside.
 */
static void sign(int fd, struct ct_file *file, uint32_t index,
		 const struct ct_files *files, bool inside)
{
	struct ct_tensors tensors = { 0 };
	struct ct_gguf gguf = { 0 };
	const struct ct_gguf_kv *kv;
	const struct ct_tensor *little;

	if (!ct_gguf_load(files, index, &gguf, &tensors, NULL)) {
		kv = ct_gguf_find(&gguf, CT_KEY_SUM_HEADER);
		if (kv && !kv->is_array && kv->type == CT_GGUF_U64) {
			uint64_t sum;

			memset(gguf.header + kv->value, 0, 8);
			sum = XXH3_64bits(gguf.header, gguf.header_len);
			if (pwrite(fd, &sum, 8,
				   (off_t)(file->base + kv->value)) != 8)
				abort();
		}
		ct_gguf_free(&gguf);
	}
	little = inside ? NULL : ct_tensors_find(&tensors, CT_TENSOR_LITTLE);
	if (little) {
		ct_file_narrow(file, little->offset, little->nbytes);
		sign(fd, file, index, files, true);
	}
	ct_tensors_free(&tensors);
}

static void sign_all(int fd, const char *path)
{
	struct ct_files files = { 0 };
	uint32_t index;

	if (!ct_files_add(&files, path, &index, NULL))
		sign(fd, &files.v[index], index, &files, false);
	ct_files_close(&files);
}

static void encode(const struct ct_tokenizer *t)
{
	static const char text[] = "Hello, w\xc3\xb6rld. 12";
	struct ct_ids ids = { 0 };

	ct_tokenizer_source(t, text, sizeof(text) - 1, true, &ids, NULL);
	ct_ids_free(&ids);
}

/* As the program that it would be: whatever the configuration says is in bounds. */
static void check_config(const struct ct_model *m)
{
	const struct ct_config *c = &m->weights.cfg;
	struct ct_task task;
	char text[128];

	if (ct_config_check(c, NULL) ||
	    (c->shared_table && ct_has_encoder(c) && c->enc.n_vocab != c->n_vocab) ||
	    (ct_has_encoder(c) != (c->arch != CT_ARCH_GPT2)))
		abort();
	ct_tasks_list(&m->tasks, c, text, sizeof(text));
	ct_tasks_find(&m->tasks, c, "summarize", &task, NULL);
}

static void use(const struct ct_model *m)
{
	struct ct_stored *stored = NULL;
	struct ct_image image = { 0 };
	struct ct_converted c;
	struct ct_tokenizer *tokenizer;
	struct ct_bpe *bpe;
	char *byte;

	if (m->tokenizer == CT_TOKENIZER_GGUF &&
	    !ct_bpe_from_vocab(&m->vocab, &bpe, NULL))
		ct_bpe_free(bpe);
	if (m->tokenizer == CT_TOKENIZER_CONVERTED &&
	    !ct_tokenizer_stored(&m->gguf, &tokenizer, NULL)) {
		encode(tokenizer);
		ct_tokenizer_free(tokenizer);
	}
	if (m->converted)
		check_config(m);
	if (!m->converted || ct_converted_stored(m, &stored, NULL))
		return;
	if (!ct_image_plan(&m->weights.cfg, CTRANS_ENC_S8, stored, &image, NULL) &&
	    image.bytes <= IMAGE_MAX && !ct_converted_check(m, &image, &c, NULL)) {
		/* whatever passes is all there */
		for (uint64_t at = 0; at < c.bytes; at += c.stretch) {
			uint64_t left = c.bytes - at;
			size_t len = left < c.stretch ? (size_t)left : c.stretch;

			byte = malloc(len);
			if (!byte || ct_file_read(&m->files.v[0], byte, len,
						  c.data + at, NULL))
				abort();
			ct_converted_verify(&c, at, byte, len, NULL);
			free(byte);
		}
		ct_converted_free(&c);
	}
	ct_image_free(&image);
	free(stored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("converted", MFD_CLOEXEC);
	struct ct_model_info info;
	struct ct_model *m;
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	sign_all(fd, path);
	if (!ct_model_open(path, &m, NULL)) {
		ct_model_describe(m, &info);
		use(m);
		ct_model_close(m);
	}
	if (!ct_model_open_little(path, &m, NULL)) {
		ct_model_describe(m, &info);
		use(m);
		ct_model_close(m);
	}
	/* whose architecture may be any, and whose sums are not looked at */
	if (!ct_model_open_tokenizer(path, &m, NULL)) {
		use(m);
		ct_model_close(m);
	}
	close(fd);
	return 0;
}
