#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes heldout.txt and golden.json of the demo model: what PyTorch computes
in fp32 from the saved F16 weights.

  golden.py models/demo
  golden.py models/demo/little --heldout models/demo/heldout.txt --prompts 2
"""
import argparse
import json
import os

import torch
import torch.nn.functional as F

import bpe
import gpt2
import perplexity
import stories

PROMPTS = ["Once upon a time", "The sun", "Anna and Tom were good friends.",
           '"Where are you going?" asked', "In winter"]
HELDOUT_SEED = 1000001      # train.py's default; the corpus has seed 1
HELDOUT_BYTES = 80000


@torch.no_grad()
def vectors(model, tokenizer, prompt, count=48):
    ids = tokenizer.encode(prompt)
    logits = model(torch.tensor([ids]))[0]
    last = logits[-1]
    top = last.topk(5)
    greedy = gpt2.generate(model, ids, count)
    nll = None
    if len(ids) > 1:
        nll = float(F.cross_entropy(logits[:-1], torch.tensor(ids[1:])))
    return {
        "prompt": prompt, "input_ids": ids,
        "last_logits": [round(x, 6) for x in last.tolist()],
        "last_logits_top5_ids": top.indices.tolist(),
        "last_logits_top5": [round(x, 6) for x in top.values.tolist()],
        "last_logits_l2": float(last.norm()),
        "logits_l2": float(logits.norm()), "mean_nll": nll,
        "greedy_ids": greedy, "greedy_text": tokenizer.decode(greedy)}


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model")
    p.add_argument("--heldout", metavar="FILE",
                   help="a text that is there, instead of writing one")
    p.add_argument("--prompts", type=int, default=len(PROMPTS))
    a = p.parse_args()
    folder = a.model
    torch.set_num_threads(1)
    model = gpt2.load(folder)
    tokenizer = bpe.Tokenizer.load(folder)
    path = a.heldout or os.path.join(folder, "heldout.txt")
    if not a.heldout:
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(stories.corpus(HELDOUT_SEED, HELDOUT_BYTES))
    ids = tokenizer.encode(perplexity.read_text(path))
    out = {"weights": "model.safetensors (F16), computed in fp32",
           "prompts": [vectors(model, tokenizer, t) for t in
                       PROMPTS[:a.prompts]],
           "heldout": dict(perplexity.evaluate(model, ids), file=os.path.relpath(path, folder))}
    with open(os.path.join(folder, "golden.json"), "w", encoding="utf-8") as f:
        json.dump(out, f, ensure_ascii=False, indent=None)
        f.write("\n")
    for g in out["prompts"]:
        print(repr(g["prompt"]), "->", repr(g["greedy_text"]))
    print(json.dumps(out["heldout"]))


if __name__ == "__main__":
    main()
