#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A tiny T5 with random weights, its tokenizer's pieces the printable characters:
python3 tests/tiny_t5.py DIR [SEED [LAYERS]]. Its texts say nothing, and differ."""
import json
import os
import random
import struct
import sys

SPACE = "\u2581"
PIECES = ["<pad>", "</s>", "<unk>", SPACE] + [chr(c) for c in range(33, 127)] + [
    SPACE + "the", "er", "en", "ei", SPACE + "d", "st", "in"]
VOCAB = 112
WIDTH = 32


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(value)


def tokenizer():
    types = {"<pad>": 3, "</s>": 3, "<unk>": 2}
    pieces = b"".join(
        field(1, field(1, text.encode()) + field(2, -float(len(PIECES) - i) / 8) +
              field(3, types.get(text, 1)))
        for i, text in enumerate(PIECES))
    trainer = (field(3, 1) + field(40, 2) + field(41, (1 << 64) - 1) + field(42, 1) +
               field(43, 0))
    return pieces + field(2, trainer) + field(3, field(1, b"identity"))


def stack(name, layers, shapes):
    width = WIDTH
    for layer in range(layers):
        at = f"{name}.block.{layer}.layer."
        attentions = ["0.SelfAttention"] + ["1.EncDecAttention"] * (name == "decoder")
        for i, attention in enumerate(attentions):
            for what in "qkvo":
                shapes[f"{at}{attention}.{what}.weight"] = (width, width)
            shapes[f"{at}{i}.layer_norm.weight"] = (width,)
        last = len(attentions)
        shapes[f"{at}{last}.DenseReluDense.wi.weight"] = (2 * width, width)
        shapes[f"{at}{last}.DenseReluDense.wo.weight"] = (width, 2 * width)
        shapes[f"{at}{last}.layer_norm.weight"] = (width,)
    shapes[f"{name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"] = (
        32, width // 16)
    shapes[f"{name}.final_layer_norm.weight"] = (width,)


def values(rng, name, shape):
    count = shape[0] * (shape[1] if len(shape) > 1 else 1)
    if "layer_norm" in name:
        return [1.0] * count
    scale = 1.0 if name == "shared.weight" or "relative" in name else (
        0.35 / WIDTH ** 0.5 if ".q." in name else 1.2 / shape[-1] ** 0.5)
    return [rng.gauss(0, scale) for _ in range(count)]


def main(directory, seed, layers):
    rng = random.Random(seed)
    shapes = {"shared.weight": (VOCAB, WIDTH)}
    stack("encoder", layers, shapes)
    stack("decoder", layers, shapes)
    header, data = {}, b""
    for name, shape in shapes.items():
        numbers = values(rng, name, shape)
        new = struct.pack(f"<{len(numbers)}f", *numbers)
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [len(data), len(data) + len(new)]}
        data += new
    text = json.dumps(header).encode()
    os.makedirs(directory, exist_ok=True)
    with open(f"{directory}/model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)
    with open(f"{directory}/spiece.model", "wb") as f:
        f.write(tokenizer())
    with open(f"{directory}/config.json", "w", encoding="utf-8") as f:
        json.dump({
            "architectures": ["T5ForConditionalGeneration"], "model_type": "t5",
            "d_model": WIDTH, "d_ff": 2 * WIDTH, "d_kv": 16, "num_heads": WIDTH // 16,
            "num_layers": layers, "num_decoder_layers": layers, "vocab_size": VOCAB,
            "feed_forward_proj": "relu", "n_positions": 256,
            "decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1,
            "task_specific_params": {
                "translation_en_to_de": {"prefix": "to German: ", "num_beams": 3},
            }}, f)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1,
         int(sys.argv[3]) if len(sys.argv) > 3 else 2)
