#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes heldout.* and golden.json of a T5 directory: what PyTorch computes in
fp32 from the saved 16-bit weights.

  golden_t5.py models/demo-t5
  golden_t5.py models/demo-t5/little --heldout models/demo-t5
"""
import argparse
import collections
import json
import math
import os
import re

import torch
import torch.nn.functional as F

import pairs
import t5
import train_t5

LOGITS = 24             # of a position are written down
POSITIONS = 20
SENTENCES = [
    ("The house is big.", "Das Haus ist groß."),
    ("Where is the station?", "Wo ist der Bahnhof?"),
    ("My sister has bought a new hat.",
     "Meine Schwester hat einen neuen Hut gekauft."),
    ("Tomorrow, we will travel to Berlin.",
     "Morgen werden wir nach Berlin reisen."),
    ("The boy does not want to eat the soup because it is too hot.",
     "Der Junge will die Suppe nicht essen, weil sie zu heiß ist."),
    ("Please turn off the lamp!", "Bitte schalte die Lampe aus!"),
    ("Peter gave his mother three red flowers yesterday.",
     "Peter hat seiner Mutter gestern drei rote Blumen gegeben."),
    ("The dog that I saw in the park was very friendly.",
     "Der Hund, den ich im Park gesehen habe, war sehr freundlich."),
]
STORIES = 4             # the first of those that are held out


def words_of(text):
    return re.findall(r"\w+|[^\w\s]", text)


def bleu(outputs, references):
    """Corpus BLEU with n-grams of up to four words or punctuation marks."""
    found, total = [0] * 4, [0] * 4
    lengths = [0, 0]
    for out, ref in zip(outputs, references):
        out, ref = words_of(out), words_of(ref)
        lengths[0] += len(out)
        lengths[1] += len(ref)
        for n in range(4):
            a, b = (collections.Counter(zip(*(w[k:] for k in range(n + 1))))
                    for w in (out, ref))
            found[n] += sum((a & b).values())
            total[n] += sum(a.values())
    if not min(found):
        return 0.0
    mean = sum(math.log(f / t) for f, t in zip(found, total)) / 4
    short = min(0.0, 1 - lengths[1] / lengths[0])
    return 100 * math.exp(mean + short)


def rounded(values, digits=6):
    return [round(x, digits) for x in values.tolist()]


@torch.no_grad()
def vectors(model, pieces, source, target, task):
    """All that is known of one source."""
    ids = pieces.encode(source) + [t5.EOS]
    goal = pieces.encode(target) + [t5.EOS]
    encoded, mask = model.encode(torch.tensor([ids]))
    logits = model.decode(torch.tensor([[t5.PAD] + goal[:-1]]), encoded,
                          mask)[0]
    limit = task["max_length"] - 1      # the start token counts
    greedy = t5.greedy(model, torch.tensor([ids]), limit)[0]
    score, best = t5.beam_search(model, ids, task["num_beams"], limit,
                                 task["length_penalty"],
                                 task["early_stopping"])
    shown = logits[:POSITIONS]
    return {
        "source": source, "input_ids": ids,
        "encoder_l2": rounded(encoded[0].norm(dim=-1)),
        "encoder_last8": [rounded(row[-8:]) for row in encoded[0, :4]],
        "reference": target, "target_ids": goal,
        "mean_nll": float(F.cross_entropy(logits, torch.tensor(goal))),
        "logits": [rounded(row[:LOGITS]) for row in shown],
        "logits_l2": rounded(shown.norm(dim=-1)),
        "logits_lse": rounded(torch.logsumexp(shown, -1)),
        "logits_argmax": shown.argmax(-1).tolist(),
        "greedy_ids": greedy, "greedy_text": pieces.decode(greedy),
        "beam_ids": best, "beam_text": pieces.decode(best),
        "beam_score": round(score, 6)}


@torch.no_grad()
def quality(model, pieces, rows, task):
    """Loss and the greedy output's likeness to the references."""
    data = train_t5.encode(pieces, rows)
    outputs = []
    for k in range(0, len(data), 25):
        source = train_t5.padded([s for s, _ in data[k:k + 25]])
        outputs += [pieces.decode(ids) for ids in
                    t5.greedy(model, source, task["max_length"] - 1)]
    goals = [target for _, target in rows]
    nll = count = 0
    for part in train_t5.batches(data, 4000):
        loss, n = train_t5.loss_of(model, *part)
        nll += float(loss)
        count += n
    return outputs, {
        "pairs": len(rows), "tokens": count, "mean_nll": nll / count,
        "ppl": math.exp(nll / count), "greedy_bleu": bleu(outputs, goals),
        "greedy_exact": sum(map(str.__eq__, outputs, goals)) / len(rows)}


def read_lines(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as f:
        return f.read().splitlines()


def write_lines(folder, name, lines):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in lines)


def write_heldout(folder):
    for part, prefix, names in zip(
            pairs.heldout(), (pairs.TRANSLATE, pairs.SUMMARIZE),
            (("heldout.en", "heldout.de"),
             ("heldout.story", "heldout.summary"))):
        write_lines(folder, names[0], [s[len(prefix):] for s in part])
        write_lines(folder, names[1], part.values())


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model")
    p.add_argument("--heldout", metavar="FOLDER",
                   help="files that are there, instead of writing them")
    p.add_argument("--show", type=int, default=0,
                   help="print so many outputs of each task")
    a = p.parse_args()
    torch.set_num_threads(1)
    if not a.heldout:
        write_heldout(a.model)
    held = a.heldout or a.model
    model, pieces = t5.load(a.model), train_t5.load_pieces(a.model)
    tasks = model.config["task_specific_params"]
    out = {"weights": "model.safetensors (F16), computed in fp32",
           "made_by": f"PyTorch {torch.__version__.split('+')[0]}; greedy "
           "and beam search as in demo/t5.py; ids include the end (1) and "
           "not the start (0)", "sources": [], "heldout": {}}
    for name, files in (
            ("translation_en_to_de", ("heldout.en", "heldout.de")),
            ("summarization", ("heldout.story", "heldout.summary"))):
        task = tasks[name]
        rows = list(zip(*(read_lines(held, f) for f in files)))
        chosen = SENTENCES if files[0] == "heldout.en" else rows[:STORIES]
        out["sources"] += [dict(task=name, **vectors(
            model, pieces, task["prefix"] + s, t, task)) for s, t in chosen]
        rows = [(task["prefix"] + s, t) for s, t in rows]
        outputs, out["heldout"][name] = quality(model, pieces, rows, task)
        for (source, target), text in list(zip(rows, outputs))[:a.show]:
            print(source, "\n  ", text, "" if text == target else
                  "\n  (" + target + ")")
    with open(os.path.join(a.model, "golden.json"), "w",
              encoding="utf-8") as f:
        json.dump(out, f, ensure_ascii=False)
        f.write("\n")
    for g in out["sources"]:
        print(repr(g["source"]), "->", repr(g["greedy_text"]))
    print(json.dumps(out["heldout"]))


if __name__ == "__main__":
    main()
