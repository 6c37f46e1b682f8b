#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Noun phrases and clauses in English and German at once.

A clause knows what is said; english() and german() put it in the order that
its place in the sentence asks for. German: the finite verb is second ("main"),
first ("ask") or last ("sub"); what is not finite goes to the end, a separable
prefix too; between them stand pronouns, the dative, time, the accusative,
"nicht", manner and place, in this order.
"""
import inflect
import lexicon
from inflect import AUX, POSSESSIVES, PRONOUNS, pick
from template import article

MODALS = {      # english affirmative and negative, german
    "can": ("can", "cannot", "können"), "must": ("must", None, "müssen"),
    "should": ("should", "should not", "sollte"),
    "may": ("may", "may not", "dürfen"),
    "could": ("could", "could not", "konnte"),
}
WANTS = {"want to": "wollen", "have to": "müssen",
         "wanted to": "wollte", "had to": "musste"}
BE = {"I": "am", "you": "are", "we": "are", "they": "are"}
WAS = {"you": "were", "we": "were", "they": "were"}


class Phrase:
    """A noun phrase. `person` is a key of PRONOUNS: whom a pronoun would
    name; german() and english() give a case's form."""

    def __init__(self, person, gender, english, german, pronoun=False,
                 definite=True, negated=None):
        self.person, self.gender = person, gender
        self.en_object = english if isinstance(english, str) else english[1]
        self.en = english if isinstance(english, str) else english[0]
        self.de = german                # case -> text
        self.pronoun, self.definite = pronoun, definite
        self.negated = negated          # the same with "kein"

    def key(self):
        return inflect.PERSONS.get(self.person, "er")

    def third(self):
        return self.person in ("he", "she", "it")


def pronoun(name, gender=None):
    obj, cases = PRONOUNS[name]
    german = dict(zip(inflect.CASES, cases.split()))
    return Phrase(name, gender, (name, obj), german, pronoun=True)


def it_for(noun, plural=False):
    """The pronoun that stands for a thing: er, sie or es by its gender."""
    like = {"m": "he", "f": "she", "n": "it"}[noun.gender]
    if plural:
        return pronoun("they", "p")
    german = dict(zip(inflect.CASES, PRONOUNS[like][1].split()))
    return Phrase("it", noun.gender, ("it", "it"), german, pronoun=True)


def name(rng):
    girl = rng.random() < 0.5
    word = rng.choice(lexicon.GIRLS if girl else lexicon.BOYS)
    return Phrase("she" if girl else "he", "f" if girl else "m", word,
                  {c: word for c in inflect.CASES})


def person_of(noun, plural):
    if plural:
        return "they"
    if noun.kind in ("person", "family") and noun.en != "child":
        return "she" if noun.gender == "f" or noun.en == "girl" else "he"
    return "it"


def build(noun, det, adjective=None, plural=False, owner=None, number=None):
    """det: the, a, this, that, every, none (bare plural or mass), num,
    many, some, my (a possessive, `owner` a pronoun), of (`owner` a name)."""
    adj_en = adjective.en + " " if adjective else ""
    core = adj_en + noun.english(plural)
    g = "p" if plural else noun.gender
    front = {"the": "the", "this": "these" if plural else "this",
             "that": "those" if plural else "that", "every": "every",
             "many": "many", "none": "",
             "a": article(core), "my": POSSESSIVES.get(owner, "-")[0],
             "num": number and number[0], "some": "some",
             "of": f"{owner}'s"}[det]
    english = (front + " " + core).strip()
    german = {c: german_phrase(noun, det, adjective, plural, g, c, owner,
                               number) for c in inflect.CASES}
    negated = None
    if det in ("a", "none"):
        negated = Phrase(None, g, english, {
            c: german_phrase(noun, "kein", adjective, plural, g, c, None,
                             None) for c in inflect.CASES})
    return Phrase(person_of(noun, plural), g, english, german,
                  definite=det not in ("a", "none", "many", "num", "some"),
                  negated=negated)


def german_phrase(noun, det, adjective, plural, g, case, owner, number):
    word = noun.german(case, plural)
    if det in ("the", "this", "that", "every"):
        stem = {"this": "dies", "that": "jen", "every": "jed"}
        front = (pick(inflect.DER, g, case) if det == "the"
                 else stem[det] + pick(inflect.ENDINGS, g, case))
        table = inflect.WEAK
    elif det in ("a", "my", "kein"):
        stem = {"a": "ein", "kein": "kein"}.get(det) or POSSESSIVES[owner][1]
        front = stem + pick(inflect.EIN, g, case)
        table = inflect.MIXED
    else:
        dative = "n" * (case == "dat")
        front = {"num": number and number[1], "of": f"{owner}s", "none": "",
                 "many": "viele" + dative, "some": "einige" + dative}[det]
        table = inflect.ENDINGS
    adj = adjective.stem + pick(table, g, case) if adjective else ""
    return " ".join(w for w in (front, adj, word) if w)


