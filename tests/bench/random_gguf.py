#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Write a GPT-2 of random weights as a Q8_0 GGUF file, for timing.

    random_gguf.py SHAPE FILE        SHAPE: gpt2, gpt2-medium, gpt2-large, gpt2-xl

Needs numpy alone. The file has no tokenizer; matrices are Q8_0 as llama.cpp's
quantiser would store them (blocks of 32 with one binary16 scale), the rest F32.
"""
import struct
import sys

import numpy as np

SHAPES = {"gpt2": (768, 12, 12), "gpt2-medium": (1024, 24, 16),
          "gpt2-large": (1280, 36, 20), "gpt2-xl": (1600, 48, 25)}
VOCAB, CONTEXT, ALIGN = 50257, 1024, 32
U32, F32, STRING = 4, 6, 8          # metadata types
TYPE_F32, TYPE_Q8_0 = 0, 8          # tensor types


def text(s):
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


def pair(key, kind, value):
    body = text(value) if kind == STRING else \
        struct.pack("<f" if kind == F32 else "<I", value)
    return text(key) + struct.pack("<I", kind) + body


def tensors(width, layers):
    """(name, rows, columns or 0 for a vector, 'ones' / 'zeros' / None)"""
    yield "token_embd.weight", VOCAB, width, None
    yield "position_embd.weight", CONTEXT, width, "small"
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
    if len(sys.argv) != 3 or sys.argv[1] not in SHAPES:
        sys.exit(__doc__)
    width, layers, heads = SHAPES[sys.argv[1]]
    meta = [("general.architecture", STRING, "gpt2"),
            ("general.name", STRING, sys.argv[1] + " of random weights"),
            ("gpt2.context_length", U32, CONTEXT), ("gpt2.embedding_length", U32, width),
            ("gpt2.feed_forward_length", U32, 4 * width), ("gpt2.block_count", U32, layers),
            ("gpt2.attention.head_count", U32, heads),
            ("gpt2.attention.layer_norm_epsilon", F32, 1e-5),
            ("gpt2.vocab_size", U32, VOCAB), ("tokenizer.ggml.model", STRING, "none"),
            ("general.alignment", U32, ALIGN)]
    table = list(tensors(width, layers))
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
