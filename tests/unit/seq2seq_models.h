/* SPDX-License-Identifier: MIT */
/* Little models with an encoder and random weights, as Hugging Face's directories. */
#ifndef SEQ2SEQ_MODELS_H
#define SEQ2SEQ_MODELS_H

enum seq2seq_model {
	SEQ2SEQ_T5,		/* tied, ReLU, with two tasks */
	SEQ2SEQ_GATED,		/* as mT5: gated, a head of its own, no tokenizer */
	SEQ2SEQ_FSMT,		/* English to German */
	SEQ2SEQ_MODELS
};

/*
 * Make the directory @dir and the model in it, with the tokenizer of tests/data. The
 * same @seed gives the same weights.
 */
void seq2seq_make(const char *dir, enum seq2seq_model which, unsigned int seed);

/* A fresh folder, and in it the names of a model's directory and a converted file. */
struct seq2seq_place {
	char root[200], dir[256], out[256];
};

void seq2seq_place_make(struct seq2seq_place *p);
/* With all that is in it. */
void seq2seq_place_remove(const struct seq2seq_place *p);
/* From @p->dir to @p->out. */
void seq2seq_convert(const struct seq2seq_place *p, const char *weights);

#endif
