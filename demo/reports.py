#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Short stories and reports, each with its summary in one sentence.

A plot is a heading `= cast`, steps as in plots.py, and below them a line that
begins with `>`: the summary. It says nothing that no step has said, because
both take who, what and how it ended from the same slots.
"""
import re

import stories
import words
from template import Scope, finish

PLOTS = r"""
= two
{%A had a %colour %thing|%A loved %his %colour %thing {very much|}}. {~when, it was gone.|but {~when|one day} it was not in its place.}
%he looked {in the %room|everywhere|in every room}, but {the %thing was not there|nobody had seen it|it was no use}.
?{%A was ~sad.|%his %parent asked what was wrong.|"where can it be?" asked %B.}
{%B came and helped %him.|then %B had an idea.} {there it was, %hide!|at last they found it %hide.|in the end, %B saw it %hide.}
?{%A was ~happy{ and thanked %B|}.}
> %A lost %his %colour %thing, and %B found it %hide.

= two
{%A lost %his %small %at ~when.|~when, %A was %at. when %he came home, %his %small was gone.}
{%he went back|%he looked for it for ~long} and {looked under every stone|asked everyone}, but %he did not find it.
{%his %parent said that it was not so bad.|it grew dark, and %A went home.|%A was ~sad.}
?{%B gave %him a %colour %gift to cheer %him up.|a week later, %he still thought of it.}
> %A lost %his %small %at and did not find it again.

= two
it was %B's birthday{, and ~sunny|}. %A wanted to give %bhim something special.
?{%he thought about it for ~long.|%he had only a few coins.|%he asked %his %parent for help.}
{%he went to the market and bought|in a little shop %he found|%he saved %his money for weeks and bought} a %colour %gift.
{%A wrapped it in paper and carried it to %B's house.|in the evening, %he knocked at %B's door.}
{"thank you!" said %B and {laughed|hugged %him}.|%B opened the parcel and was ~happy.}
> %A bought %B a %colour %gift for %bhis birthday.

= kid
%A wanted to learn to %skill. {%his %parent|an old %job} showed %him how to do it.
{the first time, nothing went right.|at first it was very hard.|%he made many mistakes.} ?{%he was ~tired every evening.|the others laughed at %him.}
{but %he tried again every day.|%he practised for ~long.|%A did not give up.}
{~later, %he could %skill quite well|~later, %he could do it}. {%his %parent was proud of %him.|everyone clapped.|%A was ~happy.}
> %A practised and learned to %skill.

= kid
%A wanted to learn to %skill. {%his %parent|an old %job} showed %him how to do it.
{it was much harder than %he had thought.|%he tried it once, and nothing went right.}
{after two days %he had enough.|~later, %he threw everything into a corner.} "{this is not for me|I do not like it}," %he said.
now %he {reads books|plays ~game with %his friends|sits in the garden} instead.
> %A tried to learn to %skill but gave up.

= two
%A and %B wanted to go to %place by %transport {on %day|~when}. {they packed some ~fruits and a blanket.|they had talked about it for days.}
{on the way, they sang songs.|they sat by the window and looked out.|%B had brought a %thing.}
when they arrived, {it was raining hard|it began to rain}. {they stood under a tree and waited.|everything was wet.}
{in the end, they went home again.|after an hour they took the next %transport back.} ?{but they laughed all the way.|"next time we will look at the sky first," said %B.}
> %A and %B went to %place by %transport, but it rained and they went home.

= two
%A and %B wanted to go to %place by %transport {on %day|~when}. {they packed some ~fruits and a blanket.|they had talked about it for days.}
{on the way, they sang songs.|they sat by the window and looked out.|%B had brought a %thing.}
~sunny. {they played ~game and ate the ~fruits.|they walked around for ~long and saw a ~bird.}
{in the evening, they came home, ~tired and happy.|it was dark when they were home again.} ?{"that was the best day of the year," said %B.}
> %A and %B went to %place by %transport and had a lovely day.

