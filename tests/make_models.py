#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the tiny GPT-2 models of tests/data/model, one for each way in which
a model may come: python3 tests/make_models.py [DIR]

Weights are a formula of role, layer and position (weight() below, and the
same in tests/unit/model_help.c), and exact in every format. So a test knows
each value without a file of expected ones, and a transposed or misplaced
tensor shows. The models babble, but load, tokenise and run.
"""
import json
import os
import struct
import sys

ROLES = [  # as enum ct_role; Hugging Face name, GGUF name, out, in
    ("wte.weight", "token_embd.weight", "V", "E"),
    ("wpe.weight", "position_embd.weight", "C", "E"),
    ("ln_f.weight", "output_norm.weight", "E", None),
    ("ln_f.bias", "output_norm.bias", "E", None),
    ("lm_head.weight", "output.weight", "V", "E"),
    ("ln_1.weight", "attn_norm.weight", "E", None),
    ("ln_1.bias", "attn_norm.bias", "E", None),
    ("attn.c_attn.weight", "attn_qkv.weight", "3E", "E"),
    ("attn.c_attn.bias", "attn_qkv.bias", "3E", None),
    ("attn.c_proj.weight", "attn_output.weight", "E", "E"),
    ("attn.c_proj.bias", "attn_output.bias", "E", None),
    ("ln_2.weight", "ffn_norm.weight", "E", None),
    ("ln_2.bias", "ffn_norm.bias", "E", None),
    ("mlp.c_fc.weight", "ffn_up.weight", "F", "E"),
    ("mlp.c_fc.bias", "ffn_up.bias", "F", None),
    ("mlp.c_proj.weight", "ffn_down.weight", "E", "F"),
    ("mlp.c_proj.bias", "ffn_down.bias", "E", None),
]
FIRST_LAYER_ROLE = 5
LM_HEAD = 4
CONV1D = {7, 9, 13, 15}
MASK = 0xFFFFFFFF


def weight(role, layer, o, i, nibble):
    """A multiple of 1/64: 8 bits of it, or 4 in what Q4_0 holds."""
    h = (role * 7919 + layer * 104729 + o * 31 + i * 17 + 12345) & MASK
    h = h * 2654435761 & MASK
    h ^= h >> 15
    h = h * 2246822519 & MASK
    h >>= 16
    return (h % 16 - 8 if nibble else h % 255 - 127) / 64


def f16(values):
    return struct.pack(f"<{len(values)}e", *values)


def f32(values):
    return struct.pack(f"<{len(values)}f", *values)


def bf16(values):
    return b"".join(struct.pack("<f", v)[2:] for v in values)


def q8_0(values):
    scale = struct.pack("<e", 1 / 64)
    out = b""
    for at in range(0, len(values), 32):
        block = [int(v * 64) for v in values[at:at + 32]]
        out += scale + struct.pack("<32b", *block)
    return out


def q4_0(values):
    scale = struct.pack("<e", 1 / 64)
    out = b""
    for at in range(0, len(values), 32):
        q = [int(v * 64) + 8 for v in values[at:at + 32]]
        out += scale + bytes(q[i] | q[i + 16] << 4 for i in range(16))
    return out


PACK = {"F32": f32, "F16": f16, "BF16": bf16, "Q8_0": q8_0, "Q4_0": q4_0}
GGML = {"F32": 0, "F16": 1, "Q4_0": 2, "Q8_0": 8, "BF16": 30}


class Model:
    def __init__(self, embd, layers, heads, ctx, inner=None, tied=True):
        self.dims = {"V": 260, "C": ctx, "E": embd, "3E": 3 * embd,
                     "F": inner or 4 * embd, None: 1}
        self.inner, self.layers, self.heads = inner, layers, heads
        self.tied = tied

    def places(self, head):
        for role in range(FIRST_LAYER_ROLE):
            if role != LM_HEAD or head:
                yield role, 0
        for layer in range(self.layers):
            for role in range(FIRST_LAYER_ROLE, len(ROLES)):
                yield role, layer

    def shape(self, role):
        return self.dims[ROLES[role][2]], self.dims[ROLES[role][3]]

    def values(self, role, layer, transposed, nibble):
        out, inn = self.shape(role)
        if role == LM_HEAD and self.tied:
            role = 0
        if transposed:
            return [weight(role, layer, o, i, nibble)
                    for i in range(inn) for o in range(out)]
        return [weight(role, layer, o, i, nibble)
                for o in range(out) for i in range(inn)]


def tokens():
    """GPT-2's 256 byte tokens in its order, two merges and a half, the end."""
    good = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in good]
    text = [chr(b) for b in good]
    text += [chr(256 + n) for n in range(len(rest))]
    merges = [("\u0120", "t"), ("h", "e"), ("\u0120t", "he")]
    return text + [a + b for a, b in merges] + ["<|endoftext|>"], merges


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, indent=1)
        f.write("\n")


