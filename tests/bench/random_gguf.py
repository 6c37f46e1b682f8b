#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Write a GPT-2 or T5 of random weights as a Q8_0 GGUF file, for timing.

    random_gguf.py SHAPE FILE        SHAPE: gpt2, gpt2-medium, gpt2-large, gpt2-xl,
                                            t5-small, t5-base

Needs numpy alone. The file has no tokenizer; matrices are Q8_0 as llama.cpp's
quantiser would store them (blocks of 32 with one binary16 scale), the rest F32.
"""
import struct
import sys

import numpy as np

GPT2 = {"gpt2": (768, 12, 12), "gpt2-medium": (1024, 24, 16),
        "gpt2-large": (1280, 36, 20), "gpt2-xl": (1600, 48, 25)}
T5 = {"t5-small": (512, 6, 8, 2048), "t5-base": (768, 12, 12, 3072)}
ALIGN = 32
U32, F32, STRING = 4, 6, 8          # metadata types
TYPE_F32, TYPE_Q8_0 = 0, 8          # tensor types


def text(s):
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


def pair(key, kind, value):
    body = text(value) if kind == STRING else \
        struct.pack("<f" if kind == F32 else "<I", value)
    return text(key) + struct.pack("<I", kind) + body


# Tensors: (name, rows, columns or 0 for a vector, "ones" / "zeros" / "small" / None)

def gpt2_tensors(width, layers):
    yield "token_embd.weight", 50257, width, None
    yield "position_embd.weight", 1024, width, "small"
    for i in range(layers):
        p = f"blk.{i}."
        for norm in ("attn_norm", "ffn_norm"):
            yield p + norm + ".weight", width, 0, "ones"
            yield p + norm + ".bias", width, 0, "zeros"
        for name, rows, cols in (("attn_qkv", 3 * width, width),
                                 ("attn_output", width, width),
                                 ("ffn_up", 4 * width, width),
                                 ("ffn_down", width, 4 * width)):
            yield p + name + ".weight", rows, cols, None
            yield p + name + ".bias", rows, 0, "zeros"
    yield "output_norm.weight", width, 0, "ones"
    yield "output_norm.bias", width, 0, "zeros"


def gpt2_meta(width, layers, heads):
    return [("gpt2.context_length", U32, 1024), ("gpt2.embedding_length", U32, width),
            ("gpt2.feed_forward_length", U32, 4 * width), ("gpt2.block_count", U32, layers),
            ("gpt2.attention.head_count", U32, heads),
            ("gpt2.attention.layer_norm_epsilon", F32, 1e-5),
            ("gpt2.vocab_size", U32, 50257)]


def t5_tensors(width, layers, heads, inner):
    yield "token_embd.weight", 32128, width, None
    for side, attentions in (("enc", ("attn",)), ("dec", ("attn", "cross_attn"))):
        for i in range(layers):
            p = f"{side}.blk.{i}."
            for attention in attentions:
                yield p + attention + "_norm.weight", width, 0, "ones"
                for matrix in "qkvo":
                    yield p + f"{attention}_{matrix}.weight", width, width, None
            if i == 0:
                yield p + "attn_rel_b.weight", 32, heads, "small"
            yield p + "ffn_norm.weight", width, 0, "ones"
            yield p + "ffn_up.weight", inner, width, None
            yield p + "ffn_down.weight", width, inner, None
        yield side + ".output_norm.weight", width, 0, "ones"


def t5_meta(width, layers, heads, inner):
    return [("t5.context_length", U32, 512), ("t5.embedding_length", U32, width),
            ("t5.feed_forward_length", U32, inner), ("t5.block_count", U32, layers),
            ("t5.attention.head_count", U32, heads),
            ("t5.attention.key_length", U32, 64), ("t5.attention.value_length", U32, 64),
            ("t5.attention.layer_norm_epsilon", F32, 1e-6),
            ("t5.attention.layer_norm_rms_epsilon", F32, 1e-6),
            ("t5.attention.relative_buckets_count", U32, 32),
            ("t5.decoder_start_token_id", U32, 0), ("t5.vocab_size", U32, 32128)]


def is_q8(cols, fill):
    return cols and fill is None


def n_bytes(rows, cols, fill):
    n = rows * (cols or 1)
    return n // 32 * 34 if is_q8(cols, fill) else 4 * n


def values(rng, rows, cols, fill):
    n = rows * (cols or 1)
    if fill == "ones":
        return np.ones(n, "<f4").tobytes()
    if fill == "zeros":
        return np.zeros(n, "<f4").tobytes()
    if fill == "small":
        return (0.01 * rng.standard_normal(n, dtype=np.float32)).tobytes()
    block = np.zeros(n // 32, dtype=[("d", "<f2"), ("q", "i1", 32)])
    block["d"] = 0.02 / 42
    block["q"] = np.clip(np.rint(42 * rng.standard_normal((n // 32, 32), dtype=np.float32)),
                         -127, 127)
    return block.tobytes()


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in GPT2.keys() | T5.keys():
        sys.exit(__doc__)
    shape = sys.argv[1]
    if shape in T5:
        table, meta = list(t5_tensors(*T5[shape])), t5_meta(*T5[shape])
    else:
        table, meta = list(gpt2_tensors(*GPT2[shape][:2])), gpt2_meta(*GPT2[shape])
    meta = [("general.architecture", STRING, "t5" if shape in T5 else "gpt2"),
            ("general.name", STRING, shape + " of random weights"), *meta,
            ("tokenizer.ggml.model", STRING, "none"), ("general.alignment", U32, ALIGN)]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(table), len(meta))
    head += b"".join(pair(*m) for m in meta)
    at = 0
    for name, rows, cols, fill in table:
        dims = (cols, rows) if cols else (rows,)
        head += text(name) + struct.pack("<I", len(dims))
        head += struct.pack(f"<{len(dims)}Q", *dims)
        head += struct.pack("<IQ", TYPE_Q8_0 if is_q8(cols, fill) else TYPE_F32, at)
        at += -(-n_bytes(rows, cols, fill) // ALIGN) * ALIGN
    rng = np.random.default_rng(1)
    with open(sys.argv[2], "wb") as f:
        f.write(head + bytes(-len(head) % ALIGN))
        for _, rows, cols, fill in table:
            b = values(rng, rows, cols, fill)
            f.write(b + bytes(-len(b) % ALIGN))


main()