= two
{~when}, %A {found a small %bird|saw a %bird that could not fly|heard a soft cry and found a %bird} %at. {its wing was hurt.|it was cold and hungry.|it was ~scared.}
{%he carried it home in %his hands.|%he put it in a %thing and took it home.}
{%his %parent showed %him how to feed it.|%B brought seeds and water every day.|%he gave it bread and water.}
{after %few weeks|~later}, the %bird was strong again. {%A opened the window, and it flew away.|it flew over the roofs and was gone.}
> %A found a hurt %bird %at and cared for it until it could fly.

= job
%A was the %job of the %town. {~when}, %broken stopped working. {nobody knew why.|everyone was worried.}
{the mayor asked %A for help.|three men had already tried to repair it.|people came from all sides to look at it.}
%A {looked at it for ~long|took it apart} and found {a small stone|a dead mouse|a piece of old rope} inside.
{%he took it out, and everything worked again.|one hour later, it was running again.} {the people cheered.|%he wanted no money for it.|the mayor gave %him a %colour %gift.}
> %A the %job repaired %broken of the %town.

= report
{last night|on %day|yesterday} a storm came over the %town. {the wind was so strong that trees fell.|it rained for hours.|dark clouds covered the sky.}
the storm damaged %building. {nobody was hurt.|"I have never seen such a wind," said %A, the %job.|people ran into their houses.}
the next day, {everyone came with tools|the %job and the %job2 brought wood and nails|all neighbours helped}. {children carried stones.|they worked from morning to night.}
{after %number days, it was as good as new|%number days later, the work was done}.
> A storm damaged %building, and the people repaired it in %number days.

= report
{last night|on %day|yesterday} a fire broke out in %building of the %town. {smoke rose into the sky.|the bells rang.}
%A, {the|a} %job, saw it first and called for help. {%number men came with buckets of water.|soon the fire brigade was there.|everyone helped to carry water.}
{after ~long, the fire was out|in the morning, the fire was out}. {nobody was hurt.|only the roof was burnt.|%A was tired but relieved.}
> %A saw a fire in %building, and it was put out.

= report
on %day, there was a %contest in the %town. {%number people took part.|many people came to watch.|~sunny.}
%A, %B and %C were the best{ of all|}. {for a long time nobody knew who would win.|%C was in front at first.|everyone shouted and clapped.}
in the end, %A won, and {%B came second|%C was only third}. {%his %parent was very proud.|"I did not expect that," said %A.|}
{the prize was|%he got} a %colour %gift.
> %A won the %contest in the %town and got a %colour %gift.

= job
%A the %job went to the market on %day. {%he had a basket full of %fruits.|%his cart was full of %fruits.|%he wanted to sell %his %fruits.}
{at first nobody came.|the sun was hot.|it was a good day for the market.} ?{then %B bought {a whole bag|%few of them}.}
{at noon, everything was sold.|by the evening, the basket was empty.|~later, all the %fruits were gone.}
with the money, %he bought a %colour %thing {for %his %parent|}. {%he whistled on the way home.|}
> %A sold %his %fruits at the market and bought a %colour %thing.

= two
%A wanted to bake a %dish for %B. {%he took flour, butter and %number eggs.|%his %parent had told %him how to do it.}
{the kitchen was soon white with flour.|%he put it into the oven and went into the garden.} {then %he read a book and forgot the time.|then the telephone rang.}
when %he came back, {the %dish was black|there was smoke everywhere}. {%A was ~sad.|"oh no!" cried %A.}
{%B only laughed|"that does not matter," said %B}, and {they ate bread and cheese|they went to the bakery together}.
> %A baked a %dish for %B, but it burned.

= two
%A wanted to bake a %dish for %B. {%he took flour, butter and %number eggs.|%his %parent had told %him how to do it.}
{the kitchen was soon white with flour.|%he worked in the kitchen for ~long.} {%he tasted it again and again.|it smelled very good.}
{in the afternoon, %B came with ~number friends.|%A put it on a %colour plate and carried it to %B.}
{%B said that it was the best %dish in the world.|they ate it all, and nothing was left.|"it is wonderful!" said %B.}
> %A baked a %dish for %B, and it was very good.

