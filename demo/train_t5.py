#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Train the demo T5 on generated pairs, with Debian's python3-torch.

  train_t5.py --out models/demo-t5 --minutes 60
  train_t5.py --out models/demo-t5/little --tokenizer models/demo-t5
              --width 96 --inner 384 --heads 3 --layers 1 --lr 3e-3
              --minutes 20

Needs python3-torch, python3-sentencepiece and libopenblas0-pthread. Each pair
is seen once: text is generated while training goes on. The learning rate
follows a cosine over whichever of --minutes and --steps ends first; with
--steps alone and one thread the result is a function of the seed. With --state
the run can be interrupted and taken up again by the same command.
"""
import argparse
import math
import os
import shutil
import time

import numpy as np
import sentencepiece
import torch
import torch.nn.functional as F

import pairs
import t5

EXTRA_IDS = 100         # T5's <extra_id_N>, which follow the pieces
CHUNK = 5000            # pairs that are generated and sorted at a time
ALWAYS = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
          "ÄÖÜäöüß.,:;!?'\"()-")


def learn_pieces(folder, size, seed):
    """spiece.model of `size` pieces, laid out as T5's: pad, end, unknown."""
    text = os.path.join(folder, "pieces.txt")
    with open(text, "w", encoding="utf-8") as f:
        for source, target in pairs.pairs(f"{seed} pieces", 60000):
            f.write(source + "\n" + target + "\n")
    sentencepiece.SentencePieceTrainer.train(
        input=text, model_prefix=os.path.join(folder, "spiece"),
        model_type="unigram", vocab_size=size, pad_id=0, eos_id=1, unk_id=2,
        bos_id=-1, pad_piece="<pad>", required_chars=ALWAYS, num_threads=1,
        shuffle_input_sentence=False, minloglevel=2)
    os.remove(text)
    os.remove(os.path.join(folder, "spiece.vocab"))


def load_pieces(folder):
    return sentencepiece.SentencePieceProcessor(
        model_file=os.path.join(folder, "spiece.model"))


def encode(pieces, rows):
    return [tuple(np.array(pieces.encode(text) + [t5.EOS]) for text in row)
            for row in rows]


def padded(rows):
    out = np.full((len(rows), max(map(len, rows))), t5.PAD, dtype=np.int64)
    for k, row in enumerate(rows):
        out[k, :len(row)] = row
    return torch.from_numpy(out)


def batches(data, tokens, rng=None):
    """Lists of pairs of like length whose padded size is about `tokens`."""
    def size(pair):
        return len(pair[0]), len(pair[1])
    if rng is not None:
        rng.shuffle(data)
    out, batch = [], []
    for pair in sorted(data, key=size):
        widest = max([size(p) for p in batch + [pair]])
        longest = max(len(p[1]) for p in batch + [pair])
        if batch and (widest[0] + longest) * (len(batch) + 1) > tokens:
            out.append(batch)
            batch = []
        batch.append(pair)
    out.append(batch)
    if rng is not None:
        rng.shuffle(out)
    return [(padded([s for s, _ in b]), padded([t for _, t in b]))
            for b in out]


def loss_of(model, source, target):
    """Summed over the target's tokens, and how many these are."""
    start = torch.full((len(target), 1), t5.PAD)
    logits = model(source, torch.cat([start, target[:, :-1]], 1))
    loss = F.cross_entropy(logits.flatten(0, 1).float(), target.flatten(),
                           ignore_index=t5.PAD, reduction="sum")
    return loss, int((target != t5.PAD).sum())


@torch.no_grad()
def validate(model, parts):
    model.eval()
    sums = [loss_of(model, *part) for part in parts]
    model.train()
    return float(sum(s for s, _ in sums)) / sum(n for _, n in sums)


def task(prefix, beams, longest):
    return {"early_stopping": True, "length_penalty": 1.0,
            "max_length": longest, "min_length": 0,
            "no_repeat_ngram_size": 0, "num_beams": beams, "prefix": prefix}


def config_of(a):
    return {
        "architectures": ["T5ForConditionalGeneration"], "model_type": "t5",
        "d_model": a.width, "d_ff": a.inner, "d_kv": a.width // a.heads,
        "num_heads": a.heads, "num_layers": a.layers,
        "num_decoder_layers": a.layers, "vocab_size": a.vocab,
        "feed_forward_proj": "gated-gelu" if a.gated else "relu",
        "tie_word_embeddings": not a.gated, "n_positions": 512,
        "relative_attention_num_buckets": 32,
        "relative_attention_max_distance": 128, "layer_norm_epsilon": 1e-6,
        "dropout_rate": a.dropout, "initializer_factor": 1.0,
        "is_encoder_decoder": True, "use_cache": True,
        "decoder_start_token_id": t5.PAD, "pad_token_id": t5.PAD,
        "eos_token_id": t5.EOS, "task_specific_params": {
            "translation_en_to_de": task(pairs.TRANSLATE, 4, 64),
            "summarization": task(pairs.SUMMARIZE, 4, 48)}}


def optimizer_for(model, lr):
    """Adam moves every weight by about the learning rate, so what starts
    large is to move faster and what starts small slower: the embedding's
    values are near 1, and those of q are d_kv^-0.5 of k's, as scores are not
    scaled. At the full rate scores become so large that softmax saturates and
    the decoder never learns where to look."""
    q = [p for n, p in model.named_parameters() if n.endswith(".q.weight")]
    known = {id(p) for p in q + [model.shared.weight]}
    rest = [p for p in model.parameters() if id(p) not in known]
    return torch.optim.AdamW(
        [{"params": [model.shared.weight], "scale": 5.0, "weight_decay": 0.0},
         {"params": q, "scale": model.config["d_kv"] ** -0.5,
          "weight_decay": 0.01},
         {"params": rest, "scale": 1.0, "weight_decay": 0.01}],
        lr=lr, betas=(0.9, 0.98))


