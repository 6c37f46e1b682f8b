#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Byte-level BPE in GPT-2's manner: learning, encoding, decoding, files.

Needs python3-regex, as the split pattern uses Unicode classes.
"""
import json
from collections import Counter, defaultdict

import regex

EOT = "<|endoftext|>"
SPLIT = regex.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+"
    r"|\s+(?!\S)|\s+")


def byte_alphabet():
    """byte -> printable character, in the order of GPT-2's vocab.json."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {b: chr(b) for b in plain}
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + len(table) - len(plain))
    return table


BYTE_TO_CHAR = byte_alphabet()
CHAR_TO_BYTE = {c: b for b, c in BYTE_TO_CHAR.items()}


def pieces(text):
    for m in SPLIT.finditer(text):
        yield "".join(BYTE_TO_CHAR[b] for b in m.group().encode("utf-8"))


def joined(symbols, a, b):
    """`symbols` with every neighbouring (a, b) made one."""
    out, i = [], 0
    while i < len(symbols):
        if i + 1 < len(symbols) and symbols[i] == a and symbols[i + 1] == b:
            out.append(a + b)
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return out


def learn(texts, size):
    """(vocab, merges) of `size` entries, the last of which is EOT.

    Ties between equally frequent pairs go to the greater pair, so that the
    result does not depend on the order of a dictionary.
    """
    counts = Counter()
    for text in texts:
        counts.update(pieces(text))
    split = [[list(w), n] for w, n in sorted(counts.items())]
    pairs, where = Counter(), defaultdict(set)
    for i, (symbols, n) in enumerate(split):
        for p in zip(symbols, symbols[1:]):
            pairs[p] += n
            where[p].add(i)
    vocab, merges = list(BYTE_TO_CHAR.values()), []
    seen = set(vocab)
    while len(vocab) < size - 1:
        n, best = max(((n, p) for p, n in pairs.items()), default=(0, None))
        if n < 2:
            break
        merges.append(best)
        if best[0] + best[1] not in seen:
            seen.add(best[0] + best[1])
            vocab.append(best[0] + best[1])
        for i in where.pop(best):
            symbols, n = split[i]
            for p in zip(symbols, symbols[1:]):
                pairs[p] -= n
            split[i][0] = symbols = joined(symbols, *best)
            for p in zip(symbols, symbols[1:]):
                pairs[p] += n
                where[p].add(i)
        del pairs[best]
    return vocab + [EOT], merges


class Tokenizer:
    def __init__(self, vocab, merges):
        self.vocab = vocab
        self.merges = merges
        self.ids = {t: i for i, t in enumerate(vocab)}
        self.rank = {m: i for i, m in enumerate(merges)}
        self.cache = {}

    @classmethod
    def load(cls, folder):
        with open(folder + "/vocab.json", encoding="utf-8") as f:
            ids = json.load(f)
        with open(folder + "/merges.txt", encoding="utf-8") as f:
            lines = f.read().split("\n")
        merges = [tuple(line.split(" ")) for line in lines
                  if line and not line.startswith("#version")]
        return cls(sorted(ids, key=ids.get), merges)

    def save(self, folder):
        with open(folder + "/vocab.json", "w", encoding="utf-8") as f:
            json.dump(self.ids, f, ensure_ascii=False)
        with open(folder + "/merges.txt", "w", encoding="utf-8") as f:
            f.write("#version: 0.2\n")
            f.writelines(a + " " + b + "\n" for a, b in self.merges)

    def piece(self, word):
        ids = self.cache.get(word)
        if ids is None:
            symbols = list(word)
            while len(symbols) > 1:
                best = min(zip(symbols, symbols[1:]),
                           key=lambda p: self.rank.get(p, 1 << 30))
                if best not in self.rank:
                    break
                symbols = joined(symbols, *best)
            ids = self.cache[word] = [self.ids[s] for s in symbols]
        return ids

    def encode(self, text):
        """Ids of `text`; EOT in it is one token, as Hugging Face does."""
        out = []
        for k, part in enumerate(text.split(EOT)):
            if k:
                out.append(self.ids[EOT])
            for word in pieces(part):
                out += self.piece(word)
        return out

    def decode(self, ids):
        raw = bytearray()
        for i in ids:
            token = self.vocab[i]
            if token == EOT:
                raw += EOT.encode()
            else:
                raw += bytes(CHAR_TO_BYTE[c] for c in token)
        return raw.decode("utf-8", "replace")