= two
%A had a %pet called %pet_name. {~when}, somebody left the gate open, and %pet_name ran away.
{%A called and called.|%A and %B looked for it everywhere.|%his %parent asked all the neighbours.} {nobody had seen the %pet.|it got dark.}
{the next morning|after %few days}, %B found it %at. {it was dirty and hungry.|it was asleep.|it was playing with a ~colour ball.}
{%A was ~happy.|%A took it home and gave it some food.} ?now the gate is always closed.
> %A's %pet %pet_name ran away, and %B found it %at.

= report
a new %house opened in the %town on %day. {~number years ago, there was only a field.|it stands next to the old mill.|the work took two years.}
{the mayor spoke to the people.|%A, the %job, cut the ribbon.|there was music and cake.} %number hundred people came on the first day.
{"we have waited for it for so long," said %B.|children ran from room to room.|everyone wanted to see it.} ?it is open every day.
> A new %house opened in the %town, and %number hundred people came.

= two
%A promised to help %B in the garden on %day. {%B waited for ~long.|%B worked all morning alone.}
but %A {played ~game|slept until noon|sat %at} and forgot it. {in the evening, %he remembered it.|then %he saw %B with a shovel.}
{%A was ashamed.|"oh dear!" thought %A.} %he {ran|went} to %B and said that %he was sorry.
{the next day, they dug the garden together.|%B was angry at first, but then they both laughed.}
> %A forgot to help %B in the garden and said sorry.

= two
%A borrowed %B's %thing. {%he wanted to be careful.|%B had got it from %bhis %parent.}
but {~when|the next day} %he {fell on the stairs|let it fall} and it broke. {%A did not know what to do.|%A was ~sad.|first %he wanted to hide it.}
{then %he told %B the truth.|in the end, %he went to %B and told %bhim everything.} {"it is only a %thing," said %B.|%B was not angry.}
%A {saved %his money and bought|worked for a week and bought} %bhim a new one.
> %A broke %B's %thing and bought %bhim a new one.

= beast
%A the %kind and %B the %bkind {found|saw} a big %fruit {~at|under a tree}. {both wanted to have it.|"that is mine!" said %A. "no, mine!" said %B.}
{they pulled and shouted.|they argued for ~long.|neither of them let go.}
then {an old owl came and said|a wise crow said}: "{there is enough for two|cut it in the middle}."
{so they shared it|they cut it in two pieces}, {and since then they have been friends|and both had enough}.
> %A and %B argued about a %fruit and then shared it.

= beast
%A the %kind and %B the %bkind {found|saw} a big %fruit {~at|under a tree}. {both wanted to have it.|"that is mine!" said %A. "no, mine!" said %B.}
{they pulled and shouted.|they argued for ~long.|neither of them let go.}
{meanwhile, a hungry fox came by|a clever magpie had heard everything}. {it took the %fruit and ran away|quietly it took the %fruit and was gone}.
{%A and %B looked at each other.|then there was nothing left.}
> %A and %B argued about a %fruit, and another animal took it.

= kid
%A was to play the %instrument at school on %day. {%he was ~scared.|%he could not sleep the night before.|%he had practised for weeks.}
{the hall was full.|%number hundred people were there.|%his %parent sat in the first row.} {at first %his hands were cold.|%he closed %his eyes and began.}
{then it went better and better.|%he made no mistake.} {everyone clapped.|the people stood up and cheered.} ?%A was ~happy.
> %A played the %instrument at school, and the people liked it.

= kid
in spring, %A planted a %plant %at. {%he gave it water every day.|%his %parent showed %him how.|%number weeks long, nothing happened.}
{then it grew and grew.|in ~few weeks it was as tall as %he was.} {the neighbours came to see it.|bees and butterflies came.}
{but in summer, a storm broke it|but one night, a goat ate it}. {%A was ~sad.|%A looked at it for ~long.}
{%he kept the seeds for the next year.|%his %parent gave %him new seeds.}
> %A planted a %plant, but it was destroyed.

= kid
in spring, %A planted a %plant %at. {%he gave it water every day.|%his %parent showed %him how.|%number weeks long, nothing happened.}
{then it grew and grew.|in ~few weeks it was as tall as %he was.} {bees and butterflies came.|it did not rain all summer, but %A carried water.}
{in autumn, there was a festival in the %town.|a %job saw it and told everyone about it.} {%A won a prize for it.|it was the biggest %plant of all, and %he got a prize.}
> %A planted a %plant and won a prize for it.