class Clause:
    """subject, verb and what goes with it.

    tense: pres, prog, past, perf, fut, or a key of MODALS or WANTS.
    objects: [(role, phrase)], role acc, dat or (english prep, german, case).
    time, freq, manner, place: (english, german).
    """

    def __init__(self, subject, verb, tense="pres", objects=(), negative=False,
                 time=None, freq=None, manner=None, place=None):
        if (tense == "pres" and verb.base == verb.past and
                not subject.third()):
            tense = "prog"      # "they cut" would be past as well
        self.subject, self.verb, self.tense = subject, verb, tense
        self.objects, self.negative = list(objects), negative
        self.time, self.freq, self.manner = time, freq, manner
        self.place = place

    # English

    def english_verb(self):
        """(auxiliary, rest): the auxiliary is what a question fronts."""
        v, s, t = self.verb, self.subject, self.tense
        no = self.negative
        if t == "pres":
            if no:
                return ("does not" if s.third() else "do not"), v.base
            return None, v.third() if s.third() else v.base
        if t == "past":
            return ("did not", v.base) if no else (None, v.past)
        if t in MODALS:
            return MODALS[t][no], v.base
        if t in ("want to", "have to"):
            if no:
                return ("does not" if s.third() else "do not"), \
                    t + " " + v.base
            return None, (({"want to": "wants to", "have to": "has to"}[t]
                           if s.third() else t) + " " + v.base)
        if t in ("wanted to", "had to"):
            bare = {"wanted to": "want to", "had to": "have to"}[t]
            if no:
                return "did not", bare + " " + v.base
            return None, t + " " + v.base
        aux = {"prog": BE.get(s.person, "is"), "fut": "will",
               "perf": "has" if s.third() else "have"}[t]
        rest = {"prog": v.ing(), "fut": v.base, "perf": v.participle}[t]
        return aux + " not" * no, rest

    def english_tail(self):
        """What follows the verb, and the verb's particle if it moves."""
        acc = [p for role, p in self.objects if role == "acc"]
        dat = [p for role, p in self.objects if role == "dat"]
        out = [p.en_object for p in dat + acc]
        out += [role[0] + " " + p.en_object for role, p in self.objects
                if isinstance(role, tuple)]
        if self.manner:
            out.append(self.manner[0])
        if self.place:
            out.append(self.place[0])
        return out

    def with_particle(self, verb):
        """'turns on it' is wrong; 'turns it on' is not."""
        head, _, particle = verb.rpartition(" ")
        objects = [p for role, p in self.objects if role == "acc"]
        if (objects and objects[0].pronoun and
                particle in ("up", "on", "off", "along")):
            return head + " " + objects[0].en_object + " " + particle, True
        return verb, False

    def english(self, order="main", front_time=False):
        aux, rest = self.english_verb()
        s = self.subject.en
        rest, moved = self.with_particle(rest)
        tail = self.english_tail()
        if moved:
            tail = tail[1:]
        words = []
        if order == "ask" and aux is None:
            bare = self.with_particle(self.bare())[0]
            do = "did" if self.tense in ("past", "wanted to", "had to") \
                else "does" if self.subject.third() else "do"
            words = [do, s] + ([self.freq[0]] if self.freq else []) + [bare]
        elif order == "ask":
            words = [aux, s] + ([self.freq[0]] if self.freq else []) + [rest]
        else:
            words = [s] + ([aux] if aux else [])
            words += ([self.freq[0]] if self.freq else []) + [rest]
        words += tail
        if self.time and not front_time:
            words.append(self.time[0])
        if self.time and front_time:
            words.insert(0, self.time[0] + ",")
        return " ".join(words)

    def bare(self):
        t = {"wanted to": "want to ", "had to": "have to ",
             "want to": "want to ", "have to": "have to "}.get(self.tense, "")
        return t + self.verb.base

    # German

    def german_verb(self):
        """(finite, end): the finite form, and what stands at the end."""
        v, key = self.verb, self.key()
        t = self.tense
        if t in ("pres", "prog"):
            return v.german(key), v.prefix
        if t in ("past", "perf"):
            return AUX["sein" if v.sein else "haben"][key], \
                v.german_participle
        if t == "fut":
            return AUX["werden"][key], v.infinitive
        modal = MODALS[t][2] if t in MODALS else WANTS[t]
        return AUX[modal][key], v.infinitive

    def key(self):
        return self.subject.key()

    def middle(self, time=True):
        negative = self.negative
        pronouns, dative, accusative, others = [], [], [], []
        for role, p in self.objects:
            if isinstance(role, tuple):
                others.append(role[1] + " " + p.de[role[2]])
            elif p.pronoun:
                # accusative before dative
                pronouns.insert(0 if role == "acc" else 9, p.de[role])
            elif role == "dat":
                dative.append(p.de["dat"])
            elif negative and p.negated:
                accusative.append(p.negated.de["acc"])
                negative = False
            else:
                accusative.append(p.de["acc"])
        out = pronouns + dative
        if self.time and time:
            out.append(self.time[1])
        if self.freq:
            out.append(self.freq[1])
        out += accusative
        if negative:
            out.append("nicht")
        if self.manner:
            out.append(self.manner[1])
        out += others
        if self.place:
            out.append(self.place[1])
        return out

    def german(self, order="main", front=None):
        """front: what stands before the finite verb instead of the subject;
        "time" is the clause's own time."""
        finite, end = self.german_verb()
        s = self.subject.de["nom"]
        middle = self.middle(time=front != "time")
        last = [end] if end else []
        if order == "sub":
            if self.tense in ("pres", "prog") and self.verb.prefix:
                last = [self.verb.prefix + finite]
            else:
                last = last + [finite]
            return " ".join([s] + middle + last)
        if order == "ask":
            return " ".join([finite, s] + middle + last)
        if front:
            lead = self.time[1] if front == "time" else front
            return " ".join([lead, finite, s] + middle + last)
        return " ".join([s, finite] + middle + last)

    def infinitive(self):
        """("to ...", "... zu ...") without the subject."""
        verb, moved = self.with_particle(self.verb.base)
        tail = self.english_tail()[1 if moved else 0:]
        return ("to " + " ".join([verb] + tail),
                " ".join(self.middle() + [self.verb.to_infinitive]))


