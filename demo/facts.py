#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Short paragraphs about real things: animals, weather, machines, food.

Every statement is meant to be true and simple. A paragraph takes some of the
sentences of one subject, in their order.
"""

SUBJECTS = {
    "bees": """Bees live together in a hive. | There is one queen in every hive, and thousands of workers. | {The workers fly from flower to flower and collect nectar.|From the nectar of flowers, bees make honey.} | When a bee finds a good place, it dances to show the others the way. | Bees carry pollen from plant to plant, and so the plants can make fruit and seeds. | In winter the bees sit close together to keep warm. | Without bees, there would be {fewer apples and cherries|far less fruit}.""",
    "cats": """Cats sleep for more than twelve hours a day. | They can see well when there is little light. | {With their whiskers they feel whether a gap is wide enough.|Their whiskers help them to find their way in the dark.} | A cat can jump several times as high as it is tall. | Cats purr when they are content, and sometimes when they are hurt. | They wash their fur with a rough tongue. | A young cat is called a kitten.""",
    "dogs": """Dogs have lived with people for thousands of years. | A dog can smell much better than a person. | Some dogs guard sheep, and others help people who cannot see. | Dogs {wag their tails|bark} when they are excited. | {They need food, water and a long walk every day.|A dog wants to run and play every day.} | A young dog is called a puppy.""",
    "owls": """Owls hunt at night. | Their feathers are so soft that they fly almost without a sound. | An owl cannot move its eyes, but it can turn its head very far. | It hears a mouse under leaves or snow. | Owls swallow small animals whole. | During the day they sleep in trees, barns or old towers.""",
    "whales": """Whales live in the sea, but they are not fish. | They breathe air, and so they must come up to the surface. | The blue whale is the largest animal on Earth. | It eats tiny animals that float in the water. | Whales talk to each other with long, deep songs. | A young whale drinks its mother's milk.""",
    "hedgehogs": """A hedgehog is covered with thousands of spines. | When it is afraid, it rolls into a ball. | Hedgehogs come out in the evening and look for beetles, worms and snails. | In winter they sleep under a pile of leaves. | Milk is not good for them; water is better. | A baby hedgehog is born with soft spines.""",
    "squirrels": """Squirrels live in trees and are very good climbers. | {They eat nuts, seeds and buds.|Nuts and seeds are their favourite food.} | In autumn they hide nuts in the ground. | They do not find all of them again, and so new trees grow. | The long tail helps a squirrel to keep its balance. | A squirrel's nest is round and made of twigs and moss.""",
    "frogs": """Frogs lay their eggs in water. | Out of the eggs come tadpoles, which have a tail and no legs. | After some weeks the legs grow, and the tail becomes shorter. | {A grown frog can live in water and on land.|Then the young frogs leave the pond.} | Frogs catch flies with a long, sticky tongue. | In spring you can hear them sing in the evening.""",
    "horses": """Horses can sleep standing up. | A horse walks, trots or gallops. | For a long time, horses pulled carts and ploughs. | They eat grass, hay and oats. | A young horse is called a foal, and it can stand an hour after it is born. | Horses remember people who were kind to them.""",
    "cows": """Cows eat grass and give milk. | A cow has one stomach with four parts. | It swallows the grass first and chews it again later. | From the milk people make butter, cheese and yoghurt. | A young cow is called a calf. | Cows like to be together and have friends in the herd.""",
    "sheep": """Sheep give us wool, and some give us milk. | In spring their thick coat is cut off. | The wool is washed, spun and knitted into warm clothes. | Sheep stay together in a flock. | A shepherd and a dog look after them. | A young sheep is called a lamb.""",
    "ants": """Ants are small, but they are very strong. | An ant can carry things that are much heavier than itself. | They live in large groups and share the work. | Some look after the eggs, and others find food. | Ants leave a trail of scent so that the others can follow. | Some kinds keep little insects as we keep cows.""",
    "spiders": """A spider has eight legs, and so it is not an insect. | Many spiders spin a web to catch flies. | The thread is thin, but it is stronger than it looks. | When something moves in the web, the spider feels it. | Most spiders are harmless to people. | Some spiders do not build webs, but hunt on the ground.""",
    "butterflies": """A butterfly begins its life as an egg on a leaf. | Out of the egg comes a caterpillar, which eats and eats. | Then it makes a hard shell and rests. | Inside, it changes its whole body. | One day the shell opens, and a butterfly comes out. | It must dry its wings before it can fly.""",
    "penguins": """Penguins are birds, but they cannot fly. | They are excellent swimmers. | Most of them live in the cold south of the world. | In the strongest wind, they stand close together and take turns in the middle. | The father often keeps the egg warm on his feet. | Penguins eat fish and small animals of the sea.""",
    "elephants": """The elephant is the largest animal that lives on land. | With its trunk it can drink, smell, and pick up a single leaf. | Elephants live in families that are led by an old mother. | They remember places with water for many years. | Their big ears help them to stay cool. | A baby elephant stays close to its mother for several years.""",
    "birds in winter": """In autumn many birds fly to warmer countries. | Some travel thousands of kilometres. | They find the way by the sun, by the stars and by the land below. | Others stay and look for seeds and berries. | In cold weather they puff up their feathers to keep warm. | People can help them with seeds and fresh water.""",
    "rain": """The sun warms the sea, and some of the water rises into the air. | High up it is cold, and the water becomes tiny drops. | {Many drops together make a cloud.|Clouds are made of countless small drops.} | When the drops are too heavy, they fall as rain. | The rain fills the rivers, and the rivers flow back to the sea. | So the water goes round and round.""",
    "snow": """Snow is made of tiny crystals of ice. | Every crystal has six sides or six arms. | {It is hard to find two that are the same.|They look like little stars.} | Fresh snow holds a lot of air, and so it keeps the ground warm. | Because of the air, everything sounds quiet after snow. | In spring the snow melts and fills the streams.""",
    "thunder": """In a thunderstorm there is electricity in the clouds. | Lightning is a huge spark. | It makes the air so hot that we hear a loud bang: the thunder. | Light is faster than sound, and so we see the lightning first. | If you count the seconds, you can guess how far away the storm is. | In a storm it is best to stay in a house or a car.""",
    "wind": """Wind is air that moves. | Warm air is light and rises, and cold air flows in below it. | The wind carries seeds, dries clothes and moves ships. | A windmill uses the wind to grind corn or to make electricity. | A very strong wind is called a storm. | On the coast, the wind often changes in the evening.""",
    "rainbows": """A rainbow appears when the sun shines and it rains at the same time. | You must have the sun behind you. | The drops of water bend the light and divide it into colours. | The colours are red, orange, yellow, green, blue and violet. | Sometimes there is a second, weaker rainbow above the first. | Nobody can walk to the end of a rainbow, because it moves with you.""",
    "the moon": """The moon goes around the Earth in about four weeks. | It does not shine by itself; it reflects the light of the sun. | Sometimes we see all of it, and sometimes only a thin part. | There is no air and no weather on the moon. | The moon pulls at the sea, and so we have tides. | People first walked on the moon in 1969.""",
    "the sun": """The sun is a star. | It is so far away that its light needs about eight minutes to reach us. | It gives us light and warmth. | Plants use its light to grow. | All the planets move around the sun. | You must never look straight into it.""",
    "the stars": """On a clear night you can see thousands of stars. | They look small because they are so far away. | Long ago people saw pictures in them, such as a hunter, a bear and a swan. | Sailors used the stars to find their way. | Some stars are red, and some are blue. | A telescope shows many more of them.""",
    "the sea": """The sea covers more than two thirds of the Earth. | Its water is salty. | Twice a day it rises and falls. | In the deepest places it is always dark and cold. | Fish, crabs, whales and countless tiny plants live in it. | Ships carry goods across the sea from country to country.""",
    "rivers": """A river begins as a small spring or stream. | It flows down from the hills and becomes wider. | Other streams join it on the way. | Near the end it is slow and broad. | Many towns were built beside rivers, because people need water. | At last the river reaches the sea or a lake.""",
    "mountains": """The higher you climb, the colder it becomes. | At the top of high mountains there is snow even in summer. | Few trees can grow there. | Goats climb on the steep rocks without fear. | Mountains are very old, but wind and water make them smaller every year. | From the top you can see far over the land.""",
    "trees": """A tree drinks water with its roots. | The leaves catch the light of the sun and make food from air and water. | Every year the trunk grows a new ring. | If you count the rings, you know how old the tree is. | In autumn many trees lose their leaves to save water. | Trees give us wood, fruit, shade and clean air.""",
    "seeds": """In every seed there is a small plant that sleeps. | It wakes up when it is warm and wet. | First a root grows down, and then a stem grows up. | Some seeds fly with the wind, and others stick to the fur of animals. | A seed of a big tree may be smaller than a pea. | Some seeds can wait for many years.""",
    "bread": """To make bread you need flour, water, salt and yeast. | Mix everything and knead the dough until it is smooth. | Then cover it with a cloth and let it rest for an hour. | The yeast makes small bubbles, and the dough rises. | Bake the bread in a hot oven until it is brown. | Let it cool before you cut it. | Fresh bread tastes best with butter.""",
    "soup": """For a simple soup, wash and cut two carrots, an onion and some potatoes. | Warm a little oil in a pot and fry the onion. | Add the other vegetables and enough water to cover them. | Let the soup cook slowly for half an hour. | Add salt, pepper and fresh herbs. | Serve it hot, with a piece of bread.""",
    "pancakes": """For pancakes you need two eggs, a cup of milk and a cup of flour. | Stir everything in a bowl until there are no lumps. | Melt some butter in a pan. | Pour in a little of the dough and wait until it is golden. | Then turn the pancake and bake the other side. | Eat it with sugar, honey or jam.""",
    "apple pie": """Peel the apples and cut them into thin slices. | Mix them with sugar and a little cinnamon. | Make a dough from flour, butter and cold water. | Lay half of the dough in a round dish and put the apples on it. | Cover them with the rest of the dough and make a small hole in the middle. | Bake the pie for about forty minutes.""",
    "salad": """Wash the lettuce and shake it dry. | Cut a cucumber and two tomatoes into small pieces. | Put everything in a large bowl. | For the dressing, mix oil, vinegar, salt and a little honey. | Add the dressing just before you eat. | Nuts or cheese go well with it.""",
    "tea": """Tea is made from the leaves of a bush. | Boil fresh water and warm the pot. | Put in one spoon of leaves for each cup. | Pour the water over the leaves and wait for three to five minutes. | If you wait too long, the tea becomes bitter. | Some people drink it with milk, and others with lemon or sugar.""",
    "clocks": """A clock measures time. | Old clocks have a weight or a spring that turns the wheels. | A pendulum swings from side to side and keeps the time. | The long hand shows the minutes, and the short hand shows the hours. | Modern clocks often use a small crystal instead. | Before there were clocks, people looked at the shadow of a stick.""",
    "bicycles": """A bicycle has two wheels, a frame and a chain. | When you push the pedals, the chain turns the back wheel. | With the gears you can climb a hill more easily. | The brakes press on the wheels and make them slower. | A bicycle needs air in the tyres and oil on the chain. | It is one of the cleanest ways to travel.""",
    "steam engines": """In a steam engine, a fire heats water in a boiler. | The water becomes steam, which needs much more room. | The steam pushes a piston to and fro. | A rod and a wheel turn this into a round movement. | Steam engines moved trains, ships and pumps. | They changed the way people worked and travelled.""",
    "computers": """A computer works with numbers. | Inside it there are millions of tiny switches that are either on or off. | A program tells the computer what to do, step by step. | A computer can add very fast, but it does not know what the numbers mean. | The memory keeps numbers, words, pictures and music. | The first computers were as big as a room.""",
    "chips": """A chip is a small piece of silicon with many tiny parts. | The parts are so small that you cannot see them. | Moving data from one place to another often costs more energy than adding it. | A good chip keeps its data close to the place where it is needed. | The brain sends short pulses, and some chips work in the same way. | When nothing happens, such a chip needs almost no power.""",
    "ships": """A ship floats because it pushes water aside. | Even a heavy ship of steel can float, because it is hollow. | In the past, ships had sails and needed the wind. | Today most of them have engines. | A lighthouse shows them the way at night. | The captain is responsible for the ship and everyone on it.""",
    "trains": """A train runs on rails of steel. | The wheels are steel too, and so they roll very easily. | One engine can pull many wagons. | Signals tell the driver when to stop and when to go. | The first railways were built to carry coal. | Today fast trains travel at three hundred kilometres an hour.""",
    "aeroplanes": """The wings of an aeroplane push the air down, and the air pushes the wings up. | To fly, a plane must move fast. | The engines push it forward. | With the parts at the tail the pilot turns the plane. | High in the air it is very cold. | From above, houses look like toys.""",
    "bridges": """A bridge carries a road over a river or a valley. | The oldest bridges were made of wood or stone. | An arch is strong, because every stone presses on the next one. | Long bridges often hang on thick cables of steel. | In summer a bridge of steel becomes a little longer. | Engineers must think of wind, water and heavy loads.""",
    "books": """Long ago every book was written by hand. | Then people learned to print with letters of metal. | After that, books became cheaper, and more people could read. | Paper is made from wood. | In a library you can borrow a book and bring it back later. | A book can last for hundreds of years if it is kept dry.""",
    "glass": """Glass is made from sand, which is melted in a very hot oven. | While it is hot, it is soft like honey. | A glass blower blows air through a long pipe and makes a bottle or a bowl. | When glass becomes cold, it is hard and breaks easily. | Old glass can be melted and used again. | Windows, mirrors and lamps are made of glass.""",
    "music": """Sound is air that shakes. | When you pluck a string, it moves very quickly to and fro. | A short string makes a high sound, and a long one makes a low sound. | In a flute, the air itself shakes. | A drum is struck with the hand or with a stick. | Many instruments together are called an orchestra.""",
    "the heart": """The heart is a muscle that works day and night. | It pumps the blood through the whole body. | The blood carries food and air to every part. | When you run, the heart beats faster. | You can feel the beat at your wrist. | A mouse's heart beats much faster than a person's heart.""",
    "sleep": """Everybody needs sleep. | While we sleep, the body rests and the brain works on what it has learned. | Children need more sleep than grown-ups. | Most dreams come when the eyes move under the lids. | A dark and quiet room helps you to fall asleep. | Without enough sleep it is hard to think clearly.""",
}

