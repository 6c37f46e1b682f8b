#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Words and short phrases in English and German: what sentences are made of.

A model finds out from them which word is which long before it could from
sentences, so training begins with many of them.
"""
import inflect
from clauses import Clause, build, pronoun
from content import (PERSONAL, adjective, giving, intransitive, maybe, moving,
                     noun_of, object_of, phrase, place, prepositional, subject,
                     tense_of, transitive)

AROUND = [("with", "mit", "dat"), ("for", "für", "acc"),
          ("without", "ohne", "acc"), ("from", "von", "dat"),
          ("after", "nach", "dat"), ("behind", "hinter", "dat")]
KINDS = list(inflect.NOUNS)


def noun_phrase(rng):
    p = phrase(rng, KINDS, rich=0.5)
    if maybe(rng, 0.6):
        return p.en, p.de["nom"]
    en, de, case = rng.choice(AROUND)
    return en + " " + p.en_object, de + " " + p.de[case]


def bare_noun(rng):
    noun = noun_of(rng, KINDS)
    if noun.kind in ("mass", "drink"):
        p = build(noun, "none", adjective(rng, noun, 0.5))
    else:
        p = build(noun, rng.choice(["the", "a"]), adjective(rng, noun, 0.4))
        if maybe(rng, 0.3):
            return noun.en, noun.de
    return p.en, p.de["nom"]


def verb_alone(rng):
    subj = pronoun(rng.choice(PERSONAL))
    table = rng.choice([inflect.TRANSITIVE] * 4 + [
        inflect.DATIVE, inflect.GIVING, inflect.PREPOSITIONAL,
        inflect.INTRANSITIVE, inflect.NO_PLACE, inflect.MOVING])
    c = Clause(subj, rng.choice(table), tense_of(rng))
    if maybe(rng, 0.3):
        c.negative = c.tense != "must"
    if maybe(rng, 0.2):
        c.manner = rng.choice(inflect.MANNERS)
    return c.english(), c.german()


def doing(rng):
    """to ..., with what belongs to it."""
    subj = pronoun(rng.choice(PERSONAL))
    c = rng.choice([transitive] * 4 + [giving, prepositional, intransitive,
                                       moving])(rng, subj, "past")
    c.time = c.freq = None
    c.negative = False
    return c.infinitive()


def adverbial(rng):
    r = rng.random()
    if r < 0.5:
        return place(rng)
    if r < 0.9:
        return rng.choice(rng.choice(list(inflect.TIMES.values())))
    return rng.choice(inflect.MANNERS + inflect.FREQUENCIES)


def quality(rng):
    a = rng.choice(inflect.ADJECTIVES)
    if a.more and maybe(rng, 0.4):
        return a.english_more(), a.more
    en, de = rng.choice([("very ", "sehr "), ("too ", "zu "), ("", "")])
    return (en + a.en, de + a.de) if a.more else (a.en, a.de)


def who_and_whom(rng):
    a = subject(rng, nouns=0.6)
    b = object_of(rng, ["person", "family", "animal"], a)
    en, de = rng.choice([("and", "und"), ("or", "oder")])
    return (f"{a.en} {en} {b.en}",
            f"{a.de['nom']} {de} {b.de['nom']}")


FRAGMENTS = [noun_phrase] * 5 + [bare_noun] * 2 + [verb_alone] * 3 + [
    doing] * 3 + [adverbial, quality, who_and_whom]


def pair(rng):
    return rng.choice(FRAGMENTS)(rng)
