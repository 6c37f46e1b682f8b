#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Everyday sentences in English and German, from the bilingual grammar of
clauses.py and content.py. Every pattern returns (english, german) without a
capital; its weight says how often it is used."""
import inflect
import lexicon
from clauses import Clause, Copula, build, it_for, name, pronoun
from content import (PERSONAL, adjective, any_clause, clause, dative, giving,
                     having, intransitive, maybe, moving, noun_of, phrase,
                     place, prepositional, state, subject, tense_of,
                     transitive)
from inflect import FITTING
from small_talk import small_talk, weather

def statement(rng):
    c = clause(rng)
    if c.time and maybe(rng, 0.4):
        return c.english(front_time=True) + ".", c.german(front="time") + "."
    return c.english() + ".", c.german() + "."


def simple_state(rng):
    c = state(rng)
    if c.past and maybe(rng, 0.4):
        c.time = rng.choice(inflect.TIMES["past"])
        if maybe(rng, 0.4):
            return c.english(front_time=True) + ".", \
                c.german(front="time") + "."
    return c.english() + ".", c.german() + "."


def possession(rng):
    c = having(rng)
    if maybe(rng, 0.25):
        c.negative = False
        return c.english("ask") + "?", c.german("ask") + "?"
    return c.english() + ".", c.german() + "."


def comparison(rng):
    kinds = rng.choice([["person"], ["animal"], ["building"], ["vehicle"],
                        ["clothes"], ["thing"], ["food"], ["nature"]])
    one, two = noun_of(rng, kinds), noun_of(rng, kinds)
    fitting = [a for a in FITTING[id(one)] if a.more]
    adj = rng.choice(fitting)
    a = build(one, rng.choice(["the", "this", "my"]), None, maybe(rng, 0.15),
              rng.choice(PERSONAL))
    b = build(two, rng.choice(["the", "that", "my"]), None, maybe(rng, 0.15),
              rng.choice(PERSONAL))
    if kinds == ["person"] and maybe(rng, 0.6):
        a, b = name(rng), rng.choice([name(rng), b])
    if maybe(rng, 0.3):
        c = Copula(a, (f"as {adj.en} as {b.en}",
                       f"so {adj.de} wie {b.de['nom']}"),
                   negative=maybe(rng, 0.5))
    else:
        c = Copula(a, (f"{adj.english_more()} than {b.en}",
                       f"{adj.more} als {b.de['nom']}"))
    return c.english() + ".", c.german() + "."


def location(rng):
    if maybe(rng, 0.5):
        c = Copula(phrase(rng, ["thing", "clothes", "text", "person",
                                "animal"], definite=True),
                   place(rng), maybe(rng, 0.3), maybe(rng, 0.15))
        return c.english() + ".", c.german() + "."
    what = phrase(rng, ["thing", "animal", "person", "building"])
    while what.definite:
        what = phrase(rng, ["thing", "animal", "person", "building"])
    en, de = place(rng)
    plural = what.person == "they"
    if maybe(rng, 0.25):
        return (f"{'are' if plural else 'is'} there {what.en_object} {en}?",
                f"gibt es {what.de['acc']} {de}?")
    return (f"there {'are' if plural else 'is'} {what.en_object} {en}.",
            f"es gibt {what.de['acc']} {de}.")


def question(rng):
    c = clause(rng)
    c.negative = False
    return c.english("ask") + "?", c.german("ask") + "?"


WORDS = [("why", "warum")] * 3 + [("when", "wann")] * 3 + [("how often",
                                                           "wie oft")]


def word_question(rng):
    r = rng.random()
    if r < 0.4:
        en, de = rng.choice(WORDS)
        c = clause(rng)
        c.time = c.freq = c.manner = None
        if en != "why":
            c.negative = False
        if en == "how often" and c.tense not in ("pres", "past"):
            en, de = "when", "wann"
        return f"{en} {c.english('ask')}?", f"{de} {c.german('ask')}?"
    if r < 0.55:
        c = rng.choice([intransitive, transitive])(rng, subject(rng),
                                                   tense_of(rng))
        c.place = c.time = c.freq = c.manner = None
        c.negative = False
        return f"where {c.english('ask')}?", f"wo {c.german('ask')}?"
    if r < 0.7:
        p = phrase(rng, ["thing", "person", "clothes", "building", "text"],
                   definite=True)
        c = Copula(p, ("", ""), maybe(rng, 0.2))
        return (f"where {c.english('ask').strip()}?",
                f"wo {c.german('ask').strip()}?")
    if r < 0.85:
        who = clause(rng, pronoun("he"), rng.choice(["past", "pres", "can",
                                                     "want to", "fut"]))
        who.negative = False
        who.freq = None
        return ("who " + who.english()[3:] + "?",
                "wer " + who.german()[3:] + "?")
    if r < 0.93:
        noun = noun_of(rng, ["food", "thing", "clothes", "animal"])
        subj = pronoun(rng.choice(PERSONAL))
        verb = rng.choice([v for v in inflect.TRANSITIVE
                           if noun.kind in v.frame[0]])
        c = Clause(subj, verb, rng.choice(["pres", "past", "fut"]))
        return (f"how many {noun.english(True)} {c.english('ask')}?",
                f"wie viele {noun.german('acc', True)} {c.german('ask')}?")
    noun = noun_of(rng, ["food", "thing", "clothes", "vehicle", "furniture"])
    p = build(noun, rng.choice(["the", "this"]), adjective(rng, noun, 0.4),
              maybe(rng, 0.2))
    return (f"how much {'do' if p.person == 'they' else 'does'} {p.en} cost?",
            f"wie viel {'kosten' if p.person == 'they' else 'kostet'} "
            f"{p.de['nom']}?")


def command(rng):
    c = rng.choice([transitive, transitive, giving, dative, prepositional,
                    moving])(rng, pronoun("you"), "pres")
    c.freq = c.time = None
    if c.verb.base in ("like", "know", "remove", "lose", "need", "hear"):
        return command(rng)
    negative, c.negative = maybe(rng, 0.25), False
    infinitive = c.infinitive()[0][3:]
    c.negative = negative
    middle = c.middle() + ([c.verb.prefix] if c.verb.prefix else [])
    german = " ".join([c.verb.imperative()] + middle)
    if negative:
        return f"do not {infinitive}!", german + "!"
    if maybe(rng, 0.5):
        return f"please {infinitive}.", "bitte " + german + "."
    return infinitive + "!", german + "!"


JOINS = [("because", "weil", "sub"), ("because", "weil", "sub"),
         ("although", "obwohl", "sub"), ("and", "und", "main"),
         ("but", "aber", "main"), ("while", "während", "sub"),
         ("if", "wenn", "sub"), ("before", "bevor", "sub")]


def joined(rng):
    en, de, order = rng.choice(JOINS)
    if en in ("if", "while", "before"):
        tense = rng.choice(["pres", "past"]) if en != "if" else "pres"
        a = clause(rng, tense=tense)
        b = clause(rng, tense=tense)
        b.negative = b.negative and en == "if"
        a.time = b.time = None
    else:
        a, b = any_clause(rng), any_clause(rng)
    subj = a.subject
    if maybe(rng, 0.4) and subj.person and not subj.pronoun and \
            subj.person != "it" and not isinstance(b, Copula):
        b.subject = pronoun(subj.person)
    comma = "" if en == "and" else ","
    if order == "sub" and maybe(rng, 0.35) and en != "because":
        return (f"{en} {b.english()}, {a.english()}.",
                f"{de} {b.german('sub')}, {a.german('ask')}.")
    c = "," if en == "but" else ""
    return (f"{a.english()}{c} {en} {b.english()}.",
            f"{a.german()}{comma} {de} {b.german(order)}.")


THAT = [("know", "wissen"), ("think", "glauben"), ("say", "sagen"),
        ("hope", "hoffen"), ("believe", "glauben")]
KNOWING = {"ich": "weiß", "du": "weißt", "er": "weiß", "wir": "wissen"}
THINKING = {"glauben": "glaub", "sagen": "sag", "hoffen": "hoff"}


def thinks(en, de, subj):
    third = en + "s" if subj.third() else en
    if de == "wissen":
        return third, KNOWING[subj.key()]
    ending = {"ich": "e", "du": "st", "er": "t", "wir": "en"}[subj.key()]
    return third, THINKING[de] + ending


def reported(rng):
    subj = subject(rng, nouns=0.2)
    b = any_clause(rng)
    if maybe(rng, 0.3):
        do = "does" if subj.third() else "do"
        ask = rng.choice([("whether", "ob"), ("why", "warum"),
                          ("when", "wann"), ("where", "wo")])
        if ask[0] != "whether":
            b = clause(rng)
            b.time = b.freq = None
        if ask[0] == "where":
            b.place = None
        return (f"{subj.en} {do} not know {ask[0]} {b.english()}.",
                f"{subj.de['nom']} {KNOWING[subj.key()]} nicht, {ask[1]} "
                f"{b.german('sub')}.")
    en, de = thinks(*rng.choice(THAT), subj)
    return (f"{subj.en} {en} that {b.english()}.",
            f"{subj.de['nom']} {de}, dass {b.german('sub')}.")


def purpose(rng):
    a = rng.choice([moving, moving, intransitive])(rng, subject(rng),
                                                   tense_of(rng))
    a.freq = a.manner = None
    a.negative = False
    b = rng.choice([transitive, giving, dative])(rng, a.subject, "pres")
    b.time = b.freq = b.manner = b.place = None
    b.negative = False
    a.time = None
    en, de = b.infinitive()
    return f"{a.english()} {en}.", f"{a.german()}, um {de}."


REL = {"m": "der den dem", "f": "die die der", "n": "das das dem",
       "p": "die die denen"}


def relative(rng):
    """The man who ..., is ...; the book that ..., is ..."""
    if maybe(rng, 0.5):
        noun = noun_of(rng, ["person"])
        plural = maybe(rng, 0.2)
        head = build(noun, "the", adjective(rng, noun, 0.2), plural)
        verb = clause(rng, pronoun(head.person if head.person != "it"
                                   else "he"),
                      rng.choice(["pres", "past", "can"]))
        verb.time = verb.freq = None
        verb.subject.de = {"nom": REL[head.gender].split()[0]}
        verb.subject.en = "who"
        en, de = verb.english(), verb.german("sub")
    else:
        verb = rng.choice([v for v in inflect.TRANSITIVE
                           if v.base not in ("break", "forget")])
        noun = noun_of(rng, verb.frame[0])
        plural = maybe(rng, 0.2) and noun.kind not in ("mass", "drink")
        head = build(noun, "my" if noun.kind == "family" else "the", None,
                     plural, rng.choice(PERSONAL))
        subj = rng.choice([name(rng), pronoun(rng.choice(PERSONAL))])
        inner = Clause(subj, verb, rng.choice(["past", "pres", "want to"]))
        who = "whom" if noun.kind in ("person", "family") else "that"
        en = f"{who} {inner.english()}"
        de = f"{REL[head.gender].split()[1]} {inner.german('sub')}"
    adj = rng.choice(FITTING[id(noun)])
    be = Copula(head, (adj.en, adj.de), maybe(rng, 0.25))
    b = be.german().split(" ")
    verb_at = len(head.de["nom"].split(" "))
    return (f"{head.en} {en} {be.english()[len(head.en) + 1:]}.",
            f"{head.de['nom']}, {de}, {' '.join(b[verb_at:])}.")


def reference(rng):
    """Two clauses; the pronoun of the second takes the noun's gender."""
    noun = noun_of(rng, ["thing", "clothes", "furniture", "vehicle",
                         "building", "machine", "instrument", "food"])
    plural = maybe(rng, 0.2)
    det = rng.choice(["the", "this", "my"])
    head = build(noun, det, None, plural, rng.choice(PERSONAL))
    one, two = rng.sample([a for a in FITTING[id(noun)]], 2)
    it = it_for(noun, plural)
    if maybe(rng, 0.5):
        a = Copula(head, (one.en, one.de))
        degree = rng.choice([("", ""), ("not ", "nicht ")] + [
            ("very ", "sehr "), ("too ", "zu ")] * bool(two.more))
        b = Copula(it, (degree[0] + two.en, degree[1] + two.de))
        return (f"{a.english()}, but {b.english()}.",
                f"{a.german()}, aber {b.german()}.")
    subj = subject(rng, nouns=0.2)
    verbs = [v for v in inflect.TRANSITIVE if noun.kind in v.frame[0]]
    adj = rng.choice(["the", "a"]) if not plural else "the"
    head = build(noun, adj, adjective(rng, noun, 0.3), plural)
    first, second = rng.sample(verbs, 2)
    a = Clause(subj, first, rng.choice(["past", "pres", "fut"]),
               [("acc", head)])
    if maybe(rng, 0.5):
        b = Copula(it, (two.en, two.de))
        return (f"{a.english()} because {b.english()}.",
                f"{a.german()}, weil {b.german('sub')}.")
    b = Clause(subject(rng, nouns=0.1), second,
               rng.choice(["past", "pres", "fut"]),
               [("acc", it)], negative=maybe(rng, 0.3))
    return (f"{a.english()}, but {b.english()}.",
            f"{a.german()}, aber {b.german()}.")


