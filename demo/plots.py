#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Plots about children and grown-ups. Each has a heading `= cast weather` and
one step a line; a step that starts with `?` may be left out. Who %A and %B
are, and their pronouns (%he %him %his, %bhe %bhim %bhis), comes with the cast;
%parent has %phe %phim %phis."""

PLOTS = r"""
= kid any
%A had a %colour %thing that %he loved {very much|more than anything else|}.
{~when|one day}, %he could not find it {anywhere|}.
%he looked {in the %room|in every room|under the bed} and {in the garden|behind the door|on every shelf}, but {it was not there|the %thing was gone|there was no %thing}.
{%A was ~sad.|%A sat down and began to cry.|"{oh no|oh dear}!" %he cried. "where is my %thing?"}
?%his %parent {heard %him|saw %his sad face} and {came to help|asked what was wrong}.
{"where did you {play with it|see it} last?" asked %his %parent.|"let us look for it together," said %his %parent. "where did you use it last?"}
%A {thought for a moment|thought hard|closed %his eyes and tried to remember}. "{I think it was in the %room2|I had it in the %room2|yesterday I was in the %room2}," %he said.
they {went|walked|ran} to the %room2 and looked {~slowly|everywhere|again}.
{there it was, ~hide!|%A looked ~hide, and there was the %colour %thing!|and there, ~hide, they found the %colour %thing.}
{%A was ~happy.|%A gave %his %parent a big hug.|"thank you!" said %A, and %he hugged %his %parent.}
?{from that day on|after that}, %he always put the %thing {back in its place|on the shelf at night|in a box by the door}.

