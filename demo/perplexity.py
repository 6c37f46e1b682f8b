#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The fp32 perplexity of a GPT-2 directory, by PyTorch: what `ctrans eval`
is measured against.

  perplexity.py MODEL --text FILE [--bytes N] [--ctx C] [--stride S]
  perplexity.py MODEL --ids FILE  [--ctx C] [--stride S]

Windows start at 0, S, 2S, ... and end at most C tokens later, the last one at
the end of the text; in each, the tokens after the previous window's end are
scored. The very first token of the text is not. Defaults: C is the model's
context and S half of it. An id file holds decimal ids between white space.
"""
import argparse
import json
import math

import torch
import torch.nn.functional as F

import bpe
import gpt2


@torch.no_grad()
def evaluate(model, ids, ctx=None, stride=None):
    """{"nll": sum, "tokens": scored, "ppl": ...} of the id sequence."""
    ctx = ctx or model.config["n_positions"]
    stride = stride or max(1, ctx // 2)
    if ctx > model.config["n_positions"] or stride > ctx:
        raise ValueError("stride <= ctx <= n_positions must hold")
    nll, scored, seen, start = 0.0, 0, 0, 0
    while seen < len(ids):
        end = min(start + ctx, len(ids))
        window = torch.tensor(ids[start:end])
        logits = model(window[None])[0]
        # position i predicts token i + 1; a window without an overlap (S = C)
        # has nothing to predict its first token from
        first = max(seen - start, 1)
        if end - start > first:
            part = F.cross_entropy(logits[first - 1:-1].double(),
                                   window[first:], reduction="sum")
            nll += float(part)
            scored += end - start - first
        seen = end
        start += stride
    return {"nll": nll, "tokens": scored,
            "ppl": math.exp(nll / scored) if scored else None,
            "ctx": ctx, "stride": stride, "text_tokens": len(ids)}


def read_text(path, limit=None):
    """The text, or its first `limit` bytes cut back to a whole character."""
    with open(path, "rb") as f:
        data = f.read() if limit is None else f.read(limit)
    return data.decode("utf-8", "strict" if limit is None else "ignore")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model")
    source = p.add_mutually_exclusive_group(required=True)
    source.add_argument("--text")
    source.add_argument("--ids")
    p.add_argument("--bytes", type=int)
    p.add_argument("--ctx", type=int)
    p.add_argument("--stride", type=int)
    a = p.parse_args()
    torch.set_num_threads(1)
    model = gpt2.load(a.model)
    if a.ids:
        with open(a.ids, encoding="ascii") as f:
            ids = [int(w) for w in f.read().split()]
    else:
        ids = bpe.Tokenizer.load(a.model).encode(read_text(a.text, a.bytes))
    print(json.dumps(evaluate(model, ids, a.ctx, a.stride)))


if __name__ == "__main__":
    main()