LEADS = """{do you know about|have you ever thought about|here is something about} SUBJECT?
this is a short text about SUBJECT.
SUBJECT are worth a closer look.""".split("\n")

SEASONS = """
spring = the days become longer | the first flowers open | birds build their nests | farmers sow the seeds | the snow melts in the hills | trees have fresh green leaves | lambs play in the meadows
summer = the days are long and warm | children swim in the lakes | the corn turns yellow | people sit outside until late | strawberries and cherries are ripe | sometimes there is a thunderstorm | many families go to the sea
autumn = the leaves turn red and yellow | apples and pears are ripe | the wind blows over the empty fields | many birds fly south | there is fog in the morning | squirrels hide nuts | people light the first fires
winter = the nights are long | snow covers the fields | the lakes freeze | children skate and build snowmen | the bears sleep in their caves | people drink hot tea | birds look for seeds
"""


def paragraph(rng, scope):
    """One paragraph about one subject or season."""
    if rng.random() < 0.08:
        name, body = rng.choice(SEASONS.strip().split("\n")).split(" = ")
        parts = [p.strip() for p in body.split("|")]
        parts = [p for p in parts if rng.random() < 0.75] or parts
        rng.shuffle(parts)
        text = "in " + name + " " + parts[0] + ". "
        for i in range(1, len(parts) - 1, 2):
            text += parts[i] + ", and " + parts[i + 1] + ". "
        return scope.expand(text + rng.choice([
            "many people like " + name + " best.", "",
            "then the next season comes.",
            name + " is a " + rng.choice(["beautiful", "lovely", "busy"]) +
            " time of the year."]))
    name = rng.choice(sorted(SUBJECTS))
    out, depth, start = [], 0, 0
    body = SUBJECTS[name]
    for i, c in enumerate(body + "|"):      # split at the top level only
        depth += (c == "{") - (c == "}")
        if c == "|" and depth == 0:
            out.append(body[start:i].strip())
            start = i + 1
    kept = [s for i, s in enumerate(out) if i == 0 or rng.random() < 0.8]
    lead = ""
    if rng.random() < 0.2:
        lead = rng.choice(LEADS[:2]).replace("SUBJECT", name) + " "
    return scope.expand(lead + " ".join(kept))
