#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A small template language for text that stays grammatical.

  {a|b|c}   one of the alternatives, nestable, possibly empty
  %slot     a value remembered for the whole document (a name, an object)
  ~slot     a fresh value every time (an adverb, a feeling)
  a         the article a or an, by the sound of the word after it

Sentence starts are capitalised afterwards, so that a template can stand
anywhere. A slot's trailing digit asks for a different value of the same kind:
%thing and %thing2 are never equal.
"""
import re

CHOICE = re.compile(r"\{([^{}]*)\}")
SLOT = re.compile(r"([%~])([A-Za-z_]+[0-9]?)")
ARTICLE = re.compile(r"(?<![\w'])an? (\"?)(\w+)")
START = re.compile(r'(^|[.!?]"? |\n)("?)([a-z])')
QUOTED = re.compile(r'([a-z][,:] ")(?!and |but )([a-z])')
VOWEL_SOUND = re.compile(r"(?i)(hour|honest|heir|[aeio]|u(?!ni|s[eu]|ti))")
CONSONANT_SOUND = re.compile(r"(?i)(one\b|once\b|eu|ew)")


def article(word):
    if CONSONANT_SOUND.match(word):
        return "a"
    return "an" if VOWEL_SOUND.match(word) else "a"


class Scope:
    """The values one document remembers, and the lists they come from."""

    def __init__(self, rng, lists, fixed=None):
        self.rng = rng
        self.lists = lists
        self.fixed = dict(fixed or {})

    def remembered(self, name):
        if name not in self.fixed:
            kind = name.rstrip("0123456789")
            taken = {v for k, v in self.fixed.items()
                     if k.rstrip("0123456789") == kind}
            free = [w for w in self.lists[kind] if w not in taken]
            self.fixed[name] = self.expand(self.rng.choice(free))
        return self.fixed[name]

    def slot(self, match):
        if match.group(1) == "%":
            return self.remembered(match.group(2))
        return self.expand(self.rng.choice(self.lists[match.group(2)]))

    def expand(self, text):
        while "{" in text:
            text = CHOICE.sub(
                lambda m: self.rng.choice(m.group(1).split("|")), text)
        while SLOT.search(text):
            text = SLOT.sub(self.slot, text)
        return text


def finish(text):
    """Spaces, articles and capitals, once everything is filled in."""
    text = re.sub(r" +", " ", text)
    text = re.sub(r" ([,.!?;:])", r"\1", text).strip()
    text = ARTICLE.sub(
        lambda m: article(m.group(2)) + " " + m.group(1) + m.group(2), text)

    def capital(m):
        # After `!" ` or `?" ` the sentence may go on: "Stop!" said Tom.
        if len(m.group(1)) == 3 and m.group(1)[0] in "!?":
            return m.group(0)
        return m.group(1) + m.group(2) + m.group(3).upper()
    text = QUOTED.sub(lambda m: m.group(1) + m.group(2).upper(), text)
    return START.sub(capital, text)
