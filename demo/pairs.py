#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes pairs of texts for a model that translates and summarises.

  pairs.py --seed 1 --count 1000 > pairs.tsv     # source<TAB>target

English sentences with their German come from a bilingual grammar
(sentences.py), stories with a summary from templates (reports.py); both were
written for this purpose, so the text is free of anybody's rights. The same
seed gives the same pairs on every machine. Sources carry T5's prefixes.
"""
import argparse
import random

import fragments
import reports
import sentences

TRANSLATE = "translate English to German: "
SUMMARIZE = "summarize: "
# shares of the pairs, if nothing else is said; the rest are sentences
STORIES = 0.2
FRAGMENTS = 0.0
TRAIN_SEED = 1
HELDOUT_SEED = 1000001
HELDOUT_SENTENCES = 300
HELDOUT_STORIES = 80


def pairs(seed, count, without=(), stories=STORIES, short=FRAGMENTS):
    """`count` pairs (source, target), of which the share `stories` are to be
    summarised and the share `short` are words and phrases; none whose source
    is in `without`."""
    rng = random.Random(seed)
    while count:
        which = rng.random()
        if which < stories:
            source, target = reports.pair(rng)
            source = SUMMARIZE + source
        elif which < stories + short:
            source, target = fragments.pair(rng)
            source = TRANSLATE + source
        else:
            source, target = sentences.pair(rng)
            source = TRANSLATE + source
        if source not in without:
            count -= 1
            yield source, target


def heldout(seed=HELDOUT_SEED, n_sentences=HELDOUT_SENTENCES,
            n_stories=HELDOUT_STORIES):
    """({source: target} of sentences, the same of stories), each once.

    Sentences of less than four words are left out: they are so few that
    training has seen them all.
    """
    rng = random.Random(seed)
    translate, summarize = {}, {}
    while len(translate) < n_sentences:
        source, target = sentences.pair(rng)
        if len(source.split()) >= 4:
            translate.setdefault(TRANSLATE + source, target)
    while len(summarize) < n_stories:
        source, target = reports.pair(rng)
        summarize.setdefault(SUMMARIZE + source, target)
    return translate, summarize


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=TRAIN_SEED)
    parser.add_argument("--count", type=int, default=1000)
    args = parser.parse_args()
    for source, target in pairs(args.seed, args.count):
        print(source, target, sep="\t")


if __name__ == "__main__":
    main()
