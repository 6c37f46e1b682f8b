#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the small models with an encoder of tests/data/model, t5_small, t5_gated
and fsmt_small, and what they give, seq2seq.json: python3 tests/make_seq2seq.py [DIR]

Needs PyTorch, and SentencePiece where DIR has no spiece.model yet: its trainer is
not the same everywhere, so that file is made once and kept. Weights are random,
small enough that rounding stays small, and rounded to what their file holds. All
that is expected is computed in binary64 by the classes below, which are written
from the definitions of T5 (Raffel et al. 2020; 1.1: Shazeer 2020) and of the
transformer (Vaswani et al. 2017; FSMT: Ng et al. 2019) and nothing of the library's.
A beam search whose outcome hangs on a difference below MARGIN is an error.
"""
import json
import math
import os
import random
import shutil
import sys

import torch
from torch.nn import functional as F

from make_models import safetensors, write_json

MARGIN = 3e-5
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


class Weights:
    """Tensors by name, in the order they were made, as their type rounds them."""

    def __init__(self, seed, dtype):
        self.rng = torch.Generator().manual_seed(seed)
        self.dtype, self.table = dtype, {}

    def add(self, name, shape, std, mean=0.0):
        t = torch.randn(shape, generator=self.rng, dtype=torch.float64) * std + mean
        self.table[name] = t.to(DTYPES[self.dtype]).double()

    def stress(self, name, row, by):
        """A token whose logits vary more is chosen now and then: the end of a text."""
        t = self.table[name]
        t[row] = (t[row] * by).to(DTYPES[self.dtype]).double()

    def __getitem__(self, name):
        return self.table[name]

    def entries(self):
        for name, t in self.table.items():
            raw = t.to(DTYPES[self.dtype])
            if self.dtype == "BF16":
                raw = raw.view(torch.int16)
            yield name, self.dtype, list(t.shape), raw.numpy().tobytes()


def heads_of(x, n):
    return x.view(x.shape[0], n, -1).transpose(0, 1)


def attend(q, k, v, heads, bias=0):
    """Queries, keys and values of [tokens][heads * length]; bias is added to scores."""
    scores = heads_of(q, heads) @ heads_of(k, heads).transpose(1, 2) + bias
    mixed = torch.softmax(scores, -1) @ heads_of(v, heads)
    return mixed.transpose(0, 1).reshape(q.shape[0], -1)


def causal(n):
    return torch.full((n, n), -math.inf, dtype=torch.float64).triu(1)


class T5:
    """One that is tied has relu, one that is not a gated gelu (tanh)."""

    def __init__(self, seed, dtype, vocab, tied, width=16, heads=2, length=6, inner=20,
                 encoder=2, decoder=3):
        self.vocab, self.tied, self.width, self.heads = vocab, tied, width, heads
        self.length, self.inner = length, inner
        self.layers = {"encoder": encoder, "decoder": decoder}
        self.w = w = Weights(seed, dtype)
        w.add("shared.weight", (vocab, width), 0.6)
        for stack, n in self.layers.items():
            for i in range(n):
                self.add_layer(stack, i)
            w.add(f"{stack}.final_layer_norm.weight", (width,), 0.1, 1.0)
        if not tied:
            w.add("lm_head.weight", (vocab, width), 0.5)
        w.stress("shared.weight" if tied else "lm_head.weight", 1, 3.0 if tied else 2.2)

    def add_layer(self, stack, i):
        w, d, a = self.w, self.width, self.heads * self.length
        kinds = ["SelfAttention"] + ["EncDecAttention"] * (stack == "decoder")
        for at, kind in enumerate(kinds):
            name = f"{stack}.block.{i}.layer.{at}"
            for p in "qkv":
                w.add(f"{name}.{kind}.{p}.weight", (a, d), 0.3)
            w.add(f"{name}.{kind}.o.weight", (d, a), 0.3)
            if not i and not at:
                w.add(f"{name}.{kind}.relative_attention_bias.weight",
                      (32, self.heads), 0.5)
            w.add(f"{name}.layer_norm.weight", (d,), 0.1, 1.0)
        name = f"{stack}.block.{i}.layer.{len(kinds)}"
        for p in ("wi",) if self.tied else ("wi_0", "wi_1"):
            w.add(f"{name}.DenseReluDense.{p}.weight", (self.inner, d), 0.3)
        w.add(f"{name}.DenseReluDense.wo.weight", (d, self.inner), 0.3)
        w.add(f"{name}.layer_norm.weight", (d,), 0.1, 1.0)

    def norm(self, x, name):
        return x / (x.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt() * self.w[name]

    def bias(self, stack, n):
        table = self.w[f"{stack}.block.0.layer.0.SelfAttention"
                       ".relative_attention_bias.weight"]
        rows = [[bucket(k - q, stack == "encoder") for k in range(n)] for q in range(n)]
        return table[torch.tensor(rows)].permute(2, 0, 1)

    def attention(self, name, x, y, bias):
        q, k, v = (F.linear(z, self.w[f"{name}.{p}.weight"])
                   for z, p in ((x, "q"), (y, "k"), (y, "v")))
        return F.linear(attend(q, k, v, self.heads, bias), self.w[f"{name}.o.weight"])

    def feed(self, name, x):
        if self.tied:
            h = F.relu(F.linear(x, self.w[f"{name}.wi.weight"]))
        else:
            g = F.linear(x, self.w[f"{name}.wi_0.weight"])
            g = 0.5 * g * (1 + torch.tanh(math.sqrt(2 / math.pi) *
                                          (g + 0.044715 * g ** 3)))
            h = g * F.linear(x, self.w[f"{name}.wi_1.weight"])
        return F.linear(h, self.w[f"{name}.wo.weight"])

    def stack(self, stack, ids, source=None):
        x = self.w["shared.weight"][torch.tensor(ids)]
        bias = self.bias(stack, len(ids))
        if stack == "decoder":
            bias = bias + causal(len(ids))
        for i in range(self.layers[stack]):
            name = f"{stack}.block.{i}.layer"
            y = self.norm(x, f"{name}.0.layer_norm.weight")
            x = x + self.attention(f"{name}.0.SelfAttention", y, y, bias)
            at = 1
            if stack == "decoder":
                y = self.norm(x, f"{name}.1.layer_norm.weight")
                x = x + self.attention(f"{name}.1.EncDecAttention", y, source, 0)
                at = 2
            y = self.norm(x, f"{name}.{at}.layer_norm.weight")
            x = x + self.feed(f"{name}.{at}.DenseReluDense", y)
        return self.norm(x, f"{stack}.final_layer_norm.weight")

    def encode(self, ids):
        return self.stack("encoder", ids)

    def logits(self, source, ids):
        x = self.stack("decoder", ids, source)
        if self.tied:
            return F.linear(x / math.sqrt(self.width), self.w["shared.weight"])
        return F.linear(x, self.w["lm_head.weight"])

    def config(self):
        return {"architectures": ["T5ForConditionalGeneration"],
                "model_type": "t5" if self.tied else "mt5",
                "vocab_size": self.vocab, "d_model": self.width, "d_kv": self.length,
                "d_ff": self.inner, "num_heads": self.heads,
                "num_layers": self.layers["encoder"],
                "num_decoder_layers": self.layers["decoder"],
                "relative_attention_num_buckets": 32,
                "relative_attention_max_distance": 128,
                "layer_norm_epsilon": 1e-06, "is_encoder_decoder": True,
                "feed_forward_proj": "relu" if self.tied else "gated-gelu",
                "tie_word_embeddings": self.tied, "n_positions": 64,
                "decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1}


def bucket(distance, both, n=32, most=128):
    """Of a key that is so far after the query."""
    first = 0
    if both:
        n //= 2
        first = n if distance > 0 else 0
        distance = abs(distance)
    else:
        distance = max(-distance, 0)
    one = n // 2
    if distance < one:
        return first + distance
    far = math.log(distance / one) / math.log(most / one) * (n - one)
    return first + min(one + int(far + 1e-9), n - 1)


class FSMT:
    def __init__(self, seed, dtype, source_vocab, vocab, width=24):
        self.width, self.source_vocab, self.vocab = width, source_vocab, vocab
        self.heads = {"encoder": 4, "decoder": 3}
        self.inner = {"encoder": 20, "decoder": 28}
        self.layers = {"encoder": 2, "decoder": 2}
        self.w = w = Weights(seed, dtype)
        for stack, n in (("encoder", source_vocab), ("decoder", vocab)):
            w.add(f"model.{stack}.embed_tokens.weight", (n, width), 0.35)
            for i in range(self.layers[stack]):
                self.add_layer(stack, f"model.{stack}.layers.{i}")
        w.stress("model.decoder.embed_tokens.weight", 2, 1.8)

    def add_linear(self, name, out, inn):
        self.w.add(f"{name}.weight", (out, inn), 0.25)
        self.w.add(f"{name}.bias", (out,), 0.1)

    def add_norm(self, name):
        self.w.add(f"{name}.weight", (self.width,), 0.1, 1.0)
        self.w.add(f"{name}.bias", (self.width,), 0.1)

    def add_layer(self, stack, name):
        kinds = ["self_attn"] + ["encoder_attn"] * (stack == "decoder")
        for kind in kinds:
            for p in ("q_proj", "k_proj", "v_proj", "out_proj"):
                self.add_linear(f"{name}.{kind}.{p}", self.width, self.width)
            self.add_norm(f"{name}.{kind}_layer_norm")
        self.add_linear(f"{name}.fc1", self.inner[stack], self.width)
        self.add_linear(f"{name}.fc2", self.width, self.inner[stack])
        self.add_norm(f"{name}.final_layer_norm")

    def linear(self, name, x):
        return F.linear(x, self.w[f"{name}.weight"], self.w[f"{name}.bias"])

    def norm(self, name, x):
        return F.layer_norm(x, (self.width,), self.w[f"{name}.weight"],
                            self.w[f"{name}.bias"], 1e-5)

    def attention(self, name, x, y, heads, bias):
        q = self.linear(f"{name}.q_proj", x) / math.sqrt(self.width // heads)
        k, v = self.linear(f"{name}.k_proj", y), self.linear(f"{name}.v_proj", y)
        return self.linear(f"{name}.out_proj", attend(q, k, v, heads, bias))

    def positions(self, n):
        """The first is number 2, as padding is 1."""
        half = self.width // 2
        table = []
        for p in range(2, n + 2):
            angles = [p * math.exp(-math.log(10000) / (half - 1) * i)
                      for i in range(half)]
            table.append([*map(math.sin, angles), *map(math.cos, angles)])
        return torch.tensor(table, dtype=torch.float64)

    def stack(self, stack, ids, source=None):
        x = self.w[f"model.{stack}.embed_tokens.weight"][torch.tensor(ids)]
        x = x * math.sqrt(self.width) + self.positions(len(ids))
        bias = causal(len(ids)) if stack == "decoder" else 0
        heads = self.heads[stack]
        for i in range(self.layers[stack]):
            name = f"model.{stack}.layers.{i}"
            x = self.norm(f"{name}.self_attn_layer_norm", x + self.attention(
                f"{name}.self_attn", x, x, heads, bias))
            if stack == "decoder":
                x = self.norm(f"{name}.encoder_attn_layer_norm", x + self.attention(
                    f"{name}.encoder_attn", x, source, heads, 0))
            h = F.relu(self.linear(f"{name}.fc1", x))
            x = self.norm(f"{name}.final_layer_norm", x + self.linear(f"{name}.fc2", h))
        return x

    def encode(self, ids):
        return self.stack("encoder", ids)

    def logits(self, source, ids):
        return F.linear(self.stack("decoder", ids, source),
                        self.w["model.decoder.embed_tokens.weight"])

    def config(self):
        return {"architectures": ["FSMTForConditionalGeneration"], "model_type": "fsmt",
                "langs": ["en", "de"], "src_vocab_size": self.source_vocab,
                "tgt_vocab_size": self.vocab, "d_model": self.width,
                "encoder_layers": self.layers["encoder"],
                "decoder_layers": self.layers["decoder"],
                "encoder_attention_heads": self.heads["encoder"],
                "decoder_attention_heads": self.heads["decoder"],
                "encoder_ffn_dim": self.inner["encoder"],
                "decoder_ffn_dim": self.inner["decoder"],
                "max_position_embeddings": 48, "activation_function": "relu",
                "scale_embedding": True, "tie_word_embeddings": False,
                "is_encoder_decoder": True, "bos_token_id": 0, "pad_token_id": 1,
                "eos_token_id": 2, "decoder_start_token_id": 2,
                "num_beams": 5, "early_stopping": True, "length_penalty": 1.1,
                "max_length": 24, "forced_eos_token_id": 2}


# ---- Searching -----------------------------------------------------------------

DEFAULTS = {"num_beams": 1, "max_length": 20, "min_length": 0, "early_stopping": False,
            "length_penalty": 1.0, "no_repeat_ngram_size": 0,
            "forced_eos_token_id": None}


def allowed(row, text, p, eos):
    """Log-probabilities with the rules on them."""
    row, n = row.clone(), p["no_repeat_ngram_size"]
    if n and len(text) >= n - 1:
        end = text[len(text) - n + 1:]
        for at in range(len(text) - n + 1):
            if text[at:at + n - 1] == end:
                row[text[at + n - 1]] = -math.inf
    if len(text) < p["min_length"]:
        row[eos] = -math.inf
    if p["forced_eos_token_id"] is not None and len(text) == p["max_length"] - 1:
        row[:] = -math.inf
        row[p["forced_eos_token_id"]] = 0
    return row


def search(model, ids, start, eos, params):
    """The best text, its first token left out; and by how little it is that."""
    p = {**DEFAULTS, **params}
    source, k = model.encode(ids), p["num_beams"]
    beams, found, least, settled = [(0.0, [start])], [], math.inf, False

    def close(a, b):
        nonlocal least
        if math.isfinite(a) and math.isfinite(b):
            least = min(least, abs(a - b))

    def keep(score, text, length):
        nonlocal found
        found = sorted(found + [(score / length ** p["length_penalty"], text)],
                       key=lambda f: -f[0])
        if len(found) > k:
            close(found[k - 1][0], found[k][0])
            found = found[:k]

    while len(beams[0][1]) < p["max_length"] and not settled:
        scored, length = [], len(beams[0][1])
        for score, text in beams:
            row = torch.log_softmax(model.logits(source, text)[-1], -1)
            row = allowed(row, text, p, eos)
            scored += [(score + float(x), text, t) for t, x in enumerate(row)]
        scored.sort(key=lambda s: -s[0])
        for rank, (score, _, token) in enumerate(scored[:2 * k]):
            if token == eos:  # is it among the best?
                close(score, scored[k if rank < k else k - 1][0])
        others = [s[0] for s in scored if s[2] != eos]
        close(others[k - 1], others[k])
        beams = []
        for rank, (score, text, token) in enumerate(scored[:2 * k]):
            if token != eos:
                beams.append((score, text + [token]))
            elif rank < k:
                keep(score, text + [token], length)
            if len(beams) == k:
                break
        if k == 1 and found:
            settled = True
        elif len(found) >= k:
            best = scored[0][0] / length ** p["length_penalty"]
            if found[k - 1][0] != best:  # it may be the same text's
                close(found[k - 1][0], best)
            settled = p["early_stopping"] or found[k - 1][0] >= best
    if not settled:
        for score, text in beams:
            if math.isfinite(score):
                keep(score, text, len(text))
    if len(found) > 1:
        close(found[0][0], found[1][0])
    return found[0][1][1:], least


# ---- Tokenizers ----------------------------------------------------------------

TASKS = {
    "translation_en_to_de": {"prefix": "translate English to German: ", "num_beams": 4,
                             "early_stopping": True, "max_length": 24},
    "summarization": {"prefix": "summarize: ", "num_beams": 3, "max_length": 20,
                      "min_length": 8, "no_repeat_ngram_size": 2, "length_penalty": 2.0,
                      "early_stopping": False},
}
WORDS = """the house is small and old das haus ist klein und alt we see a cat near the
door wir sehen eine katze an der tuer she reads the letter again sie liest den brief
noch einmal it rains today es regnet heute good morning guten morgen where is the
station wo ist der bahnhof""".split()
EXTRA = 10


def make_spiece(path):
    import sentencepiece
    rng = random.Random(1)
    lines = [t["prefix"] + " ".join(rng.choices(WORDS, k=5)) + "."
             for t in TASKS.values() for _ in range(60)]
    with open(path + ".txt", "w", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in lines)
    sentencepiece.SentencePieceTrainer.train(
        input=path + ".txt", model_prefix=path[:-len(".model")], vocab_size=70,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, pad_piece="<pad>",
        normalization_rule_name="identity", model_type="unigram", num_threads=1,
        minloglevel=2)
    os.remove(path + ".txt")
    os.remove(path[:-len("model")] + "vocab")


ENGLISH = "abcdefghijklmnopqrstuvwxyz.,"
GERMAN = ENGLISH + "\u00e4\u00f6\u00fc\u00df"
MERGES = [("t", "h"), ("th", "e</w>"), ("i", "n"), ("e", "r</w>"), ("u", "n"),
          ("un", "d</w>"), ("a", "n"), ("an", "d</w>")]


def make_fsmt_vocab(letters, merged):
    tokens = ["<s>", "<pad>", "</s>", "<unk>"]
    tokens += [c + end for c in letters for end in ("", "</w>")]
    return tokens + [a + b for a, b in MERGES if a + b in merged]


def bpe(word, vocab):
    parts = [*word[:-1], word[-1] + "</w>"]
    for a, b in MERGES:
        at = 0
        while at + 1 < len(parts):
            if parts[at] == a and parts[at + 1] == b:
                parts[at:at + 2] = [a + b]
            at += 1
    return [vocab.index(p) for p in parts]


# ---- Files ---------------------------------------------------------------------

TEXTS = ["the house is small", "we see a cat near the door.", "it rains", "good morning",
         "she reads the letter again and the station is old"]
LETTERS = ["the house is small", "we see a cat", "it rains", "and the winner", "a"]
TARGETS = [[17, 5, 40, 9], [33, 33], [8, 51, 12, 3, 29, 70]]


def round_floats(row):
    return [float(f"{x:.7g}") for x in row]


def expect(name, model, ids, start, eos, searches, texts):
    """Logits of the first sources after given targets; what searches find."""
    out = {"name": name, "logits": [], "found": []}
    for source, target in zip(ids, TARGETS):
        target = [start] + target
        rows = model.logits(model.encode(source), target)
        out["logits"].append({"source": source, "target": target,
                              "rows": [round_floats(r.tolist()) for r in rows]})
    for (task, params), prefix_ids in searches:
        for i, source in enumerate(prefix_ids):
            tokens, least = search(model, source, start, eos, params)
            if least < MARGIN:
                raise SystemExit(f"{name}: {task} of text {i}: {least:.2g} decides")
            out["found"].append({"task": task, "text": texts[i], "source": source,
                                 "beams": params.get("num_beams", 1),
                                 "tokens": tokens})
    return out


def t5_dir(path, model, spm, tasks):
    os.makedirs(path, exist_ok=True)
    config = model.config()
    if tasks:
        config["task_specific_params"] = TASKS
    write_json(path + "/config.json", config)
    write_json(path + "/generation_config.json",
               {"decoder_start_token_id": 0, "eos_token_id": 1, "pad_token_id": 0})
    write_json(path + "/tokenizer_config.json",
               {"eos_token": "</s>", "extra_ids": EXTRA, "pad_token": "<pad>",
                "tokenizer_class": "T5Tokenizer", "unk_token": "<unk>"})
    if not os.path.exists(path + "/spiece.model"):
        shutil.copyfile(spm, path + "/spiece.model")
    safetensors(path + "/model.safetensors", list(model.w.entries()))


def t5_expected(name, model, encode):
    plain = [encode(t) + [1] for t in TEXTS]
    searches = [(("", {"num_beams": 1}), plain), (("", {"num_beams": 5}), plain)]
    if name == "t5_small":
        searches += [((task, p), [encode(p["prefix"] + t) + [1] for t in TEXTS])
                     for task, p in TASKS.items()]
    return expect(name, model, plain, 0, 1, searches, TEXTS)


def fsmt_dir(path, model, source, target):
    os.makedirs(path, exist_ok=True)
    write_json(path + "/config.json", model.config())
    for side, tokens in (("src", source), ("tgt", target)):
        write_json(f"{path}/vocab-{side}.json", {t: i for i, t in enumerate(tokens)})
    with open(path + "/merges.txt", "w", encoding="utf-8") as f:
        f.writelines(f"{a} {b} {100 - i}\n" for i, (a, b) in enumerate(MERGES))
    write_json(path + "/tokenizer_config.json",
               {"langs": ["en", "de"], "model_max_length": 48, "do_lower_case": False})
    safetensors(path + "/model.safetensors", list(model.w.entries()))


def fsmt_expected(name, model, source):
    ids = [[t for word in text.split() for t in bpe(word, source)] + [2]
           for text in LETTERS]
    own = {k: model.config()[k] for k in DEFAULTS if k in model.config()}
    searches = [(("", {**own, "num_beams": 1}), ids), (("translate", own), ids)]
    return expect(name, model, ids, 2, 2, searches, LETTERS)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    out = sys.argv[1] if len(sys.argv) > 1 else here + "/data/model"
    seeds = [int(s) for s in sys.argv[2:]] or SEEDS
    spm = out + "/t5_small/spiece.model"
    os.makedirs(out + "/t5_small", exist_ok=True)
    if not os.path.exists(spm):
        make_spiece(spm)
    import sentencepiece
    encode = sentencepiece.SentencePieceProcessor(model_file=spm).encode
    source = make_fsmt_vocab(ENGLISH, {"th", "the</w>", "in", "er</w>", "an", "and</w>"})
    target = make_fsmt_vocab(GERMAN, {"in", "er</w>", "un", "und</w>", "an"})

    small = T5(seeds[0], "F32", 84, True)
    gated = T5(seeds[1], "F16", 84, False)
    fsmt = FSMT(seeds[2], "BF16", len(source), len(target))
    golden = [t5_expected("t5_small", small, encode),
              t5_expected("t5_gated", gated, encode),
              fsmt_expected("fsmt_small", fsmt, source)]
    t5_dir(out + "/t5_small", small, spm, True)
    t5_dir(out + "/t5_gated", gated, spm, False)
    fsmt_dir(out + "/fsmt_small", fsmt, source, target)
    with open(out + "/seq2seq.json", "w", encoding="utf-8") as f:
        json.dump(golden, f, separators=(",", ":"))
        f.write("\n")


SEEDS = [21, 1, 1]

if __name__ == "__main__":
    main()