class Copula:
    """subject is (not) something: a predicate in both languages."""

    def __init__(self, subject, predicate, past=False, negative=False,
                 time=None):
        self.subject, self.predicate = subject, predicate
        self.past, self.negative, self.time = past, negative, time

    def english_be(self):
        if self.past:
            return WAS.get(self.subject.person, "was")
        return BE.get(self.subject.person, "is")

    def english(self, order="main", front_time=False):
        be, s = self.english_be(), self.subject.en
        words = [be, s] if order == "ask" else [s, be]
        words += ["not"] * self.negative + [self.predicate[0]]
        if self.time and not front_time:
            words.append(self.time[0])
        if self.time and front_time:
            words.insert(0, self.time[0] + ",")
        return " ".join(words)

    def german(self, order="main", front=None):
        be = AUX["war" if self.past else "sein"][self.subject.key()]
        s = self.subject.de["nom"]
        rest = [self.time[1]] if self.time and front != "time" else []
        rest += ["nicht"] * self.negative + [self.predicate[1]]
        if order == "sub":
            return " ".join([s] + rest + [be])
        if order == "ask":
            return " ".join([be, s] + rest)
        if front:
            lead = self.time[1] if front == "time" else front
            return " ".join([lead, be, s] + rest)
        return " ".join([s, be] + rest)


class Having(Copula):
    """subject has something; the past is hatte."""

    def english(self, order="main", front_time=False):
        s = self.subject
        has = "has" if s.third() else "have"
        do = "did" if self.past else "does" if s.third() else "do"
        what = self.predicate.en_object
        if order == "ask":
            return f"{do} {s.en} have {what}"
        if self.negative:
            return f"{s.en} {do} not have {what}"
        return f"{s.en} {'had' if self.past else has} {what}"

    def german(self, order="main", front=None):
        has = AUX["hatte" if self.past else "haben"][self.subject.key()]
        s, what = self.subject.de["nom"], self.predicate
        rest = what.de["acc"]
        if self.negative:
            rest = (what.negated.de["acc"] if what.negated
                    else what.de["acc"] + " nicht")
        if order == "sub":
            return f"{s} {rest} {has}"
        if order == "ask":
            return f"{has} {s} {rest}"
        return f"{front} {has} {s} {rest}" if front else f"{s} {has} {rest}"