def safetensors(path, entries):
    """entries: (name, dtype, shape, bytes)"""
    head, data = {"__metadata__": {"format": "pt"}}, b""
    for name, dtype, shape, raw in entries:
        head[name] = {"dtype": dtype, "shape": shape,
                      "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def hf_entries(model, dtype, prefix, head):
    for role, layer in model.places(head):
        out, inn = model.shape(role)
        name = ROLES[role][0]
        if role >= FIRST_LAYER_ROLE:
            name = f"h.{layer}.{name}"
        if role != LM_HEAD:
            name = prefix + name
        shape = [out] if ROLES[role][3] is None else [out, inn]
        if role in CONV1D:
            shape.reverse()
        yield name, dtype, shape, PACK[dtype](
            model.values(role, layer, role in CONV1D, False))


def hf_dir(path, model, dtype, extra, prefix="", buffers=False, shards=1,
           head=False):
    os.makedirs(path, exist_ok=True)
    d = model.dims
    config = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2",
              "activation_function": "gelu_new", "n_embd": d["E"],
              "n_layer": model.layers, "n_head": model.heads,
              "n_positions": d["C"], "n_inner": model.inner,
              "vocab_size": d["V"], "layer_norm_epsilon": 1e-05,
              "bos_token_id": 259, "eos_token_id": 259}
    write_json(os.path.join(path, "config.json"), {**config, **extra})
    text, merges = tokens()
    write_json(os.path.join(path, "vocab.json"),
               {t: i for i, t in enumerate(text)})
    with open(os.path.join(path, "merges.txt"), "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n")
        f.writelines(f"{a} {b}\n" for a, b in merges)

    entries = list(hf_entries(model, dtype, prefix, head))
    if buffers:  # what old checkpoints carry along
        for layer in range(model.layers):
            at = f"{prefix}h.{layer}.attn."
            n = d["C"]
            entries.append((at + "bias", "BOOL", [1, 1, n, n],
                            bytes(i <= j for j in range(n) for i in range(n))))
            entries.append((at + "masked_bias", "F32", [], f32([-1e4])))
    if shards == 1:
        safetensors(os.path.join(path, "model.safetensors"), entries)
        return
    where, size = {}, 0
    for s in range(shards):
        name = f"model-{s + 1:05}-of-{shards:05}.safetensors"
        part = entries[s::shards]
        safetensors(os.path.join(path, name), part)
        where.update((e[0], name) for e in part)
        size += sum(len(e[3]) for e in part)
    write_json(os.path.join(path, "model.safetensors.index.json"),
               {"metadata": {"total_size": size}, "weight_map": where})


def gguf_string(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def gguf_kv(key, value):
    head = gguf_string(key)
    if isinstance(value, str):
        return head + struct.pack("<I", 8) + gguf_string(value)
    if isinstance(value, float):
        return head + struct.pack("<If", 6, value)
    if isinstance(value, int):
        return head + struct.pack("<II", 4, value)
    if isinstance(value[0], str):
        return (head + struct.pack("<IIQ", 9, 8, len(value)) +
                b"".join(map(gguf_string, value)))
    return head + struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)


def gguf(path, model, dtype, vectors="F32", head=False):
    d, (text, merges) = model.dims, tokens()
    meta = {
        "general.architecture": "gpt2",
        "general.name": "tiny",
        "gpt2.context_length": d["C"],
        "gpt2.embedding_length": d["E"],
        "gpt2.feed_forward_length": d["F"],
        "gpt2.block_count": model.layers,
        "gpt2.attention.head_count": model.heads,
        "gpt2.attention.layer_norm_epsilon": 1e-05,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": text,
        "tokenizer.ggml.token_type": [1] * (len(text) - 1) + [3],
        "tokenizer.ggml.merges": [f"{a} {b}" for a, b in merges],
        "tokenizer.ggml.bos_token_id": 259,
        "tokenizer.ggml.eos_token_id": 259,
    }
    infos, data = [], b""
    for role, layer in model.places(head or not model.tied):
        out, inn = model.shape(role)
        name = ROLES[role][1]
        if role >= FIRST_LAYER_ROLE:
            name = f"blk.{layer}.{name}"
        vector = ROLES[role][3] is None
        # llama.cpp keeps vectors and positions in F32.
        kind = vectors if vector or role == 1 else dtype
        dims = [out] if vector else [inn, out]
        infos.append(gguf_string(name) + struct.pack("<I", len(dims)) +
                     struct.pack(f"<{len(dims)}Q", *dims) +
                     struct.pack("<IQ", GGML[kind], len(data)))
        raw = PACK[kind](model.values(role, layer, False, kind == "Q4_0"))
        data += raw + bytes(-len(raw) % 32)
    start = struct.pack("<4sIQQ", b"GGUF", 3, len(infos), len(meta))
    start += b"".join(gguf_kv(k, v) for k, v in meta.items())
    start += b"".join(infos)
    with open(path, "wb") as f:
        f.write(start + bytes(-len(start) % 32) + data)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    out = sys.argv[1] if len(sys.argv) > 1 else here + "/data/model"
    os.makedirs(out, exist_ok=True)
    small = Model(embd=8, layers=2, heads=2, ctx=16)
    blocks = Model(embd=32, layers=1, heads=4, ctx=16, inner=32)

    hf_dir(out + "/hf_f32", small, "F32", {"n_ctx": 16},
           prefix="transformer.", buffers=True, head=True)
    write_json(out + "/hf_f32/generation_config.json",
               {"bos_token_id": 259, "eos_token_id": [259, 10]})
    hf_dir(out + "/hf_f16", small, "F16", {"tie_word_embeddings": True})
    hf_dir(out + "/hf_bf16_shards",
           Model(embd=12, layers=2, heads=3, ctx=10, inner=20, tied=False),
           "BF16", {"tie_word_embeddings": False,
                    "activation_function": "relu"},
           prefix="transformer.", shards=3, head=True)
    gguf(out + "/f32.gguf", small, "F32", head=True)
    gguf(out + "/f16.gguf", small, "F16")
    gguf(out + "/bf16.gguf",
         Model(embd=8, layers=2, heads=2, ctx=16, tied=False), "BF16")
    gguf(out + "/q8_0.gguf", blocks, "Q8_0")
    gguf(out + "/q4_0.gguf", blocks, "Q4_0")


if __name__ == "__main__":
    main()
