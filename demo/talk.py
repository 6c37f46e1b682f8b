#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Small dialogues, letters and diary pages."""

PLOTS = r"""
= talk any
"{good morning|hello|good day}, %A," said %B. "{where are you going|what are you doing here|where are you off to}?"
"{I am going to|I am on my way to} %place," said %A. "{do you want to come along|would you like to come|why don't you come with me}?"
"{what will you do there|what is there to see}?" asked %B.
"{I want to {fly my kite|feed the ducks|draw the trees|look for shells|buy some %fruits}|my %parent is waiting there, and we want to have a picnic|they say that there is a {circus|concert|big ship} today}," said %A.
{"that sounds like fun," said %B. "wait for me. I only have to get my {coat|hat|shoes}."|"I would love to, but I have to {help my mother|do my homework|look after my little brother} first," said %B.}
"{take your time|no hurry}," said %A. "{I will wait here by the gate|the day is long}."
{ten minutes later|a little later} they were on their way, {and %B was carrying a bag of ~fruits|and both of them were singing|and ~sunny}.

= talk any
"{have you seen|do you know where I put} my %small?" asked %A.
"{which one|what does it look like}?" said %B.
"{it is small and %colour|the %colour one|the old one that my %parent gave me}," said %A. "{I had it this morning|I have looked everywhere}."
"did you look ~hide?" asked %B.
"{yes, I did|that was the first place where I looked}," said %A. "{it was not there|there was nothing but dust}."
"{and in your pocket|and what is that in your hand|what is that on your head}?" asked %B.
%A {looked down|stopped} and {turned red|began to laugh}. "{oh|oh dear}! {it was there all the time|how silly of me}!"
{"one day you will lose your own head," said %B, and they both laughed.|"I only want to help," said %B with a smile.}

= talk any
"what is your favourite {season|time of the year}?" asked %A.
{"I like {spring, because everything becomes green|summer, because the days are long|autumn, because of the coloured leaves|winter, because of the snow}," said %B.|"that is hard to say," answered %B. "I think it is {spring|summer|autumn|winter}."} "{and yours|what about you}?"
"{I like all of them|mine is {spring|summer|autumn|winter}}," said %A. "{every one has something special|there is nothing better than the smell of {rain|snow|fresh grass|dry leaves}}."
"{but what do you do when it rains|don't you ever get bored}?" asked %B.
"{then I read|I look out of the window and listen|I put on my boots and jump into the puddles}," said %A. "{you should try it|it is great fun}."
{%B thought about it.|%B nodded slowly.} "{maybe I will|perhaps you are right}," %bhe said.

= talk any
"good {morning|afternoon}," said %A. "I would like {some bread|~few ~fruits|a bag of ~fruits|a pound of cheese|a bottle of milk}, please."
"{certainly|of course}," said the shopkeeper. "{anything else|is that all}?"
"{do you have any eggs|how are the ~fruits today|are the ~fruits good}?" asked %A.
"{they are fresh today|yes, they came in this morning|only a few are left, but they are very good}," {was the answer|said the shopkeeper}.
"{then I will take ~number of them|good, I will take them}," said %A. "{how much is that|what does it cost}?"
"{that is ~number coins|~number coins, please}," said the shopkeeper.
%A {counted the money|looked in %his purse} and {paid|put the coins on the table}. "{thank you|many thanks}, and {have a nice day|goodbye}!"
"{goodbye, and come again|goodbye. be careful, it is wet outside|the same to you}," said the shopkeeper.

= talk any
"{why is the sky blue|why do birds fly south|where does the rain come from|why do leaves fall in autumn|how do fish breathe|why do cats purr}?" asked %A.
%his %parent {put down the newspaper|looked up from the book|thought for a moment}. "{that is a good question|now you have caught me|hm}," %phe said. "{what do you think|do you have an idea}?"
"{maybe somebody painted it that way|maybe they like it|I think it is because of the sun|I do not know, and that is why I asked you}," said %A.
{%his %parent laughed.|%his %parent smiled.} "{let us look in the big book|we can find out together|tomorrow we will go to the library and find out}."
{they sat down side by side and read|they read for ~long}, {and at the end %A knew the answer|and the more they read, the more questions they had}.
"{the world is full of questions|I have another question|it is fun to know things}," said %A.
{"that is the best thing about it," said %his %parent.|"and I hope that you never stop asking," said %his %parent.}

= letter any
dear %B,
{how are you?|I hope that you are well.} {I am fine|we are all well here}. {I am sitting {~at|at the kitchen table|by the window} and writing to you|today is ~day, and I have time to write at last}.
{the weather is {lovely|terrible}: ~sunny|here ~rainy|it is cold here, and ~snowy}.
{yesterday we went to %place. it was {very nice|great fun}, and I found a ~colour ~small.|my %parent gave me a ~colour ~gift. I like it very much.|I am learning to ~skill. it is not easy, but I do not give up.|we have a new ~pet. its name is %pet_name, and it sleeps all day.}
{at school we are learning about {animals|the stars|the sea|old castles}. my favourite subject is ~subject.|I have planted some ~plants in the garden. maybe you can see them when you come.|in the evening I often think of our games.}
{when will you come and visit us|can you come in the summer|do you remember the day when we got lost in the forest}? {we could {swim in the lake|build a tree house|ride our bicycles|look for shells}|everyone asks about you}.
{please write soon|I am waiting for your letter|say hello to your family}.
{your friend|with love|many greetings}, %A

= diary any
{dear diary|~day}, {today was a {good|strange|long|wonderful} day|so much happened today}.
{I got up early, because ~sunny.|when I woke up, ~rainy.|in the morning my %parent woke me and said, "get up, it is late!"}
{at school we had ~subject, and I knew all the answers.|on the way to school I met %B, who had a new ~thing.|I went to %place with %B.} {we played ~game|we laughed a lot|we talked about the holidays}.
{then something funny happened. {a ~pet came into the classroom and sat on the teacher's chair|my %parent put salt in the tea instead of sugar|%B sat down on a wet bench}.|then I lost my ~small, and we looked for ~long until we found it.|then it began to snow, and everyone ran outside.}
{in the evening we had ~drink and a ~dish.|for dinner there was a ~dish, and I ate two helpings.}
{I have learned that ~lesson.|I am a little tired, but I am happy.|tomorrow I want to learn to ~skill.|I hope that tomorrow will be just as nice.}
{good night|that is all for today}.

= talk any
{"I am bored," said %A.|%A lay on the floor. "there is nothing to do," %he said.}
"{you could read a book|you could play ~game|you could tidy your room}," said %his %parent.
"{I do not feel like it|that is no fun alone|I did that yesterday}," said %A.
"{then it is time for a story|come here, I know a good story|what about a story}," said %his %parent.
{"what kind of story?" asked %A.|%A sat up. "is it a long one?" %he asked.|"can I choose?" asked %A.}
"{a story about a {king|sailor|bear|giant} who was bored|the story of how I met a ~bird|the one about the %colour %thing}," said %his %parent.
"{tell me|yes, please}!" said %A. {%he was not bored any more|and %he came closer}.
{%his %parent began: "once upon a time there was {a king who had everything, but nobody to play with|a sailor who was afraid of water|a bear who could not sleep in winter|a giant who was smaller than a mouse}."|%his %parent closed the door and began to tell.}

= talk any
{the telephone rang. %A picked it up.|%A called %his friend.} "{hello|hello, this is %A}?"
{"hello, this is %B," said the voice. "are you busy?"|"hello, it is %B here. do you have a minute?"}
"{no, not at all|I am just having breakfast|I was going to call you too}," said %A. "{what is it|is something wrong}?"
"{I need some help with ~subject|I have two tickets for the {circus|theatre|museum}|my ~pet is ill|I have good news}," said %B. {"can you come over?"|"do you have time on ~day?"}
"{of course|I am on my way|let me ask my %parent}," said %A. "{when shall I be there|when shall I come}?"
"{come at ~few o'clock|as soon as you can|come after lunch, and bring your ~thing}," said %B.
"{all right|good}. {see you soon|until then}!" said %A {and put down the telephone|and ran to get %his coat}.

= talk any
"{I know a riddle|I have a riddle for you|here is a new riddle}," said %A.
"{is it hard|is it an easy one|how does it go}?" asked %B.
{"it is {round and yellow, and it rises every morning|small and brown, and it carries its house on its back|white and cold, and it falls without a sound|tall and green in summer, and bare in winter}," said %A.|"it has hands, but it cannot clap," said %A.|"it has many leaves, but it is not a tree," said %A.}
%B {thought and thought|scratched %bhis head|walked up and down}. "{is it a cat|is it a house|is it a cake}?"
"{no|wrong}!" {laughed %A|said %A}. "{try again|one more time}."
"{I give up|tell me|I do not know}," said %B at last.
{"think about it tonight," said %A, "and tell me tomorrow."|%A whispered it in %bhis ear, and %B laughed. "that was easy!" %bhe said.}
"{now it is my turn|I know a better one|one day I will find one that you cannot solve}," said %B.
"""
