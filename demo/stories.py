#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes simple English: stories, fables, dialogues, letters and facts.

  stories.py --seed 1 --megabytes 20 > corpus.txt

The text is made from templates that were written for this purpose, so it is
free of anybody's rights. The same seed gives the same text on every machine.
Every document ends with a newline and <|endoftext|>.
"""
import argparse
import random
import sys

import beasts
import facts
import plots
import talk
import words
from template import Scope, finish

EOT = "<|endoftext|>"
HE = {"he": "he", "him": "him", "his": "his", "himself": "himself"}
SHE = {"he": "she", "him": "her", "his": "her", "himself": "herself"}

OPENINGS = {
    "kid": [
        "{once upon a time|once|long ago} {there was|there lived} a "
        "{~trait|little|young|~trait little} %boy_girl {named|called} %A "
        "{who lived %home {with %his %parent|}|who was %years years old|}.",
        "%A was a ~trait %boy_girl {who lived %home|of %years}.",
        "%A was %years years old and lived %home.",
        "%A lived %home {with %his %parent|with %his family|}. "
        "{%he was ~trait and %other_trait.|}",
        "{in a {little|big|quiet} house %home|%home|{~when}, %home} "
        "there lived a %boy_girl {named|called} %A.",
        "{every day|every morning|after school}, %A {went past %place|"
        "played with %his %pet|helped %his %parent {~at|in the garden}}.",
        "",
    ],
    "two": [
        "%A and %B were {good friends|best friends|neighbours|"
        "in the same class}. {they lived %home.|}",
        "once there were two friends, %A and %B. {they did everything "
        "together.|%A was ~trait, and %B was %other_trait.|}",
        "%A had a {good|dear|~trait} friend {named|called} %B. "
        "{they lived %home.|they {met|played together} every day.|}",
        "",
    ],
    "job": [
        "{once upon a time there was|long ago there was|there was once|"
        "once there lived} a {~trait|poor|young|~trait old} %job "
        "{named|called} %A {who lived %home|}.",
        "%A was a %job. {%he lived %home.|%he had learned it from %his "
        "%parent.|everyone said that %he was the best for miles around.|}",
        "%home there lived a {~trait|poor|young} %job {named|called} %A.",
    ],
    "beast": [
        "{once upon a time there was|there was once|long ago there lived} "
        "a ~trait %kind {named|called} %A.",
        "{in a {deep|dark|green|quiet} {forest|wood}|by a {quiet|small} pond|"
        "under an old oak tree|at the edge of a field} there lived a %kind "
        "{named|called} %A. {%he was very ~trait.|}",
        "",
    ],
}

WEATHER = {
    "sun": ["{it was {a fine|a lovely|a beautiful} day, and ~sunny.|"
            "it was {spring|summer}, and ~sunny.|}"],
    "rain": [""], "snow": [""], "night": [""],
    "any": ["", "", "it was a {cold|warm|quiet|grey|bright} "
            "{day|morning|afternoon}.", "~sunny.",
            "it was {spring|summer|autumn|winter}{, and ~sunny|}."],
}

ENDINGS = {
    "kid": ["", "", "", "", "%A never forgot that day.",
            "and %A went to bed ~happy.", "what a day it had been!"],
    "two": ["", "", "", "", "they never forgot that day.",
            "and the two of them are friends to this day.",
            "%A and %B went home ~happy."],
    "job": ["", "", "", "", "and if you pass through the %town, "
            "you can still hear this story."],
    "beast": ["", "", "", "{and so they lived happily for many years|"
              "so ~lesson|and that is the end of the story}."],
    "talk": [""], "letter": [""], "diary": [""],
}


def parse(text):
    """[(cast, weather, [steps])] from the heading and step lines."""
    found = []
    for line in text.strip().split("\n"):
        line = line.strip()
        if line.startswith("="):
            cast, weather = line[1:].split()
            found.append((cast, weather, []))
        elif line:
            found[-1][2].append(line)
    return found


ALL_PLOTS = [p for module in (plots, beasts, talk) for p in parse(module.PLOTS)]


def people(rng, cast):
    """The names and pronouns of a document's characters."""
    fixed = {}
    girl = rng.random() < 0.5
    other = not girl if rng.random() < 0.75 else girl
    mother = rng.random() < 0.5
    names = {True: words.GIRLS, False: words.BOYS}
    a = rng.choice(names[girl])
    b = rng.choice([n for n in names[other] if n != a])
    fixed.update({"A": a, "B": b})
    if cast == "beast" and rng.random() < 0.5:
        fixed["A"] = rng.choice(words.PETS_SHE if girl else words.PETS_HE)
    for k, v in (SHE if girl else HE).items():
        fixed[k] = v
    for k, v in (SHE if other else HE).items():
        fixed["b" + k] = v
    for k, v in (SHE if mother else HE).items():
        fixed["p" + k] = v
    fixed["parent"] = rng.choice(
        ["mother", "mother", "grandmother", "aunt", "sister"] if mother else
        ["father", "father", "grandfather", "uncle", "brother"])
    fixed["boy_girl"] = "girl" if girl else "boy"
    fixed["kind"], fixed["bkind"] = rng.sample(words.BEASTS, 2)
    fixed["job"] = rng.choice(words.JOBS)
    fixed["town"] = rng.choice(["town", "village", "city"])
    fixed["years"] = rng.choice(["five", "six", "seven", "eight", "nine", "ten"])
    fixed["pet_name"] = rng.choice(words.PETS_HE + words.PETS_SHE)
    return fixed


def story(rng, plot):
    cast, weather, steps = plot
    fixed = people(rng, cast)
    fixed["other_trait"] = rng.sample(words.LISTS["trait"], 2)[1]
    scope = Scope(rng, words.LISTS, fixed)
    parts = []
    if cast in OPENINGS:
        choices = OPENINGS[cast]
        opening = rng.choice(choices)
        if rng.random() < 0.5:
            opening = choices[0]
        parts.append(scope.expand(opening))
        if not steps[0].startswith(("~rainy", "~snowy", "~night")):
            parts.append(scope.expand(rng.choice(WEATHER[weather])))
    for step in steps:
        if step.startswith("?"):
            if rng.random() < 0.4:
                continue
            step = step[1:]
        parts.append(scope.expand(step))
    parts.append(scope.expand(rng.choice(ENDINGS[cast])))
    parts = [finish(p) for p in parts if p.strip(" ,.")]
    if cast == "talk":
        return "\n".join(parts)
    if cast == "letter":
        return parts[0] + "\n" + " ".join(parts[1:-1]) + "\n" + parts[-1]
    if rng.random() < 0.35 and len(parts) > 5:
        k = rng.randrange(2, len(parts) - 2)
        return " ".join(parts[:k]) + "\n" + " ".join(parts[k:])
    return " ".join(parts)


def document(rng):
    if rng.random() < 0.14:
        return finish(facts.paragraph(rng, Scope(rng, words.LISTS)))
    return story(rng, rng.choice(ALL_PLOTS))


def corpus(seed, size):
    """Documents until there are at least `size` bytes of them."""
    rng = random.Random(seed)
    done = 0
    while done < size:
        text = document(rng) + "\n" + EOT
        done += len(text)
        yield text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--megabytes", type=float, default=20.0)
    args = parser.parse_args()
    for text in corpus(args.seed, int(args.megabytes * 1e6)):
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
