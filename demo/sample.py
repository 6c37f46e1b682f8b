#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints text of a GPT-2 directory, by PyTorch, to look at while training.

  sample.py MODEL [-p PROMPT] [-n 250] [--temp 0.8] [--seed 1] [--count 4]
"""
import argparse

import torch

import bpe
import gpt2


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model")
    p.add_argument("-p", "--prompt", default="Once upon a time")
    p.add_argument("-n", type=int, default=250)
    p.add_argument("--temp", type=float, default=0.8)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=4)
    a = p.parse_args()
    torch.set_num_threads(1)
    model = gpt2.load(a.model)
    tokenizer = bpe.Tokenizer.load(a.model)
    random = torch.Generator().manual_seed(a.seed)
    stop = model.config["eos_token_id"]
    for _ in range(a.count):
        ids = tokenizer.encode(a.prompt)
        out = gpt2.generate(model, ids, a.n, a.temp, random, stop)
        ended = "" if len(out) == a.n else bpe.EOT
        print(tokenizer.decode(ids + out).rstrip("\n") + ended)
        print(f"-- {len(out)} tokens")


if __name__ == "__main__":
    main()
