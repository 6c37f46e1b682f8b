#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The forms of words: German cases, genders, endings and verbs, and the few
that English has."""
import re

import lexicon
import verbs

CASES = ("nom", "acc", "dat")
# rows: masculine, feminine, neuter, plural; columns: CASES
DER = {"m": "der den dem", "f": "die die der", "n": "das das dem",
       "p": "die die den"}
ENDINGS = {"m": "er en em", "f": "e e er", "n": "es es em", "p": "e e en"}
EIN = {"m": "- en em", "f": "e e er", "n": "- - em", "p": "e e en"}
WEAK = {"m": "e en en", "f": "e e en", "n": "e e en", "p": "en en en"}
MIXED = {"m": "er en en", "f": "e e en", "n": "es es en", "p": "en en en"}
GENDER = {"der": "m", "die": "f", "das": "n"}

PRONOUNS = {    # english, its object form, german in CASES
    "I": ("me", "ich mich mir"), "you": ("you", "du dich dir"),
    "he": ("him", "er ihn ihm"), "she": ("her", "sie sie ihr"),
    "it": ("it", "es es ihm"),
    "we": ("us", "wir uns uns"), "they": ("them", "sie sie ihnen")}
POSSESSIVES = {"I": ("my", "mein"), "you": ("your", "dein"),
               "he": ("his", "sein"), "she": ("her", "ihr"),
               "it": ("its", "sein"),
               "we": ("our", "unser"), "they": ("their", "ihr")}
# english subject -> german person; whatever is not here is "er" or "sie pl."
PERSONS = {"I": "ich", "you": "du", "we": "wir", "they": "wir"}

AUX = {
    "sein": {"ich": "bin", "du": "bist", "er": "ist", "wir": "sind"},
    "haben": {"ich": "habe", "du": "hast", "er": "hat", "wir": "haben"},
    "werden": {"ich": "werde", "du": "wirst", "er": "wird", "wir": "werden"},
    "war": {"ich": "war", "du": "warst", "er": "war", "wir": "waren"},
    "hatte": {"ich": "hatte", "du": "hattest", "er": "hatte",
              "wir": "hatten"},
    "können": {"ich": "kann", "du": "kannst", "er": "kann", "wir": "können"},
    "müssen": {"ich": "muss", "du": "musst", "er": "muss", "wir": "müssen"},
    "wollen": {"ich": "will", "du": "willst", "er": "will", "wir": "wollen"},
    "dürfen": {"ich": "darf", "du": "darfst", "er": "darf", "wir": "dürfen"},
    "sollte": {"ich": "sollte", "du": "solltest", "er": "sollte",
               "wir": "sollten"},
    "konnte": {"ich": "konnte", "du": "konntest", "er": "konnte",
               "wir": "konnten"},
    "musste": {"ich": "musste", "du": "musstest", "er": "musste",
               "wir": "mussten"},
    "wollte": {"ich": "wollte", "du": "wolltest", "er": "wollte",
               "wir": "wollten"},
}
DU_IRREGULAR = {"hält": "hältst", "lädt": "lädst", "mag": "magst"}


def pick(table, gender, case):
    form = table[gender].split()[CASES.index(case)]
    return "" if form == "-" else form


def split_list(text):
    return [e.split() for e in text.replace("\n", " ").split(",") if e.strip()]


def spaced(word):
    return word.replace("_", " ")


class Noun:
    def __init__(self, kind, en, article, de, plural):
        self.kind, self.en = kind, spaced(en)
        self.gender = GENDER[article]
        self.weak = de.endswith("*")
        self.de, self.de_plural = de.rstrip("*"), plural

    def english(self, plural=False):
        if not plural:
            return self.en
        if self.en in lexicon.ENGLISH_PLURALS:
            return lexicon.ENGLISH_PLURALS[self.en]
        if re.search(r"[^aeiou]y$", self.en):
            return self.en[:-1] + "ies"
        return self.en + ("es" if re.search(r"(s|x|ch|sh)$", self.en) else "s")

    def german(self, case, plural=False):
        if plural:
            word = self.de_plural
            return word + "n" * (case == "dat" and word[-1] not in "ns")
        return self.de_plural if self.weak and case != "nom" else self.de


class Adjective:
    def __init__(self, en, de, more, tags):
        self.en, self.de, self.tags = en, de, tags
        more, _, stem = more.partition(":")
        self.stem = stem or (de[:-1] if de.endswith("e") else de)
        self.more = None if more == "-" else more

    def english_more(self):
        if self.en in lexicon.ENGLISH_COMPARATIVES:
            return lexicon.ENGLISH_COMPARATIVES[self.en]
        if self.en in lexicon.MORE:
            return "more " + self.en
        if self.en.endswith("e"):
            return self.en + "r"
        if self.en.endswith("y"):
            return self.en[:-1] + "ier"
        if re.search(r"^[^aeiou]*[aeiou][bdgmnt]$", self.en):
            return self.en + self.en[-1] + "er"
        return self.en + "er"


class Verb:
    def __init__(self, line):
        parts = [p.strip() for p in line.split(";")]
        self.base, self.past, self.participle = (
            spaced(w) for w in parts[0].split())
        infinitive, self.er, participle = parts[1].split()
        self.sein = infinitive.endswith("+")
        prefix, _, simple = infinitive.rstrip("+").rpartition("|")
        self.prefix, self.simple = prefix, simple
        self.infinitive = prefix + simple
        self.german_participle = prefix + participle
        self.to_infinitive = (prefix + "zu" + simple if prefix
                              else "zu " + simple)
        self.frame = [p.split() for p in parts[2:]]

    def german(self, person):
        if person == "wir":
            return self.simple
        if person == "er":
            return self.er
        if person == "du":
            stem = self.er[:-1]
            return DU_IRREGULAR.get(
                self.er, stem + ("t" if stem[-1] in "sßzx" else "st"))
        if self.er == "mag":
            return "mag"
        if self.simple.endswith("eln"):
            return self.simple[:-3] + "le"
        return self.stem() + "e"

    def stem(self):
        return self.simple[:-2 if self.simple.endswith("en") else -1]

    def imperative(self):
        if "i" in self.er and "e" in self.stem() and "i" not in self.stem():
            return self.er[:-1]
        if self.simple.endswith(("eln", "ern")) or self.stem()[-1] in "dt":
            return self.german("ich")
        if re.search(r"[^aeiouhlrmn][mn]$", self.stem()):
            return self.german("ich")
        return self.stem()

    def third(self):
        return first_word(self.base, lambda w:
                          w[:-1] + "ies" if re.search(r"[^aeiou]y$", w) else
                          w + "es" if re.search(r"(s|x|ch|sh|o)$", w) else
                          w + "s")

    def ing(self):
        def form(w):
            if w.endswith("e") and not w.endswith("ee"):
                return w[:-1] + "ing"
            if (re.search(r"^[^aeiou]*[aeiou][bdgmnpt]$", w) or
                    w in ("begin", "forget")):
                return w + w[-1] + "ing"
            return w + "ing"
        return first_word(self.base, form)


def first_word(phrase, change):
    head, space, rest = phrase.partition(" ")
    return change(head) + space + rest


def verbs_of(table):
    return [Verb(line) for line in table.strip().split("\n")]


NOUNS = {kind: [Noun(kind, *entry) for entry in split_list(text)]
         for kind, text in lexicon.NOUNS.items()}
ADJECTIVES = [Adjective(*entry) for entry in split_list(lexicon.ADJECTIVES)]
TRANSITIVE, DATIVE, GIVING, PREPOSITIONAL, INTRANSITIVE, NO_PLACE, MOVING = (
    verbs_of(t) for t in (verbs.TRANSITIVE, verbs.DATIVE, verbs.GIVING,
                          verbs.PREPOSITIONAL, verbs.INTRANSITIVE,
                          verbs.NO_PLACE, verbs.MOVING))
# by kind, and single nouns by their name
GROUPS = dict(NOUNS, **{n.en: [n] for group in NOUNS.values()
                        for n in group})


def pairs_of(text):
    return [tuple(spaced(w) for w in e) for e in split_list(text)]


TIMES = {tense: pairs_of(text) for tense, text in lexicon.TIMES.items()}
FREQUENCIES = pairs_of(lexicon.FREQUENCIES)
MANNERS = pairs_of(lexicon.MANNERS)
NUMBERS = pairs_of(lexicon.NUMBERS)
PREPOSITIONS = pairs_of(lexicon.PREPOSITIONS)
PLACES = [tuple(p.strip() for p in e.split("|"))
          for e in lexicon.PLACES.replace("\n", " ").split(",")]


def fits(adjective, noun):
    """Whether the adjective may be said of the noun."""
    if lexicon.GOES_WITH[noun.kind] not in adjective.tags:
        return False
    odd = (lexicon.NEVER.get(noun.en, "") + " " +
           lexicon.NEVER.get(noun.kind, "")).split()
    return adjective.en not in odd


FITTING = {id(n): [a for a in ADJECTIVES if fits(a, n)]
           for group in NOUNS.values() for n in group}
