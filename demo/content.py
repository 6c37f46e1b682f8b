#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the sentences say: noun phrases, places, tenses and clauses, drawn at
random so that they go together."""
import inflect
import lexicon
from clauses import Clause, Copula, Having, build, name, pronoun
from inflect import FITTING, GROUPS, NOUNS

PERSONAL = ["I", "you", "he", "she", "we", "they"]
# "Max' Hund" has no s
OWNERS = [w for w in lexicon.GIRLS + lexicon.BOYS if w[-1] not in "sx"]
ACTING = ["person", "person", "family"]


def maybe(rng, chance):
    return rng.random() < chance


def noun_of(rng, kinds):
    return rng.choice(GROUPS[rng.choice(kinds)])


def adjective(rng, noun, chance):
    fitting = FITTING[id(noun)]
    return rng.choice(fitting) if fitting and maybe(rng, chance) else None


def owner_for(rng, subject):
    """Whose the thing is: mostly the subject's."""
    if subject is not None and maybe(rng, 0.7):
        return subject.person
    return rng.choice(PERSONAL)


def phrase(rng, kinds, subject=None, definite=False, rich=0.35):
    noun = noun_of(rng, kinds)
    adj = adjective(rng, noun, rich)
    if noun.kind in ("mass", "drink"):
        return build(noun, rng.choice(["the", "none", "none"]), adj)
    if noun.kind == "family":
        return build(noun, "my", adj if maybe(rng, 0.3) else None,
                     maybe(rng, 0.1), owner_for(rng, subject))
    dets = (["the"] * 14 + ["this", "this", "that"] + ["my"] * 5 +
            ["every", "of", "of"])
    if not definite:
        dets += ["a"] * 12 + ["num", "num", "many", "some"]
    det = rng.choice(dets)
    plural = det in ("num", "many", "some") or (
        det in ("the", "this", "that", "my", "of") and maybe(rng, 0.25))
    owner = owner_for(rng, subject)
    if det == "of":
        owner = rng.choice(OWNERS)
    return build(noun, det, adj, plural, owner, rng.choice(inflect.NUMBERS))


def subject(rng, kinds=ACTING, nouns=0.45):
    r = rng.random()
    if r < nouns:
        p = phrase(rng, kinds, definite=maybe(rng, 0.85), rich=0.3)
        return p
    if r < nouns + 0.2:
        return name(rng)
    return pronoun(rng.choice(PERSONAL))


def object_of(rng, kinds, subj):
    if maybe(rng, 0.12) and ("person" in kinds or "family" in kinds):
        if maybe(rng, 0.5):
            return name(rng)
        free = [p for p in PERSONAL if p != subj.person and not (
            p in ("I", "we") and subj.person in ("I", "we"))]
        return pronoun(rng.choice(free))
    return phrase(rng, kinds, subj)


def place(rng):
    if maybe(rng, 0.2):
        noun = noun_of(rng, ["furniture", "building", "opening", "nature"])
        en, de = rng.choice(inflect.PREPOSITIONS)
        if en == "on" and noun.kind != "furniture":
            en, de = "behind", "hinter"
        if noun.kind in ("opening", "nature", "building") and en == "under":
            en, de = "next to", "neben"
        p = build(noun, "the", adjective(rng, noun, 0.15))
        return en + " " + p.en_object, de + " " + p.de["dat"]
    en, where, _ = rng.choice(inflect.PLACES)
    return en, where


def direction(rng):
    en, _, to = rng.choice(inflect.PLACES)
    if en in lexicon.TOWARDS:
        return lexicon.TOWARDS[en], to
    return "to " + en.split(" ", 1)[1], to


def tense_of(rng):
    r = rng.random()
    for limit, tense in ((0.25, "pres"), (0.33, "prog"), (0.62, "past"),
                         (0.68, "perf"), (0.78, "fut"), (0.82, "can"),
                         (0.85, "must"), (0.87, "should"), (0.88, "may"),
                         (0.90, "could"), (0.94, "want to"),
                         (0.96, "have to"), (0.98, "wanted to"),
                         (1.01, "had to")):
        if r < limit:
            return tense


TIME_OF = {"past": "past", "could": "past", "wanted to": "past",
           "had to": "past", "fut": "future"}


def settle(rng, c, plain=False):
    """Tense, time, frequency, manner and negation that go together."""
    if maybe(rng, 0.15) and not plain and c.tense != "must":
        c.negative = True
    if c.tense == "prog":
        c.time = rng.choice([None, None, ("now", "jetzt"), ("today", "heute")])
    elif c.tense != "perf" and maybe(rng, 0.35):
        c.time = rng.choice(inflect.TIMES[TIME_OF.get(c.tense, "present")])
    if c.tense in ("pres", "past") and not c.time and not c.negative \
            and maybe(rng, 0.25):
        c.freq = rng.choice(inflect.FREQUENCIES)
    return c


