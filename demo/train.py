#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Train the demo model on generated stories, with Debian's python3-torch.

  train.py --out models/demo --minutes 80
  train.py --out models/demo/little --tokenizer models/demo --embd 96 --layers 2
           --heads 3 --activation relu --minutes 25

Needs python3-torch, python3-regex and libopenblas0-pthread (without an
optimised BLAS it takes thirty times as long). The learning rate follows a
cosine over whichever of --minutes and --steps ends first, so a slower machine
takes fewer steps but finishes on time; with --steps alone and one thread the
result is a function of the seed.
"""
import argparse
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

import bpe
import gpt2
import stories


def encode_corpus(tokenizer, documents):
    """(ids, starts): the whole stream, and where each document begins."""
    ids, starts = [], []
    for text in documents:
        starts.append(len(ids))
        ids += tokenizer.encode(text)
    return np.array(ids, dtype=np.int64), np.array(starts)


def windows(rng, ids, starts, n, length):
    """Half of the windows begin with a document, as a prompt does; the rest
    lie anywhere, so that late positions see document beginnings too."""
    last = len(ids) - length - 1
    at = rng.integers(0, last, n)
    aligned = rng.choice(starts[starts < last], n)
    at[::2] = aligned[::2]
    x = torch.from_numpy(np.stack([ids[k:k + length + 1] for k in at]))
    return x[:, :-1], x[:, 1:]


def loss_of(model, x, y):
    logits = model(x)
    return F.cross_entropy(logits.flatten(0, 1).float(), y.reshape(-1))


@torch.no_grad()
def validate(model, ids, length, batch):
    total = count = 0
    n = (len(ids) - 1) // length
    x = torch.from_numpy(ids[:n * length]).view(n, length)
    y = torch.from_numpy(ids[1:n * length + 1]).view(n, length)
    for k in range(0, n, batch):
        part = y[k:k + batch]
        total += float(loss_of(model, x[k:k + batch], part)) * part.numel()
        count += part.numel()
    return total / count


def optimizer_for(model, lr):
    """Weight decay for matrices only, as usual."""
    matrices = [p for n, p in model.named_parameters()
                if p.dim() == 2 and not n.startswith(("wte", "wpe"))]
    others = [p for n, p in model.named_parameters()
              if p.dim() != 2 or n.startswith(("wte", "wpe"))]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1},
         {"params": others, "weight_decay": 0.0}], lr=lr, betas=(0.9, 0.95))


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--out", required=True)
    p.add_argument("--minutes", type=float, default=80.0)
    p.add_argument("--steps", type=int, default=10 ** 9)
    p.add_argument("--megabytes", type=float, default=24.0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--heldout-seed", type=int, default=1000001)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--lr", type=float, default=1.5e-3)
    p.add_argument("--warmup", type=int, default=200)
    p.add_argument("--eval-every", type=int, default=500)
    p.add_argument("--vocab", type=int, default=2048)
    p.add_argument("--ctx", type=int, default=256)
    p.add_argument("--embd", type=int, default=256)
    p.add_argument("--layers", type=int, default=4)
    p.add_argument("--heads", type=int, default=4)
    p.add_argument("--activation", default="gelu_new",
                   choices=sorted(gpt2.ACTIVATIONS))
    p.add_argument("--tokenizer", metavar="MODEL",
                   help="keep this model's instead of learning one")
    p.add_argument("--fp32", action="store_true", help="no bf16 autocast")
    p.add_argument("--threads", type=int, default=1)
    return p.parse_args()


def tokenizer_of(a, documents):
    if a.tokenizer:
        return bpe.Tokenizer.load(a.tokenizer)
    texts = (part for d in documents for part in d.split(bpe.EOT))
    return bpe.Tokenizer(*bpe.learn(texts, a.vocab))


def main():
    a = arguments()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    rng = np.random.default_rng(a.seed)
    os.makedirs(a.out, exist_ok=True)

    documents = list(stories.corpus(a.seed, int(a.megabytes * 1e6)))
    tokenizer = tokenizer_of(a, documents)
    tokenizer.save(a.out)
    train, starts = encode_corpus(tokenizer, documents)
    held, _ = encode_corpus(tokenizer, stories.corpus(a.heldout_seed, 250000))
    print(f"{len(documents)} documents, {sum(map(len, documents))} bytes, "
          f"{len(train)} tokens, vocabulary {len(tokenizer.vocab)}", flush=True)

    eot = len(tokenizer.vocab) - 1
    model = gpt2.GPT2({
        "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2",
        "activation_function": a.activation, "n_embd": a.embd,
        "n_layer": a.layers, "n_head": a.heads, "n_positions": a.ctx,
        "n_ctx": a.ctx, "n_inner": None, "vocab_size": len(tokenizer.vocab),
        "layer_norm_epsilon": 1e-5, "initializer_range": 0.02,
        "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0,
        "scale_attn_weights": True, "tie_word_embeddings": True,
        "bos_token_id": eot, "eos_token_id": eot})
    optimizer = optimizer_for(model, a.lr)
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)

    begin, step, last = time.time(), 0, time.time()
    while True:
        done = max(step / a.steps, (time.time() - begin) / (a.minutes * 60))
        if done >= 1:
            break
        lr = a.lr * min(1, (step + 1) / a.warmup)
        lr *= 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))
        for group in optimizer.param_groups:
            group["lr"] = lr
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=not a.fp32):
            loss = loss_of(model, *windows(rng, train, starts, a.batch, a.ctx))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 50 == 0:
            speed = 50 * a.batch * a.ctx / (time.time() - last)
            last = time.time()
            print(f"step {step} loss {loss.item():.4f} lr {lr:.2e} "
                  f"{speed:.0f} tokens/s {last - begin:.0f} s", flush=True)
        if step % a.eval_every == 0:
            print(f"  held-out loss "
                  f"{validate(model, held, a.ctx, a.batch):.4f}", flush=True)
            gpt2.save(model, a.out)
    gpt2.save(model, a.out)
    print(f"done: {step} steps, {step * a.batch * a.ctx} tokens, "
          f"{time.time() - begin:.0f} s, held-out loss "
          f"{validate(gpt2.load(a.out), held, a.ctx, a.batch):.4f} "
          f"with the saved weights", flush=True)


if __name__ == "__main__":
    main()