= job
{~snowy|it snowed all day}. the %transport to the %town was full. {suddenly|~later}, it stopped {in the snow|between two hills}. {nothing moved any more.|the driver said that he could do nothing.}
{the people waited for hours.|it was cold and dark.|a baby cried.} %A, {a|the} %job, {got out and walked to the next farm|ran to the next village}.
%he came back with {%few horses|%number men and shovels}. {in the night, they were all at home.|~later, they could go on.}
> %A the %job helped the people whose %transport was stuck in the snow.

= two
%A and %B had not spoken for {a year|ten years|a long time}. {nobody knew why.|it was because of an old %thing.|both of them were stubborn.}
{~when}, %A was ill, and {nobody came to see %him|%he could not get up}. {%B heard about it in the shop.|a neighbour told %B about it.}
%B {cooked a %dish and took it to %him|came with a %dish and a bag of ~fruits}. {they talked until late in the night.|first they were silent, and then they both laughed.}
{since then they have met every %day.|now they are friends again.}
> %B took a %dish to %A, who was ill, and they became friends again.

= two
{~when}, %A fell into the %water. {%he could not swim well.|the water was cold and deep.|%he shouted for help.}
%B {was sitting on the bank|was walking by} and {heard %him|saw it}. {%bhe took a long branch|%bhe threw %him a rope} and pulled %him out.
{%A was wet and cold, but nothing worse had happened.|%his %parent thanked %B again and again.} {%B's father gave them hot tea.|they dried their clothes at the fire.}
> %A fell into the %water, and %B pulled %him out.

= report
{~number|~few} years ago, the %town had no %house. {people had to travel far.|everyone wanted one, but there was no money.}
then %A, {a|the} %job, {collected money|wrote letters} for ~number months. {%he knocked at every door.|children sold ~fruits and cakes.}
{on %day, the work began.|everyone helped to build it.} {now it is finished, and the people are proud of it.|last week it was finished at last.}
> %A collected money, and the %town got a %house.
"""

LISTS = dict(words.LISTS, **{
    "broken": ["the old clock", "the big mill", "the town bell",
               "the water pump", "the music machine", "the old lift",
               "the street lamp", "the fire engine"],
    "building": ["the old bridge", "the school", "the church", "the mill",
                 "the library", "the market hall", "the bakery",
                 "the station", "the theatre", "the farm"],
    "contest": ["race", "chess game", "singing contest", "swimming race",
                "baking contest", "boat race", "quiz", "drawing contest",
                "ski race", "dance contest"],
    "house": ["library", "museum", "school", "hospital", "swimming pool",
              "theatre", "playground", "bakery", "cinema", "bookshop"],
    "instrument": ["piano", "violin", "flute", "guitar", "drum", "trumpet"],
    "water": ["river", "lake", "pond", "harbour", "stream"],
    "job": words.JOBS,
})


def parse(text):
    found = []
    for line in text.strip().split("\n"):
        if line.startswith("="):
            found.append((line[1:].strip(), [], []))
        elif line.startswith(">"):
            found[-1][2].append(line[1:].strip())
        elif line.strip():
            found[-1][1].append(line)
    return found


ALL = parse(PLOTS)
OPTIONAL = re.compile(r"(^| )\?(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|[^?{}]*$)")


def optional(rng, text):
    """Half of what stands in `?{...}`, or after `?` up to the step's end."""
    return OPTIONAL.sub(
        lambda m: "" if rng.random() < 0.5 else m.group(1) + m.group(2), text)


def pair(rng):
    """(story, summary)."""
    cast, steps, summaries = rng.choice(ALL)
    fixed = stories.people(rng, "kid" if cast == "report" else cast)
    taken = {fixed["A"], fixed["B"]}
    fixed["C"] = rng.choice([n for n in words.GIRLS + words.BOYS
                             if n not in taken])
    scope = Scope(rng, LISTS, fixed)
    parts = [finish(scope.expand(optional(rng, s))) for s in steps]
    story = " ".join(p for p in parts if p)
    story = re.sub(r" +", " ", story)
    summary = finish(scope.expand(rng.choice(summaries)))
    return finish(story), summary