PHRASES = [
    ("good morning", "guten Morgen"), ("good evening", "guten Abend"),
    ("good night", "gute Nacht"), ("thank you very much", "vielen Dank"),
    ("hello", "hallo"), ("goodbye", "auf Wiedersehen"),
    ("excuse me", "Entschuldigung"), ("yes", "ja"), ("no", "nein"),
    ("of course", "natürlich"), ("I am sorry", "es tut mir leid")]


def addressed(rng):
    """With a greeting, an answer or a name before it."""
    en, de = rng.choice([statement, question, simple_state, possession,
                         command])(rng)
    r = rng.random()
    if r < 0.5:
        a, b = rng.choice(PHRASES)
    else:
        a = b = rng.choice(lexicon.GIRLS + lexicon.BOYS)
        if r < 0.7:
            a, b = "hello " + a, "hallo " + b
    return f"{a}, {en}", f"{b}, {de}"


def profession(rng):
    noun = noun_of(rng, ["person"])
    subj = rng.choice([name(rng), pronoun(rng.choice(["I", "you", "he",
                                                      "she"])),
                       phrase(rng, ["family"])])
    if subj.person == "they":
        subj = name(rng)
    gender = {"f": ["f"], "m": ["m"]}.get(subj.gender, ["f", "m"])
    if subj.person in ("he", "she"):
        gender = ["f" if subj.person == "she" else "m"]
    while noun.gender not in gender:
        noun = noun_of(rng, ["person"])
    fitting = FITTING[id(noun)]
    p = build(noun, "a", rng.choice(fitting))
    c = Copula(subj, (p.en, p.de["nom"]), maybe(rng, 0.25))
    if maybe(rng, 0.2):
        c.negative = True
        c.predicate = (p.en, p.negated.de["nom"])
        text = c.german().replace("nicht ", "", 1)
        return c.english() + ".", text + "."
    return c.english() + ".", c.german() + "."


PATTERNS = [(statement, 30), (simple_state, 9), (possession, 6),
            (comparison, 5), (location, 7), (question, 8), (word_question, 8),
            (command, 6), (joined, 9), (reported, 6), (purpose, 4),
            (relative, 6), (reference, 7), (weather, 4), (addressed, 3),
            (small_talk, 4),
            (profession, 3)]
CHOICES = [p for p, _ in PATTERNS]
WEIGHTS = [w for _, w in PATTERNS]
LONGEST = 20                    # words; longer ones are drawn again


def capital(text):
    return text[0].upper() + text[1:]


def pair(rng):
    while True:
        en, de = rng.choices(CHOICES, WEIGHTS)[0](rng)
        if len(en.split()) <= LONGEST and len(de.split()) <= LONGEST:
            return capital(en), capital(de)