= two sun
{~when}, %A and %B {went|walked|ran} to %place to {play ~game|fly a kite|have a picnic|look for flowers}.
~sunny, and {they were both ~happy|the two friends talked and laughed all the way}.
{suddenly|after a while}, they heard ~sound {behind a bush|from the tall grass|near a tree|under the bridge}.
{"what was that?" asked %B.|"did you hear that?" whispered %B.|%B stopped and held %A's hand.}
{"I do not know," said %A. "let us go and see."|"come on," said %A. "we can look together."}
they {walked closer ~slowly|went nearer ~slowly}, and {there they saw|behind the leaves they found} a {small|little|tiny} %bird {with a hurt wing|that had fallen from its nest|caught in an old net}.
{the %bird was ~scared and could not fly.|the poor %bird looked at them and did not move.}
{%A picked it up ~slowly and held it in %his hands.|%B took off %bhis scarf and made a soft bed for the bird.}
{they carried it to %A's %parent, who knew what to do.|they took it home, and %A's %parent gave it water and some seeds.}
{after ~few days|a week later}, the %bird {was strong again|could fly again}.
{%A and %B opened the window, and it flew up into the blue sky.|the two friends carried it back to %place and watched it fly away.}
?{"goodbye!" they called.|they were a little sad, but very proud.|every spring the %bird came back and sang in the garden.}

= kid any
%A wanted to learn to %skill.
{%his %parent said, "I can teach you, but you must be patient."|%his friend %B could do it very well.|all %his friends could do it already.}
the first time {was very hard|was not easy|went badly}. {%he made many mistakes|nothing went right|%he wanted to stop at once}.
{"I cannot do it!" said %A|"this is too hard," said %A}. %he was {~sad|angry|ready to give up}.
{"nobody can do it on the first day," said %his %parent. "try again tomorrow."|"I needed a whole year to learn it," said %his %parent. "you are doing well."}
so %A tried again the next day, and the day after that.
{every day it became a little easier|slowly, %he got better|each time %he made fewer mistakes}.
{after ~few weeks|one ~day|in the end}, %he could {do it without any help|do it all alone|do it better than anyone in the family}.
{"look at me!" %he called.|"I did it!" %he shouted.|%A could hardly believe it.}
{%his %parent clapped and smiled.|everyone was proud of %him.|%his %parent gave %him a big hug.}
?%A learned that {practice makes hard things easy|it is worth trying again|good work takes time}.

= kid any
it was the birthday of %A's %parent, and %A wanted to {make|bake} a %dish.
%he {went into the kitchen|put on an apron|washed %his hands} and {opened the big cookbook|took out a large bowl|looked for everything %he needed}.
there was {flour|sugar|butter} on the shelf, but there were no %missing.
so %A {ran|walked|went} to the {shop|market|neighbour} and {asked for|bought} {some|~few} %missing.
?on the way home %he {walked ~slowly|held the bag with both hands}, because %he did not want to {drop|break} anything.
then %he {mixed everything in the bowl|followed every step in the book|stirred and stirred until %his arm was tired}.
{soon the whole house smelled wonderful|an hour later the %dish was ready|the kitchen was a mess, but the %dish looked good}.
{%his %parent opened the door and stopped in surprise.|when %his %parent came home, the table was set.}
"happy birthday!" {called|shouted} %A.
{"this is the best present of all," said %his %parent.|"did you make this all alone?" asked %his %parent. "it is wonderful!"|%his %parent tasted it and smiled. "it is delicious," %phe said.}
?{they ate it together and drank ~drink.|together they ate until nothing was left.|then they washed the dishes together.}

= two any
%A had a new %colour %thing. %B {wanted to play with it|wanted to try it|thought it was wonderful} {too|}.
{"may I have it for a while?" asked %B.|"can I try it?" asked %B.}
{"no, it is mine," said %A|"not now," said %A. "I want to keep it"|"no!" said %A}, and {%he turned away|%he held it close}.
%B was ~sad and {went home|sat down on the steps|walked away without a word}.
{now %A was alone with the %thing.|%A played alone, but it was not much fun.|soon %A was bored, because there was nobody to play with.}
{"it is no fun to play alone," %he thought.|%A thought about %B's sad face, and %he felt sorry.}
so %A {ran after %B|went to %B's house|went to find %B} and {said, "I am sorry. we can share it."|held out the %thing. "you can have it first," %he said.}
{%B smiled again.|%B's face lit up. "thank you!" %bhe said.}
they {played together|took turns|laughed and played} {until it was dark|all afternoon|until it was time to go home}.
?%A learned that {it is better to share than to keep everything|a friend is worth more than any %thing}.

= kid rain
%A looked out of the window. ~rainy.
{"I cannot go out," said %A. "what can I do?"|%he had wanted to play outside, and now %he was ~sad.|%he was bored and did not know what to do.}
{%his %parent came in with a big empty box.|%his %parent sat down beside %him. "we can have fun inside too," %phe said.|"why not build something?" asked %his %parent.}
{together they made a {ship|castle|house|rocket|train} out of {the box|chairs and blankets|old boxes and paper}.|they took the blankets and the chairs and built a {castle|tent|cave}.}
%A was the {captain|leader|boss}, and {the %pet was the crew|the dolls and bears came along|%his %parent was the passenger}.
?they {sailed over the wide sea|flew to the moon|travelled to a far country} and {met a friendly dragon|found a treasure of buttons|saw a whale in the bathtub}.
{they played until dinner time|they laughed so much that they forgot the rain|the hours went by like minutes}.
{when %A looked out again, the rain had stopped|at last the sun came out}, and there was a rainbow {over the houses|above the hills|in the sky}.
{"can we stay inside a little longer?" asked %A.|"this was the best rainy day of all," said %A.|%A smiled. "I hope it rains again tomorrow," %he said.}

= two snow
~snowy. %A and %B {put on warm coats|took their gloves and hats} and {ran outside|went out to play}.
{they wanted to build the biggest snowman in the whole {village|street|town}.|"let us build a snowman!" said %B.}
%A {rolled a big ball of snow|made the body}, and %B {made the head|rolled a smaller one}.
for the eyes they used {two stones|two buttons|two pieces of coal}, and for the nose {a carrot|a pine cone|a long stick}.
{"he looks cold," said %A.|"something is missing," said %B.|"he needs a hat," said %A.}
so {%B ran home and brought|%A found in the house} an old %colour {hat|scarf}, and they put it on the snowman.
{they gave him a name: {Mr White|Old Frost|Captain Snow|Mr Button}.|"what shall we call him?" asked %B. "{Captain Snow|Old Frost|Mr Button}," said %A.}
{afterwards they drank hot chocolate by the fire.|when their fingers were cold, they went in for some hot chocolate.}
?{a week later the sun came out, and the snowman became smaller every day|in spring the snowman melted}, {but they were not sad, because winter always comes back|and only a few buttons were left on the grass}.

= kid any
{~when}, %A found a {small|little|tiny|golden|silver|rusty} %small {~at|on the way to school|on the road}.
{"whose is it?" %he wondered.|%he picked it up and looked at it ~slowly.|it looked old and {valuable|important}.}
%he could {keep it|put it in %his pocket}, but %he {knew that someone was surely looking for it|did not think that was right}.
so %A {asked the {baker|postman|teacher|shopkeeper}|went from door to door|asked everyone ~at}.
{"it is not mine," said the first man. "no, I have never seen it," said a woman with a {basket|%colour hat}.|nobody knew the %small.}
{at last|in the end}, %A met {an old woman who was looking at the ground|an old man who was searching the grass|a little {boy|girl} who was crying}.
{"did you lose something?" asked %A.|"is this what you are looking for?" asked %A.}
{"my %small!" {~gladly came the answer|was the answer}. "I thought it was gone for ever!"|"yes! that is my %small! where did you find it?"}
{%A gave it back ~gladly.|%A put it into the open hand.}
{"you are an honest child," said the {old|happy} stranger. "thank you with all my heart."|as a reward, %A got {an apple|a piece of cake|a warm smile|a story about old times}.}
?that night %A {went to bed with a good feeling|told the whole story to %his %parent|slept very well}.

= job any
%A {worked hard|got up early} every day, and {people came from far away to see %his work|everyone in the %town liked %him|%his little shop was always full}.
{~when}, {a rich man|a proud lady|the mayor|a stranger in a %colour coat} came to %him and said, "{I need your help|I have a job for you|I want you to make something for me}{, and it must be done by ~day|}."
{"what do you need?" asked %A.|%A listened carefully and nodded.}
{"something that nobody else has," said the visitor.|"the best %thing in the country," said the visitor.|"a %thing for my daughter," said the visitor. "she is never happy."}
%A {thought about it for ~long|worked on it day and night|tried many times, but nothing was good enough}.
?{%he made one from %material, but it broke.|the first one was too ~size, and the second one was too plain.}
{then %he had an idea|at last %he knew what to do|then %his old %parent gave %him some advice}.
{%he made a %thing from simple %material2, and on it %he painted a %bird.|%he made a plain %colour %thing and put all %his care into it.}
when the visitor came back, {the room was silent for a moment|%A's hands shook a little}.
{"it is {perfect|beautiful}," said the visitor at last. "it is so simple, and I cannot stop looking at it."|the visitor looked at it for a long time and then smiled. "this is just what I wanted," came the answer.}
?%A {was paid with ~few gold coins|did not ask for much money|was ~happy} and {went back to work|bought ~drink and bread for everybody|slept well that night}.

= job any
{every morning|each day before sunrise}, %A {walked to work|opened the door of the shop|began to work} {with a song|with a cup of tea|while the town was still asleep}.
but {~when}, {the door would not open|the big machine did not work|all the tools were gone|the old clock on the wall had stopped}.
{"this has never happened before," said %A.|%A scratched %his head. "how strange," %he said.|"{oh dear|goodness}! what shall I do now?" said %A.}
%he {looked at it from every side|tried everything %he knew|worked for ~long}, but {it was no use|nothing helped}.
{a small {boy|girl} stopped to watch.|%B, who lived next door, came by.|a neighbour came past with a basket of %fruits.}
{"may I try?"|"I may know what is wrong."} {was the friendly question|said a voice behind %him}.
?%A laughed. "{if you like|why not}," %he said. "it cannot get any worse."
{it took only a moment|with a little oil and a small brush it was done|there was a tiny stone inside, and out it came}, and {everything worked again|all was well again}.
{%A was so surprised that %he had to sit down.|"you saved my day!" said %A.|%A could not believe %his eyes.}
{from then on the two were good friends|since that day %A asks for help when %he needs it|%A learned that ~lesson}.

= kid any
%A's {%pet|old %pet} was called %pet_name. {they did everything together|the two were best friends}.
{~when}, the {gate was open|door was open}, and %pet_name {ran away|was gone}.
{%A called and called, but nothing moved.|"%pet_name! where are you?" called %A.}
%he {looked|searched} {~at|in every street} and {~at|behind every house}. {it was getting dark|the sun went down|a cold wind began to blow}.
%A {was ~scared|felt very alone|did not want to go home without %pet_name}.
{then %he heard ~sound.|then %he saw {small footprints|two shining eyes} {near the fence|beside the path}.|"wait," said %his %parent. "do you hear that?"}
{it came from {an old shed|a hole under the fence|the top of a tree|behind a cart}.|%he followed it to {an old shed|a hole under the fence|a pile of wood}.}
there was %pet_name, {wet and hungry|tired and dirty|stuck and ~scared}{, but not hurt|}.
%A {took the %pet in %his arms|pulled %pet_name out ~slowly} and {laughed with joy|carried it home|cried a little, because %he was so happy}.
{at home there was {warm milk|fresh water|a good meal} and a soft blanket for %pet_name.|that night %pet_name slept at the foot of %A's bed.}
?{the next day they mended the gate together.|from then on %A always closed the gate.}

= two any
%A and %B {were best friends|had known each other all their lives|lived in the same street}. but {~when} they had a {fight|quarrel} about {a %thing|a game|a silly joke}.
{"I will never speak to you again!" shouted %A.|"you are not my friend any more!" said %B.}
{for ~few days they did not talk.|the next day they sat far apart at school.|they each went home and closed the door.}
{%A missed %B, but %he was too proud to say so.|%B looked out of the window and felt ~sad.}
{then %A's %parent said, "somebody has to take the first step."|"a good friend is hard to find," said %A's %parent. "do not lose one because of a %thing."}
so %A {wrote a letter|took ~few %fruits in a basket|made a card} and {went to %B's house|walked across the street|knocked at %B's door}.
{at the same moment the door opened, and there stood %B with a card in %bhis hand|%B opened the door and looked at the ground}.
{"I am sorry," they both said at once.|"I am sorry," said %A. "so am I," said %B.}
{then they laughed|they had to laugh} and {forgot all about it|went out to play ~game|shook hands}.
?{since then they have never had a fight that lasted more than a day|both of them learned that ~lesson}.

= kid sun
%A planted a {small|tiny} seed in {the garden|a %colour pot|a corner of the garden}.
every {morning|day} %he {gave it water|looked at it|sat beside it and waited}, but nothing {happened|grew}.
{"maybe it is a bad seed," said %A.|"why does it not grow?" asked %A.|%he was ~sad and wanted to throw it away.}
{"wait a little longer," said %his %parent. "a seed needs sun, water and time."|"it is working under the ground, where you cannot see it," said %his %parent.}
so %A waited. {a week went by|~few days went by|it rained, and then the sun shone again}.
{one morning|then, early one morning}, {a green leaf looked out of the earth|there was a tiny green point in the soil}!
{"it is growing!" shouted %A.|%A jumped up and down with joy.|%A ran to tell %his %parent.}
{week after week it grew taller|soon it was as tall as %A|by the end of summer it was taller than the fence}, {and in the end it was a ~nice %plant|and it became the finest %plant in the whole street}.
?%A {was proud of it|showed it to all %his friends|gave one to every neighbour}. %he had learned that {good things take time|patience is worth more than speed}.

= kid night
it was {late|bedtime}, but %A could not sleep. ~night.
{then %he heard ~sound.|there was ~sound {under the window|outside the door|behind the wall}.}
%A {pulled the blanket over %his head|sat up in bed|held %his toy bear close}. %he was ~scared.
{"is somebody there?" %he whispered.|"it may be a monster," %he thought.|%his heart beat fast.}
{nobody answered|there it was again, a little louder|it was quiet for a moment, and then it came again}.
{at last %A took a deep breath, lit the lamp and opened the {door|window}.|%he called %his %parent, and together they went to look.}
it was only {the wind in the old tree|the %pet, which wanted to come in|a branch that knocked against the window|a little mouse with a piece of cheese|a hedgehog in the dry leaves}!
{%A laughed at %himself.|"so that is all," said %A, and %he had to laugh.|"you gave me a fright!" said %A.}
%he {went back to bed|lay down again} and {fell asleep at once|slept until morning}.
?since that night, %A has not been afraid of the dark.

= two sun
{~when}, %A found an old map {in the attic|in a bottle on the beach|inside a library book|~hide}.
{"look at this!" said %A. "it shows the way to a treasure!"|there was a red cross on it, and beside it stood one word: treasure.}
%B {came at once|could not believe it|put ~few sandwiches in a bag}. {the two friends set off|they took a lamp, a rope and a compass}.
the map led them {over the stone bridge|through a dark wood|along the river} and {up a steep hill|past the old mill|across a wide meadow}.
{"are we lost?" asked %B.|%B was tired. "is it still far?" %bhe asked.|twice they lost the way and had to go back.}
{"only a little further," said %A.|"no, look, there is the big rock," said %A.|"see the tall tree? it is on the map," said %A.}
{under a flat stone|between the roots of an old tree|behind a waterfall} they found {a box|a wooden box|an iron box}. {it was locked, but the lock was so rusty that it broke|it took both of them to open it}.
inside {there was no gold|there were no jewels}, but {a letter|a little book|an old picture} and {~number old coins|a silver %small|a bag of glass marbles}.
{the letter said, "you have found my treasure. the best part was the way here."|"whoever finds this is a true explorer," said the letter.|on the back somebody had written, "share it with a friend."}
{they laughed and shared everything|%A and %B looked at each other and smiled}. {it was the best day of the whole summer|then they drew a map of their own and hid the box again}.

= kid any
{~when}, there was a {new girl|new boy} at school. {the name on the list was %B.|the teacher said, "this is %B."}
%B {sat alone at the last table|did not speak to anybody|looked at the floor all the time}.
{in the break, the others played ~game, but nobody asked %B.|the other children looked and whispered.}
%A {remembered %his own first day|saw that %B was ~sad|thought about it for a moment}. {it is hard to be new|it is not easy to be alone}.
{so %A went over and said, "hello, I am %A. would you like to play with us?"|"do you want half of my sandwich?" asked %A.|%A sat down and asked, "do you like ~game?"}
%B looked up and {smiled for the first time|nodded shyly|said, "yes, please."}
{it turned out that %B could {juggle|draw animals|tell funny stories|run faster than anyone}.|%B knew a new game, and soon everyone wanted to learn it.}
{after school they walked home together.|by the end of the day %B had many friends.|the next day %B came to school with a smile.}
?{"thank you for talking to me," said %B.|years later they were still friends.}

= kid any
{~when}, %A was playing ~game in the house, and {crash!|suddenly there was a loud bang.} %his %parent's favourite {vase|cup|lamp|plate|teapot} {lay on the floor|was broken}.
{nobody had seen it.|%A was all alone in the room.|the %pet looked up and ran away.}
{"I could say that the %pet did it," thought %A.|%A hid the pieces ~hide.|first %he wanted to run away.}
but {%he felt bad|%his stomach hurt|%he could not think of anything else}. {all afternoon %he was very quiet|%he did not want to eat}.
{when %his %parent came home, %A said, "I have to tell you something."|at dinner %his %parent asked, "is something wrong?"}
{%A told the truth|%A began to cry and told the whole story}. "{I broke it|it was me}. I am very sorry."
{%his %parent was quiet for a moment.|%his %parent looked at the pieces.} "{I am sad about it, but I am glad that you told me the truth|it was only a thing. the truth is more important|thank you for being honest}," %phe said.
{together they glued the pieces.|with a little glue and much patience they mended it.|%A swept the floor and promised to play outside.}
?%A felt {much better|as light as a feather}. %he had learned that it is good to tell the truth.

= job any
%A was {old|getting old} and lived alone with a ~trait {cat|dog} named %pet_name.
{every evening|each day} %he {sat by the window|walked to the bridge and back|fed the birds ~at} and {thought of the old days|hoped that somebody would come to visit}.
{~when}, {two children from next door knocked at the door|a little girl asked, "may I stroke your %pet?"|a ball flew over the fence and landed in the flowers}.
{"we need help with our homework," they said.|"can you tell us a story?" was the next question.|"sorry! may we have it back?" called the children.}
%A {smiled|was surprised} and {said, "come in, come in!"|opened the door wide}.
%he told them about {the time when %he was a young sailor|a winter when the snow was higher than the doors|a horse that could count to ten|the great flood that carried away the bridge}.
{the children listened with open mouths.|"is that really true?" they asked. "every word," said %A.}
{they came back the next day, and the day after that.|since then they visit every ~day.}
{%A taught them to {carve wood|bake bread|play chess|mend a clock}, and they brought %him {flowers|drawings|fresh bread}.|now the house was full of voices again.}
?%A was never lonely again.

= two any
the school had a {race|contest|competition} {~when}. %A {wanted to win|had trained for weeks|was the fastest in the class}, and {so did %B|%B was almost as good}.
"{ready, steady, go|on your marks, get set, go}!" called the teacher, and {everyone ran|they were off}.
{%A was in front|%A ran like the wind}, and %B was {close behind|only a step behind}.
{suddenly %B fell over a root|near the end %B slipped on the wet grass} and {could not get up|held %bhis foot}.
%A {looked back|heard a cry}. {the finish was so close|everyone was cheering}. {should %he run on or help?|for a moment %he did not know what to do.}
then %he {turned around|stopped} and {ran back|helped %B up}. "{lean on me|put your arm around my shoulder}," %he said.
{together they walked to the finish|step by step they went on}, {and they were the last of all|long after everyone else}.
but {the crowd cheered louder than before|everybody stood up and clapped}.
{"you could have won," said %B. "why did you stop?"|"thank you," said %B. "you lost because of me."}
{"a race is over in a minute," said %A. "a friend is for a long time."|"there will be another race," said %A. "I only have one friend like you."}

= kid sun
{~when}, %A and %his %parent {took the ~transport|got up early and went|travelled} to {the sea|the lake|the mountains|the big city}.
{%A had never been there before.|%A had waited for this day for weeks.|it was the first time for %A.}
{on the way they saw {~number cows|a windmill|a castle|fields of yellow flowers}.|%A looked out of the window the whole time.}
{"are we there yet?" asked %A again and again.|"how far is it?" asked %A. "not far now," said %his %parent.}
{at last they arrived|then the road turned, and there it was}. ~sunny.
%A {ran ahead|stood still and stared|laughed out loud}. "{it is so big|it is so beautiful|I did not know that it would be like this}!" %he said.
they {swam|climbed a rock|walked a long way|collected shells and stones} and {ate ~few %fruits|had bread and cheese for lunch|drank ~drink in the shade}.
?{a gull stole a piece of bread, and they both laughed.|%A made friends with a ~trait {boy|girl} named %B.|a man with a %colour hat played the violin.}
{when the sun went down|in the evening}, they {had to go home|packed their things}. %A was ~tired{, but happy|}.
{%he fell asleep before they were home|"can we come again?" %he asked. "of course," said %his %parent}. {in %his pocket %he had a {smooth stone|white shell|pine cone}, so that %he would remember the day.|it was a day to remember.}

= kid any
%A was {sick|ill} and had to stay in bed. {%his head was hot|%his throat hurt|%he had a bad cold}.
{"no school today," said %his %parent.|the doctor came and said, "you need rest and plenty of tea."}
{at first %A was glad, but soon %he was bored.|%A looked at the ceiling and counted the hours.|outside, the other children were playing.}
{then there was a knock at the window.|in the afternoon the bell rang.|after lunch %his friend %B came with a bag.}
{%B stood there with {a book|a puzzle|a bag of %fruits}.|there was a letter with drawings from the whole class.|somebody had left a basket of %fruits by the door.}
{"get well soon," it said.|"we miss you," it said in big %colour letters.|%A read it three times.}
?%his %parent {made soup|read %him a long story|brought ~drink with honey}, and %A {slept for ~long|felt a little better}.
{after ~few days %he was healthy again|the next ~day %he could get up}. {%he ran to school and thanked everyone|%he was never so glad to see %his school}.

= job any
{~when}, %A found a {baby|little} {fox|deer|owl|lamb|duck|hedgehog} {~at|beside the road}. {it was all alone|its mother was nowhere to be seen|it was cold and weak}.
{%A had a lot of work to do, but %he stopped.|"you poor thing," said %A.|%A looked around, but nobody was there.}
%he {wrapped it in %his coat|carried it home under %his arm|put it in %his basket} and {gave it some warm milk|made a bed of straw by the fire}.
{"you cannot keep a wild animal," said the neighbours.|"it will not live," said a neighbour. but %A did not give up.}
{all night %A sat beside it|every ~few hours %he fed it}. {in the morning it opened its eyes|after a week it could stand and walk}.
{soon it followed %him everywhere, even to work.|people laughed when they saw the two together.|it slept under the table and woke %him early every morning.}
{in spring|when it was grown}, %A {opened the door|took it back to the place where %he had found it}. "{you are free now|go, little one|the forest is your home}," %he said.
it {ran to the trees, stopped and looked back|took a few steps and turned its head}. then it was gone.
{%A was sad and glad at the same time.|%A wiped a tear from %his eye.}
?{but one winter morning there were {small tracks|footprints} in front of %his door.|and sometimes, in the evening, %he saw two bright eyes at the edge of the wood.}

= two rain
~rainy, and the {river|stream} by the %town was rising. {~when}, {the bridge broke|water came over the road}.
%A and %B {saw it from the window|were on their way home from school|heard the news first}.
{"{farmer|old} Martin lives on the other side!" said %B. "he is all alone."|"the sheep are still in the meadow!" said %A.}
{they ran to tell the grown-ups|they knocked at every door}, and {soon everyone was there|people came with ropes and lamps}.
{the {carpenter|fisherman|miller} brought a boat.|some filled bags with sand, and others carried them.|they stood in a long line and passed the bags from hand to hand.}
%A {held the rope|carried the lamp|kept the children warm and dry}, and %B {brought hot tea|rang the bell|carried dry blankets}.
{it was hard work, and it went on all night.|nobody slept that night.|at midnight the wind became stronger, but nobody went home.}
{by morning the rain stopped|when the sun came up, the water began to fall}, and {everyone was safe|not one animal was lost}.
{"without you two we would have been too late," said the mayor.|the whole %town thanked the two children.}
?{in the summer they built a new bridge, and %A and %B were the first to cross it|a week later there was a feast for everyone}.

= kid any
%A had saved {~number|~number} coins {in a {jar|box|glass}|for ~few months} to buy a %colour %gift.
{on ~day|~when} %he {went to the shop|took the money and walked to the market}.
{in front of the shop|on the way} %he met {an old man who had no shoes|a woman with a crying child|%his friend %B, who looked ~sad}.
{"what is wrong?" asked %A.|%A stopped and asked if %he could help.}
{"my purse is gone, and I have nothing to eat," was the answer.|"we have not eaten since yesterday," was the answer.|"I lost my ticket, and I cannot get home," was the answer.}
%A {looked at the shop window and then at %his coins|thought about the %gift}. {it was hard, but %he knew what was right|then %he opened %his hand}.
"{please take this|you need it more than I do}," %he said.
{%he walked home without the %gift, but %he did not feel sad|at home %he told %his %parent, who was very proud of %him}.
{the next morning there was a parcel at the door, and inside was a %colour %gift. nobody ever said who had sent it.|some weeks later the shopkeeper, who had seen it all, gave %him the %gift for nothing.|and the strange thing was that %he felt richer than before.}

= kid any
%A {loved to draw|wanted to be an artist}. {%he drew on paper, on stones and on old boxes|every day %he drew something new}.
{~when}, the teacher said, "{there will be a contest|we will hang the best picture in the hall}. {paint something that makes you happy|show me something beautiful}."
{everybody began at once.|%B painted a castle, and the others painted ships and horses.} but %A {had no idea|looked at the white paper for ~long}.
{"what makes me happy?" %he asked %himself.|%he tried a horse, but it looked like a %pet.|%he threw away ~number sheets of paper.}
{on the way home %he saw {an old couple on a bench|the lights in the windows|the %colour sky over the roofs}.|in the evening %he looked at %his family around the kitchen table.}
{suddenly %he knew|then %he had it}! %he {took %his brush|ran to %his room} and painted {until it was late|without a break}.
{the next day the teacher looked at the picture for a long time|when %he showed it, the class became very quiet}.
"{it is simple, and it is true|I can almost hear it|this picture is warm}," said the teacher. {%A won the first prize|it still hangs in the hall today}.

= job any
in the %town there was {an old tower with a big clock|a great bell|an old fountain} that {had not worked for ~few years|everyone loved}.
{"somebody should repair it," people said, but nobody did|the mayor promised a bag of gold to the person who could repair it}.
{many came and tried|clever people came from the city with big books}, but {nobody could do it|they all went home again}.
%A {had no big books, but %he had good hands|was only a simple person, but %he liked to look closely at things}.
%he {climbed up with a lamp|sat in front of it for ~long} and {listened|looked at every single part}.
{"it is not broken," %he said at last. "it is only dirty."|"there is a bird's nest inside," %he said, "and we must wait until the young birds can fly."|"one small wheel is missing," %he said.}
{people laughed, but %he went to work.|%he took a brush, some oil and much time.|%he made the part from a piece of old %material.}
{and then, one ~day, it worked!|~few weeks later a deep sound rang over the roofs.|then water jumped into the air, and the children cheered.}
{"how did you do it?" asked the mayor. "I looked before I touched," said %A.|the mayor offered %him the gold, but %A only wanted {a key to the tower|a bench beside it|a holiday for everybody}.}

= two any
%A's class {was going to put on a play|planned a concert}, and %A had {the biggest part|to speak the first words|to sing a song alone}.
%he {practised every day|knew every word}, {but when %he thought of all the people, %he felt ~scared|but %he was very nervous}.
{"what if I forget everything?" %he asked.|"my knees are shaking," %he said.|on the evening itself %he could not eat anything.}
{"look at me," said %B. "I will sit in the first row."|"then take a deep breath and start again," said %B.|%B gave %him a small stone. "hold it when you are afraid," %bhe said.}
{the curtain opened|the lights went out, and it was silent}. {everybody was looking at %A|there were so many faces}.
{for a moment the words were gone|%he opened %his mouth, and nothing came out}. {then %he saw %B, who smiled|then %he felt the stone in %his hand}.
{%he took a deep breath|%A closed %his eyes for a second} and {began|started}. {after the first words it was easy|soon %he forgot that anyone was there}.
{in the end everybody clapped for a long time.|the people stood up and cheered.|"wonderful!" called somebody in the last row.}
{"I knew it," said %B.|"was I any good?" asked %A. "you were the best," said %B.}

= kid any
%A did not like to {tidy %his room|wash %his hands|go to bed|eat vegetables|do %his homework}. {"later," %he always said|"not today," %he always said}.
{~when}, %his %parent said, "{very well|all right}. {you may do as you like for ~few days|today you make the rules}."
{%A was ~happy. no more rules!|"really?" asked %A. %he could not believe it.}
{on the first day it was fun|the first evening was wonderful}. %he {played until midnight|ate only cake|left everything on the floor}.
{on the second day|on the next day} %he {could not find %his shoes|had a stomach ache|fell asleep at school|stepped on a toy and hurt %his foot}.
{everything was in a mess.|nothing was fun any more.|%he was tired and in a bad mood.}
{in the evening|at the end of the day} %he came to %his %parent. "{I think I understand now|rules are not so bad|I want the old rules back}," %he said.
%his %parent {laughed|smiled} and {helped %him|gave %him a hug}. {together it was quickly done.|that night %A was in bed at eight.}

= two any
%A and %B {wanted to earn some money|needed money for a %gift}. {"let us sell lemonade," said %B.|"we could sell {cakes|%fruits|old books}," said %A.}
{they put a table in front of the house|they painted a big %colour sign} and {waited|set out ~number cups}.
{nobody came|for ~long nobody stopped}. {a man walked past without a look|only a %pet came by}.
{"what are we doing wrong?" asked %B.|"maybe this is the wrong street," said %A.}
{they carried the table to the {station|park|square}, where people were hot and thirsty.|%A had an idea and began to sing. %B played the drum.}
{soon there was a long line|one after another, people stopped}. {"this is the best in town!" said a {postman|policeman|sailor}.|a lady with a %colour hat bought ~few at once.}
{in the evening they counted the money. it was {more than enough|just enough}.|by evening everything was sold, and they had ~number coins each.}
{they shared it fairly|half of it was for %A and half for %B}. {but the best part was the fun they had had|then they bought an ice cream and sat down in the shade}.

= kid any
%A found {an old lamp|a strange bottle|a dusty ring} {~hide|in the attic|on the beach}. {when %he cleaned it, there was a puff of %colour smoke|%he rubbed it with %his sleeve, and it began to shine}.
{out came a tiny man with a long beard.|suddenly a {fairy|genie|small dragon} stood in the room.}
"{you have set me free|at last I am free}," said a {deep|friendly|small} voice. "{I will grant you one wish|you may wish for one thing}."
{%A thought hard.|%A had so many wishes that %he did not know where to begin.|"anything at all?" asked %A. "anything," was the answer.}
{%he could wish for gold, or for a castle, or for wings|a mountain of toys, or a ship, or a horse}. {but then %he thought of %his %parent, who {was ill|worked so hard|had to travel far away}.|then %he thought of %his best friend, who was ~sad.}
"{I wish that my %parent had more time|I wish that everyone I love is well and happy|I wish for one perfect day with my family}," said %A.
{it was silent for a moment. "nobody has ever wished for that," said the voice.|"that is a wise wish," said the voice.}
{there was a flash, and the room was empty|then the smoke blew away}. {the next morning, {%his %parent came in with a smile and said, "I can stay at home today."|the sun was shining, and the whole house smelled of pancakes.}|and in that same hour the door opened, and there stood %his %parent, happy and healthy.}
?%A {kept the old thing on %his shelf|never told anyone about it|smiled for the rest of the day}.

= two any
%B was {moving away|going to move to another town}. %A was {very sad|~sad}, because {they had been friends for years|they had always lived next door to each other}.
{"who will I play with now?" asked %A.|"I do not want you to go," said %A.}
{"I do not want to go either," said %B.|"I will write to you," said %B. "every week. I promise."}
on the last day they {went to all their favourite places|sat {~at|under the old tree}|shared a %fruit and did not talk much}.
%A gave %B {a %colour %gift|half of %his stamps|a photograph of the two of them}, so that %bhe would not forget.
{then the car drove away, and %A waved until it was gone.|the next morning the house was empty.}
{for ~few days %A was very quiet.|the street seemed too big now.|%A did not want to play with anybody.}
{then a letter came.|on ~day the postman brought a letter.} {"my new room is small, but I can see the sea," it said.|"there is a ~trait girl next door, but nobody laughs like you," it said.|"come and visit me in the summer," it said.}
{%A read it again and again, and then %he took out a pen.|%A wrote back the same day.} {and so they stayed friends, even though they lived far apart|in the summer %A took the ~transport, and %B was waiting at the station}.
"""
