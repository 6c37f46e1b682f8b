#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fables: plots whose heroes are animals. %A is a %kind, %B is a %bkind."""

PLOTS = r"""
= beast any
%A {was the smallest %kind of all|was small, even for a %kind|was smaller than all the other animals}{, but %he had a big heart|}.
{the other animals laughed at %him.|"you are too small," said the others. "you cannot help us."|nobody ever asked %him for help.}
{~when}, %B the %bkind {fell into a deep hole|was caught in a net|could not get out of a hollow tree}.
{the bear pulled, but it was no use.|the big animals tried, but they were too big.|"help!" cried %B. everyone came, but nobody knew what to do.}
{"let me try," said %A.|then %A stepped forward. "I can do it," %he said.}
{%he slipped through a narrow gap|%he was so small that %he fitted through|with much patience %he pulled and pushed} and {soon %B was free|after ~long it was done}.
{"thank you!" said %B. "you are small, but you are the bravest of us all."|all the animals cheered.}
?{since that day nobody has laughed at %him|from that day on everybody asked %him for help}.

= beast any
{winter was near|autumn had come}. %A the %kind {worked every day|was very busy} and {collected {nuts|seeds|berries} for the cold months|filled %his house with food}.
%B the %bkind {lay in the sun|sang and danced all day}. "{why do you work so hard?|come and play!}" %bhe called. "{there is plenty of food|winter is far away}!"
"{I am getting ready for winter|soon there will be snow|you should do the same}," said %A.
%B only laughed. {"that can wait," %bhe said.|"tomorrow," %bhe said. "today I want to sing."}
then {the first snow fell|the cold came}. {everything was white, and there was nothing to eat|the ground was hard, and the trees were bare}.
{%B was hungry and cold.|%B looked everywhere, but %bhe found nothing.} {at last %bhe knocked at %A's door|in the end %bhe went to %A, with %bhis head down}.
{"please help me," %bhe said. "I was foolish."|"you were right," %bhe said. "I should have listened."}
{%A looked at %bhim for a moment and opened the door.|%A could not leave a neighbour in the cold.} "{come in|come in and get warm}," %he said. "{but next year you will help me|you can pay me with a song}."
{all winter they sat by the fire, and %B sang for %A|and in the next autumn, %B was the first one at work}.

= beast any
{~when}, %A the %kind and %B the %bkind {found a big %fruit at the same time|saw a piece of cheese on the path}.
{"I saw it first!" said %A. "no, I did!" said %B.|"it is mine!" cried %A. "mine!" cried %B.}
{they pulled and pushed|they shouted so loudly that the whole forest could hear them}. {nobody wanted to give in.|neither of them let go.}
a {clever|sly|hungry} {fox|crow|magpie|cat} {came by|had heard everything} and said, "{let me help you|I will divide it for you|I know a fair way}."
{the two agreed.|"very well," said both of them.}
the clever animal {cut it into two pieces, but one was bigger than the other|broke it in two. "oh, this part is too big," said the stranger, and took a bite}. "{now the other one is too big|I must make them equal}," said the stranger, and {there went another bite|took another bite}.
{so it went on until there was nothing left|bite by bite it became smaller, and then it was gone}.
{"thank you for the meal," said the stranger and walked away.|the stranger laughed and ran off.}
{%A and %B looked at each other.|hungry and ashamed, the two sat there.} "{next time we will share it ourselves|we should have shared it}," said %A.

= beast sun
{~when}, %A the %kind {wanted to see the world|was tired of the same old pond|looked at the far blue hills}. "{what is behind them|what is out there}?" %he asked.
{"stay here," said the old {owl|turtle|crow}. "the world is dangerous."|"nothing but more of the same," said %B the %bkind.}
but %A {packed a little bag|said goodbye} and {set off|started to walk}. ~sunny.
{%he walked through {a field of corn|tall grass|a dark wood} and over {a stone bridge|a high hill}.|on the first day %he came to a river, and on the second day to a town.}
{%he saw {a train that smoked like a chimney|boats as big as houses|people with umbrellas}.|everything was so big and so loud.}
?on the way %he met {a lost lamb and showed it the way home|an old horse who told %him stories|a gull who spoke of the sea}.
{after ~few days %he was tired, and %he thought of home.|one evening %he looked at the moon and thought, "it is the same moon as at home."}
{so %he turned around|%he followed the river back}, and {one morning %he was there|all %his friends came to meet %him}.
"{what did you see|what is out there}?" asked %B. {%A told them everything, and it took ~long.|"there is much to see," said %A, "but nowhere is there a pond like ours."}

= beast night
~night. %A the %kind {looked up at the sky|could not sleep} and {saw a star fall|saw a light behind the trees}.
"{the star has fallen into the forest|I must find it|I wonder where it went}," %he {thought|said}.
%he {woke %B the %bkind|ran to %B the %bkind}. "{come quickly|get up}!" %he said. "{a star has fallen down|we have to help a star}!"
{%B yawned. "stars do not fall," %bhe said. but %bhe came along.|"it is the middle of the night," said %B, but %bhe was curious too.}
they {walked through the wet grass|went deeper and deeper into the wood}. {there was a light between the trees|something was shining near the water}.
{%A's heart beat fast.|"there it is!" whispered %A.} they {came closer ~slowly|looked over a log}.
it was {a hundred tiny glow worms that were dancing|the moon in a pool of still water|an old lantern that somebody had left}.
{"it is not a star," said %B. "no," said %A. "it is even better."|they sat down and looked at it without a word.}
{they stayed until the morning.|when the sun came up, they walked home together.}
?{"wake me up next time too," said %B.|since then they go there every summer.}

= beast any
%A the %kind {told stories that were not true|liked to play tricks}. "{the wolf is coming|help, the wolf}!" %he {cried|shouted} {~when}, and all the animals {ran and hid|came running}.
{there was no wolf.|but nothing was there.} %A {rolled on the ground and laughed|laughed until %his sides hurt}.
{the next day %he did it again|~few days later %he did the same thing}, and {again everyone was afraid|again they all came}. {"that is not funny," said %B the %bkind.|the animals were angry.}
then {one evening|one ~day}, {two yellow eyes looked out of the bushes|%A heard a growl behind %him}. it was {the wolf|a real wolf}!
"help! {the wolf is here|the wolf is coming}!" cried %A. but {nobody came|the others only shook their heads}. "{%he is joking again|not this time}," they said.
{%A ran as fast as %his legs could carry %him|%A climbed into a hole that was almost too small}. {the wolf was close behind|%he could hear the wolf's teeth}.
{at the last moment|luckily} %B {looked out|heard that this cry was different} and {pulled %him inside|opened the door}.
{"I will never lie again," said %A, and %he was still shaking.|%A was very quiet that evening.} {if you lie too often, nobody believes you when you tell the truth.|and %he kept this promise.}

= beast any
%A the %kind {was very fast|was proud of %his {strong voice|quick legs}} and told everybody about it. "{nobody is as good as I am|I am the best in the whole forest}," %he said.
{%B the %bkind was tired of it.|the other animals were tired of it.} "{I will race you|let us have a race}," said %B. "{to the old bridge and back|from here to the mill}."
%A {laughed loudly|could not stop laughing}. "{you? you are so slow|this will be easy}," %he said.
{the next morning all the animals were there|"go!" called the owl}. %A {ran off like the wind|was soon far ahead}. {%B went on, step by step.|%B walked slowly and did not stop.}
halfway, %A {looked back and saw nobody|thought, "I have plenty of time."} {%he lay down under a tree|%he sat down in the shade|%he ate some berries} and fell asleep.
{%B came past very quietly and did not stop|step by step %B went past}. {the sun was low when %A woke up|when %A looked up again, it was late}.
%he {ran and ran|jumped up}, but {it was too late|%B was already there}. {the animals cheered for %B.|"well done, %B!" they cried.}
?{%A was ashamed and never boasted again|"slow and steady wins the race," said the owl}.

= beast rain
~rainy. %A the %kind sat {in %his dry little house|in a hollow tree|under a big leaf} and {drank tea|listened to the rain}.
knock, knock. {%B the %bkind stood outside, wet from head to foot|outside stood %B the %bkind}. "{may I come in|is there room for me}?" {%bhe asked|asked %B}.
{"it is small, but come in," said %A.|"of course," said %A. "move close to me."}
{soon there was another knock. it was {a mouse|a bee|a sparrow} with {three children|wet wings}.|then came a family of mice, and after them a frog.} "{us too|please, us too}?"
{"come in, come in," said %A.|it became very tight, but nobody complained.}
{somebody told a story, and somebody else began to sing.|they shared nuts and honey and told each other riddles.|it was so warm that they forgot the storm.}
{when the rain stopped, nobody wanted to go.|in the morning the sun shone, and everyone said thank you.}
"{where there is a good heart, there is always room|a small house is big enough for friends}," said {the old frog|%B}.

= beast any
{~when}, %A the %kind {saw %his face in the water|looked into the pond}. "{I am so plain|I am so brown|I wish I looked different}," %he said.
{the peacock had bright feathers|the butterfly was so colourful}, and {the swan was white as snow|the deer had long legs}. but %A was only {brown|grey} and {small|round}.
so %he {painted %himself with berries|put feathers on %his head|rolled in %colour flowers}. {"now I am beautiful," %he said.|%he walked proudly through the wood.}
{but nobody knew %him any more.|%his friends walked past without a word.} {"who are you?" asked %B the %bkind. "I am looking for my friend %A."|even %B the %bkind said, "good morning, stranger."}
{then a {hawk|fox} came by. everyone else hid in the brown leaves, but %A shone like a lamp.|it began to rain, and the colours ran down %his face.}
{at the last moment %he jumped into the water, and all the colour was washed off.|%A ran and hid in the mud.}
{"there you are!" said %B. "I missed you."|now %B laughed. "it is you!" %bhe said. "I like you much better like this."}
{%A looked into the pond again. the face in the water was smiling.|since then %A has been happy with the way %he is.}

= beast any
%A the %kind {had a secret|was looking for a present}. {it was the birthday of %B the %bkind|tomorrow %B the %bkind would be {two|three|four} years old}.
{"what can I give %bhim?" thought %A. "I have nothing."|%A had no money and no gold.}
%he asked {the owl|the old turtle}. "{give something that you love|the best presents cannot be bought}," was the answer.
{%A thought about it all night.|%A walked up and down and thought.} {then %he collected {the softest feathers|the sweetest berries|~number kinds of flowers}|then %he made a %thing from bark and grass}.
{on the way %he fell into a stream, and everything was gone|on the way a strong wind blew everything away}. {%A stood there with empty hands and cried.|%A sat down in front of %B's door and wept.}
{%B opened the door.|"why are you crying?" asked %B.} {%A told %bhim everything.|"I had a present for you, and now I have nothing," said %A.}
"{you came all this way in the cold|you thought of me|you are here}," said %B. "{that is the best present|I do not need anything else}."
then they {ate cake|drank ~drink with honey|danced} and {were happy|laughed until late in the night}.
"""