class Run:
    """What is needed to take a run up again."""

    def __init__(self, model, optimizer, path):
        self.model, self.optimizer, self.path = model, optimizer, path
        self.step = self.chunk = self.tokens = 0
        self.seconds = 0.0

    def save(self):
        if not self.path:
            return
        torch.save({"model": self.model.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    "at": (self.step, self.chunk, self.tokens, self.seconds)},
                   self.path + ".new")
        os.replace(self.path + ".new", self.path)

    def resume(self):
        if not self.path or not os.path.exists(self.path):
            return
        state = torch.load(self.path)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.chunk, self.tokens, self.seconds = state["at"]
        print(f"taken up at step {self.step}", flush=True)


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--out", required=True)
    p.add_argument("--minutes", type=float, default=60.0)
    p.add_argument("--steps", type=int, default=10 ** 9)
    p.add_argument("--seed", type=int, default=pairs.TRAIN_SEED)
    p.add_argument("--batch", type=int, default=1250,
                   help="padded tokens, source and target together")
    p.add_argument("--stories", type=float, default=0.1,
                   help="the share of pairs that are to be summarised")
    p.add_argument("--lr", type=float, default=1.5e-3)
    p.add_argument("--warmup", type=int, default=200)
    p.add_argument("--save-every", type=int, default=150, metavar="STEPS")
    p.add_argument("--vocab", type=int, default=2000)
    p.add_argument("--width", type=int, default=192)
    p.add_argument("--inner", type=int, default=768)
    p.add_argument("--heads", type=int, default=6)
    p.add_argument("--layers", type=int, default=2,
                   help="of the encoder, and as many of the decoder")
    p.add_argument("--dropout", type=float, default=0.0)
    p.add_argument("--gated", action="store_true",
                   help="T5 1.1: gated GELU and an untied head")
    p.add_argument("--tokenizer", metavar="MODEL",
                   help="keep this model's instead of learning one")
    p.add_argument("--state", metavar="FILE",
                   help="where an interrupted run is taken up")
    p.add_argument("--bf16", action="store_true")
    p.add_argument("--threads", type=int, default=1)
    return p.parse_args()


def prepare(a):
    """(pieces, what is held out, as batches)"""
    os.makedirs(a.out, exist_ok=True)
    model = os.path.join(a.out, "spiece.model")
    if a.tokenizer:
        shutil.copyfile(os.path.join(a.tokenizer, "spiece.model"), model)
    elif not (a.state and os.path.exists(a.state)):
        learn_pieces(a.out, a.vocab - EXTRA_IDS, a.seed)
    t5.write_json(os.path.join(a.out, "tokenizer_config.json"), {
        "tokenizer_class": "T5Tokenizer", "extra_ids": EXTRA_IDS,
        "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>",
        "model_max_length": 512})
    pieces = load_pieces(a.out)
    translate, summarize = pairs.heldout()
    held = [batches(encode(pieces, part.items()), a.batch)
            for part in (translate, summarize)]
    return pieces, set(translate) | set(summarize), held


def short_share(done):
    """Words and phrases are most of it at first, and a tenth in the second
    half of the way."""
    return max(0.1, 0.8 - 1.4 * done)


def train_chunk(a, run, pieces, without, stop):
    """One chunk of fresh pairs. `stop(run)` gives the share that is done."""
    rng = np.random.default_rng([a.seed, run.chunk])
    rows = pairs.pairs(f"{a.seed} {run.chunk}", CHUNK, without, a.stories,
                       short_share(stop()))
    for source, target in batches(encode(pieces, rows), a.batch, rng):
        done = stop()
        if done >= 1:
            return False
        lr = a.lr * min(1, (run.step + 1) / a.warmup)
        lr *= 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))
        for group in run.optimizer.param_groups:
            group["lr"] = lr * group["scale"]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.bf16):
            loss, count = loss_of(run.model, source, target)
        run.optimizer.zero_grad(set_to_none=True)
        (loss / count).backward()
        torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
        run.optimizer.step()
        run.step += 1
        run.tokens += int((source != t5.PAD).sum()) + count
        if run.step % 100 == 0:
            print(f"step {run.step} loss {float(loss) / count:.4f} lr "
                  f"{lr:.2e} {run.tokens} tokens", flush=True)
    run.chunk += 1
    return True


def main():
    a = arguments()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    pieces, without, held = prepare(a)
    model = t5.T5(config_of(a))
    run = Run(model, optimizer_for(model, a.lr), a.state)
    run.resume()
    print(f"{sum(p.numel() for p in model.parameters())} parameters",
          flush=True)
    begin, saved = time.time() - run.seconds, run.step

    def stop():
        run.seconds = time.time() - begin
        return max(run.step / a.steps, run.seconds / (a.minutes * 60))
    while train_chunk(a, run, pieces, without, stop):
        if run.step - saved < a.save_every:
            continue
        saved = run.step
        losses = " and ".join(f"{validate(model, part):.4f}" for part in held)
        print(f"  {run.seconds:.0f} s, held-out loss {losses}", flush=True)
        t5.save(model, a.out)
        run.save()
    t5.save(model, a.out)
    run.save()
    losses = " and ".join(f"{validate(t5.load(a.out), part):.4f}"
                          for part in held)
    print(f"done: {run.step} steps, {run.tokens} tokens, {run.seconds:.0f} s, "
          f"held-out loss {losses} with the saved weights", flush=True)


if __name__ == "__main__":
    main()