STATIVE = ("know", "love", "like", "need", "understand", "forget")


def transitive(rng, subj, tense):
    verb = rng.choice(inflect.TRANSITIVE)
    if verb.base in STATIVE and tense not in ("pres", "past"):
        tense = rng.choice(["pres", "past"])
    obj = object_of(rng, verb.frame[0], subj)
    c = settle(rng, Clause(subj, verb, tense, [("acc", obj)]))
    still = verb.base in STATIVE + ("lose", "find", "see", "hear", "meet")
    if not still and not c.negative and not c.freq and maybe(rng, 0.12):
        c.manner = rng.choice(inflect.MANNERS)
    elif maybe(rng, 0.18) and verb.base not in STATIVE + ("visit", "build"):
        c.place = place(rng)
    return c


def dative(rng, subj, tense):
    verb = rng.choice(inflect.DATIVE)
    return settle(rng, Clause(subj, verb, tense, [
        ("dat", object_of(rng, verb.frame[0], subj))]))


def giving(rng, subj, tense):
    verb = rng.choice(inflect.GIVING)
    to = object_of(rng, ["person", "family"], subj)
    what = phrase(rng, verb.frame[0], subj)
    return settle(rng, Clause(subj, verb, tense, [("dat", to),
                                                  ("acc", what)]))


def prepositional(rng, subj, tense):
    verb = rng.choice(inflect.PREPOSITIONAL)
    if verb.base == "think" and tense == "prog":
        tense = "pres"
    en, de, case = verb.frame[0]
    obj = object_of(rng, verb.frame[1], subj)
    return settle(rng, Clause(subj, verb, tense, [((en, de, case), obj)]))


def intransitive(rng, subj, tense):
    if maybe(rng, 0.3):
        return settle(rng, Clause(subj, rng.choice(inflect.NO_PLACE), tense))
    c = settle(rng, Clause(subj, rng.choice(inflect.INTRANSITIVE), tense))
    if maybe(rng, 0.6) or c.verb.base == "live":
        c.place = place(rng)
    elif not c.negative and not c.freq and maybe(rng, 0.3):
        c.manner = rng.choice(inflect.MANNERS)
    return c


def moving(rng, subj, tense):
    c = settle(rng, Clause(subj, rng.choice(inflect.MOVING), tense))
    c.place = direction(rng)
    return c


KINDS = ([transitive] * 9 + [dative] * 2 + [giving] * 3 +
         [prepositional] * 3 + [intransitive] * 4 + [moving] * 2)


def clause(rng, subj=None, tense=None):
    subj = subj or subject(rng)
    return rng.choice(KINDS)(rng, subj, tense or tense_of(rng))


def state(rng, past=None):
    """Somebody or something is so."""
    past = maybe(rng, 0.3) if past is None else past
    r = rng.random()
    if r < 0.4:
        subj = pronoun(rng.choice(PERSONAL)) if r < 0.2 else name(rng)
        like = NOUNS["person"][0]
    else:
        kinds = rng.choice([["person", "animal"], ["thing", "text", "vehicle"],
                            ["building", "furniture", "clothes"],
                            ["food", "machine", "nature", "opening"]])
        like = noun_of(rng, kinds)
        plural = maybe(rng, 0.25)
        subj = build(like, rng.choice(["the", "the", "the", "this", "my"]),
                     None, plural, rng.choice(PERSONAL))
    adj = rng.choice(FITTING[id(like)])
    while adj.en == "small" and like is NOUNS["person"][0]:
        adj = rng.choice(FITTING[id(like)])
    en, de = adj.en, adj.de
    degree = rng.choice([("", "")] * 4 + [("very ", "sehr "),
                                         ("too ", "zu ")])
    if adj.en in ("empty", "full", "broken", "round") or not adj.more:
        degree = ("", "")
    negative = maybe(rng, 0.2)
    return Copula(subj, (degree[0] + en, degree[1] + de), past, negative)


def having(rng):
    subj = subject(rng)
    return Having(subj, phrase(rng, ["thing", "animal", "vehicle", "clothes",
                                     "instrument", "furniture"], subj),
                  maybe(rng, 0.3), maybe(rng, 0.25))


def any_clause(rng, subj=None):
    if maybe(rng, 0.25) and subj is None:
        return state(rng)
    return clause(rng, subj)
