#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The generator's promises, checked with the standard library alone.

  python3 -m unittest discover -s demo
"""
import random
import re
import unittest

import stories
from template import article, finish

LEFTOVER = re.compile(r"[%~@{}|_]|  | [,.!?]|[.!?][A-Za-z]|\.\.|\?\.")
WRONG_ARTICLE = re.compile(r"\b[Aa] (?:[aeio]|un[^i])|\b[Aa]n [^aeiouh]")
LOWER_START = re.compile(r"[.?!] [a-z]")


class Stories(unittest.TestCase):
    def test_same_seed_same_text(self):
        once = "".join(stories.corpus(7, 50000))
        self.assertEqual(once, "".join(stories.corpus(7, 50000)))
        self.assertNotEqual(once, "".join(stories.corpus(8, 50000)))

    def test_every_plot_comes_out_clean(self):
        rng = random.Random(3)
        for plot in stories.ALL_PLOTS:
            for _ in range(40):
                text = stories.story(rng, plot)
                for fault in (LEFTOVER, WRONG_ARTICLE, LOWER_START):
                    self.assertIsNone(fault.search(text), text)

    def test_every_document_ends(self):
        for text in stories.corpus(5, 200000):
            self.assertTrue(text.endswith("\n" + stories.EOT))
            self.assertEqual(text.count(stories.EOT), 1)
            self.assertTrue(text.isascii())

    def test_articles(self):
        for word, want in (("apple", "an"), ("hour", "an"), ("house", "a"),
                           ("umbrella", "an"), ("unicorn", "a"), ("one", "a"),
                           ("used", "a"), ("old", "an")):
            self.assertEqual(article(word), want, word)

    def test_capitals(self):
        self.assertEqual(finish('he said, "come." then a owl cried.'),
                         'He said, "Come." Then an owl cried.')
        self.assertEqual(finish('"stop!" said Tom.'), '"Stop!" said Tom.')


if __name__ == "__main__":
    unittest.main()
