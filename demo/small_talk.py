#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sentences about the weather, ages and wishes, and some that are fixed."""
import inflect
import lexicon
from content import clause, maybe, phrase, subject

WEATHER = [("it is raining", "es regnet"), ("it is snowing", "es schneit"),
           ("the sun is shining", "die Sonne scheint"),
           ("it is cold", "es ist kalt"), ("it is warm", "es ist warm"),
           ("it is very hot", "es ist sehr heiß"),
           ("the wind is blowing", "der Wind weht"),
           ("it is getting dark", "es wird dunkel"),
           ("the sky is blue", "der Himmel ist blau"),
           ("the stars are shining", "die Sterne leuchten")]


def weather(rng):
    en, de = rng.choice(WEATHER)
    subject_de, rest = split_verb(de)
    r = rng.random()
    if r < 0.3:
        t = rng.choice([("today", "heute"), ("now", "jetzt"),
                        ("in Berlin", "in Berlin"),
                        ("in the mountains", "in den Bergen"),
                        ("here", "hier"), ("outside", "draußen"),
                        ("at the lake", "am See")])
        verb, _, tail = rest.partition(" ")
        return (f"{en} {t[0]}.",
                " ".join(w for w in (subject_de, verb, t[1], tail) if w) + ".")
    c = clause(rng, tense=rng.choice(["pres", "fut", "have to", "can"]))
    c.time = None
    verb, _, tail = rest.partition(" ")
    last = " ".join(w for w in (subject_de, tail, verb) if w)
    if r < 0.65:
        return f"when {en}, {c.english()}.", f"wenn {last}, {c.german('ask')}."
    return f"{c.english()} because {en}.", f"{c.german()}, weil {last}."


def split_verb(de):
    words = de.split(" ")
    k = 1 if words[0] == "es" else 2
    return " ".join(words[:k]), " ".join(words[k:])


FIXED = [
    ("how are you?", "wie geht es dir?"),
    ("what is your name?", "wie heißt du?"),
    ("what time is it?", "wie spät ist es?"), ("what is that?", "was ist das?"),
    ("where do you live?", "wo wohnst du?"),
    ("where do you come from?", "woher kommst du?"),
    ("how old are you?", "wie alt bist du?"),
    ("what are you doing?", "was machst du?"),
    ("what did you say?", "was hast du gesagt?"),
    ("do you speak German?", "sprichst du Deutsch?"),
    ("I speak a little German.", "ich spreche ein wenig Deutsch."),
    ("I do not understand.", "ich verstehe nicht."),
    ("I do not know.", "ich weiß nicht."),
    ("can you help me?", "kannst du mir helfen?"),
    ("see you tomorrow!", "bis morgen!"), ("good luck!", "viel Glück!"),
    ("happy birthday!", "alles Gute zum Geburtstag!"),
    ("I love you.", "ich liebe dich."), ("I am fine.", "es geht mir gut."),
    ("have a nice day!", "einen schönen Tag!"),
    ("welcome to Germany!", "willkommen in Deutschland!")]


def small_talk(rng):
    r = rng.random()
    if r < 0.3:
        return rng.choice(FIXED)
    if r < 0.4:
        n = rng.choice(lexicon.GIRLS + lexicon.BOYS)
        return f"my name is {n}.", f"ich heiße {n}."
    if r < 0.55:
        en, de = rng.choice(inflect.NUMBERS[:10])
        if maybe(rng, 0.5):
            return f"it is {en} o'clock.", f"es ist {de} Uhr."
        n = rng.choice(lexicon.GIRLS + lexicon.BOYS)
        return f"{n} is {en} years old.", f"{n} ist {de} Jahre alt."
    subj = subject(rng, nouns=0.2)
    what = phrase(rng, ["food", "drink", "mass", "thing", "clothes"], subj)
    would = {"ich": "möchte", "du": "möchtest", "er": "möchte",
             "wir": "möchten"}[subj.key()]
    if r < 0.7:
        return (f"would {subj.en} like {what.en_object}?",
                f"{would} {subj.de['nom']} {what.de['acc']}?")
    return (f"{subj.en} would like {what.en_object}.",
            f"{subj.de['nom']} {would} {what.de['acc']}.")
