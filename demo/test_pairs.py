#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The promises of the pairs' generators, checked with the standard library.

  python3 -m unittest discover -s demo
"""
import random
import re
import unittest

import clauses
import inflect
import pairs
import reports
import sentences
from clauses import Clause, build, pronoun

LEFTOVER = re.compile(r"[%~@{}|_+*-]|  |\bNone\b| [,.!?]|[,.!?][A-Za-z]|\.\.")
WRONG_ARTICLE = re.compile(r"\b[Aa] (?:[aeio]|un[^i])|\b[Aa]n [^aeiouh]")


def noun(en):
    return inflect.GROUPS[en][0]


def adjective(en):
    return next(a for a in inflect.ADJECTIVES if a.en == en)


def verb(base, table=inflect.TRANSITIVE):
    return next(v for v in table if v.base == base)


class German(unittest.TestCase):
    def test_noun_phrases(self):
        old, expensive, high = map(adjective, ("old", "expensive", "high"))
        for args, want in (
                ((noun("man"), "the", old), "der alte/den alten/dem alten Mann"),
                ((noun("woman"), "a", old),
                 "eine alte/eine alte/einer alten Frau"),
                ((noun("child"), "a", old), "ein altes/ein altes/einem alten "
                 "Kind"),
                ((noun("coat"), "a", expensive),
                 "ein teurer/einen teuren/einem teuren Mantel"),
                ((noun("mountain"), "this", high),
                 "dieser hohe/diesen hohen/diesem hohen Berg"),
                ((noun("milk"), "none", old), "alte/alte/alter Milch")):
            forms, word = want.rsplit(" ", 1)
            got = build(*args).de
            self.assertEqual([got[c] for c in inflect.CASES],
                             [f"{f} {word}" for f in forms.split("/")])

    def test_plurals_and_weak_nouns(self):
        boys = build(noun("boy"), "the").de
        self.assertEqual((boys["nom"], boys["acc"], boys["dat"]),
                         ("der Junge", "den Jungen", "dem Jungen"))
        self.assertEqual(build(noun("child"), "the", None, True).de["dat"],
                         "den Kindern")
        self.assertEqual(build(noun("car"), "many", adjective("old"), True)
                         .de["dat"], "vielen alten Autos")
        self.assertEqual(build(noun("hat"), "of", adjective("red"), True,
                               "Anna").de["acc"], "Annas rote Hüte")

    def test_verb_forms(self):
        for base, want in (("read", "lese liest liest lesen"),
                           ("hold", "halte hältst hält halten"),
                           ("collect", "sammle sammelst sammelt sammeln"),
                           ("open", "öffne öffnest öffnet öffnen"),
                           ("like", "mag magst mag mögen")):
            self.assertEqual([verb(base).german(p) for p in
                              ("ich", "du", "er", "wir")], want.split())
        for base, want in (("take", "nimm"), ("read", "lies"),
                           ("open", "öffne"), ("carry", "trag"),
                           ("collect", "sammle"), ("feed", "füttere")):
            self.assertEqual(verb(base).imperative(), want)

    def test_word_order(self):
        c = Clause(pronoun("she"), verb("turn off"), "pres",
                   [("acc", build(noun("lamp"), "the"))],
                   time=("today", "heute"))
        self.assertEqual(c.german(), "sie schaltet heute die Lampe aus")
        self.assertEqual(c.german("sub"), "sie heute die Lampe ausschaltet")
        self.assertEqual(c.german("ask"), "schaltet sie heute die Lampe aus")
        self.assertEqual(c.german(front="time"),
                         "heute schaltet sie die Lampe aus")
        c.tense, c.negative = "past", True
        self.assertEqual(c.german("sub"),
                         "sie heute die Lampe nicht ausgeschaltet hat")
        self.assertEqual(c.english(), "she did not turn off the lamp today")
        c.objects = [("acc", clauses.it_for(noun("lamp")))]
        c.tense, c.negative = "have to", False
        self.assertEqual(c.english(), "she has to turn it off today")
        self.assertEqual(c.german(), "sie muss sie heute ausschalten")

    def test_negation_of_what_is_not_definite(self):
        c = Clause(pronoun("I"), verb("buy"), "fut",
                   [("acc", build(noun("hat"), "a"))], negative=True)
        self.assertEqual(c.german(), "ich werde keinen Hut kaufen")
        self.assertEqual(c.english(), "I will not buy a hat")

    def test_motion_has_sein(self):
        c = Clause(pronoun("we"), verb("go", inflect.MOVING), "past",
                   place=("to Berlin", "nach Berlin"))
        self.assertEqual(c.german(), "wir sind nach Berlin gegangen")


class Pairs(unittest.TestCase):
    def test_same_seed_same_pairs(self):
        once = list(pairs.pairs(7, 500))
        self.assertEqual(once, list(pairs.pairs(7, 500)))
        self.assertNotEqual(once, list(pairs.pairs(8, 500)))

    def test_every_pattern_comes_out_clean(self):
        rng = random.Random(3)
        for pattern in sentences.CHOICES:
            for _ in range(300):
                en, de = pattern(rng)
                for text in (en, de):
                    self.assertIsNone(LEFTOVER.search(text), text)
                    self.assertRegex(text, r"[.?!]$")
                self.assertIsNone(WRONG_ARTICLE.search(en), en)
                self.assertEqual(en[-1], de[-1])

    def test_one_german_for_each_english(self):
        seen = {}
        for source, target in pairs.pairs(5, 20000):
            if source.startswith(pairs.TRANSLATE):
                self.assertEqual(seen.setdefault(source, target), target)

    def test_summaries_say_what_the_story_says(self):
        rng = random.Random(4)
        for _ in range(2000):
            story, summary = reports.pair(rng)
            for text in (story, summary):
                self.assertIsNone(re.search(r"[%~@{}|_]|  | [,.!?]|\.\.|"
                                            r"[.?!][A-Za-z]", text), text)
                self.assertIsNone(WRONG_ARTICLE.search(text), text)
            for word in re.findall(r"(?<!^)\b[A-Z]\w+", summary):
                self.assertIn(word, story)

    def test_held_out_is_left_out(self):
        translate, summarize = pairs.heldout(9, 40, 10)
        self.assertEqual((len(translate), len(summarize)), (40, 10))
        first = next(pairs.pairs(1, 1))
        self.assertNotIn(first, list(pairs.pairs(1, 5, {first[0]})))


if __name__ == "__main__":
    unittest.main()
