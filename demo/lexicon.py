#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""English nouns, adjectives, names, times and places with their German.

Each English entry has one German rendering, so that a sentence has one right
translation. Underscores join what is one entry.
"""

# english, article, german, german plural ("-" none); * marks the weak
# declension (den Jungen), so its other cases are the plural.
NOUNS = {
    "person": """
man der Mann Männer, woman die Frau Frauen, child das Kind Kinder,
boy der Junge* Jungen, girl das Mädchen Mädchen, teacher der Lehrer Lehrer,
doctor der Arzt Ärzte, neighbour der Nachbar* Nachbarn,
friend der Freund Freunde, student der Student* Studenten,
farmer der Bauer* Bauern, baker der Bäcker Bäcker,
nurse die Krankenschwester Krankenschwestern, cook der Koch Köche,
driver der Fahrer Fahrer, gardener der Gärtner Gärtner,
painter der Maler Maler, tailor der Schneider Schneider,
queen die Königin Königinnen, king der König Könige,
policeman der Polizist* Polizisten, guest der Gast Gäste,
singer die Sängerin Sängerinnen, dancer die Tänzerin Tänzerinnen,
pilot der Pilot* Piloten, fisherman der Fischer Fischer,
hunter der Jäger Jäger, customer der Kunde* Kunden,
pupil der Schüler Schüler, princess die Prinzessin Prinzessinnen,
shepherd der Hirte* Hirten, carpenter der Tischler Tischler""",
    "family": """
grandmother die Großmutter Großmütter, grandfather der Großvater Großväter,
mother die Mutter Mütter, father der Vater Väter,
brother der Bruder Brüder, sister die Schwester Schwestern,
uncle der Onkel Onkel, aunt die Tante Tanten, daughter die Tochter Töchter,
son der Sohn Söhne""",
    "animal": """
dog der Hund Hunde, cat die Katze Katzen, horse das Pferd Pferde,
cow die Kuh Kühe, turtle die Schildkröte Schildkröten,
pig das Schwein Schweine, goat die Ziege Ziegen, bird der Vogel Vögel,
duck die Ente Enten, goose die Gans Gänse, chicken das Huhn Hühner,
mouse die Maus Mäuse,
rabbit das Kaninchen Kaninchen, fox der Fuchs Füchse, bear der Bär* Bären,
wolf der Wolf Wölfe, frog der Frosch Frösche, donkey der Esel Esel,
hedgehog der Igel Igel, owl die Eule Eulen, lion der Löwe* Löwen,
monkey der Affe* Affen, elephant der Elefant* Elefanten,
squirrel das Eichhörnchen Eichhörnchen""",
    "food": """
apple der Apfel Äpfel, pear die Birne Birnen, cake der Kuchen Kuchen,
egg das Ei Eier, potato die Kartoffel Kartoffeln,
carrot die Karotte Karotten, tomato die Tomate Tomaten,
onion die Zwiebel Zwiebeln, banana die Banane Bananen,
lemon die Zitrone Zitronen, cherry die Kirsche Kirschen,
sausage die Wurst Würste, nut die Nuss Nüsse,
strawberry die Erdbeere Erdbeeren, plum die Pflaume Pflaumen,
soup die Suppe Suppen, pancake der Pfannkuchen Pfannkuchen,
roll das Brötchen Brötchen, salad der Salat Salate""",
    "mass": """
bread das Brot -, cheese der Käse -, butter die Butter -, rice der Reis -,
honey der Honig -, chocolate die Schokolade -, meat das Fleisch -,
fish der Fisch -""",
    "drink": """
milk die Milch -, water das Wasser -, tea der Tee -, coffee der Kaffee -,
juice der Saft -, lemonade die Limonade -, wine der Wein -, beer das Bier -""",
    "text": """
book das Buch Bücher, letter der Brief Briefe,
newspaper die Zeitung Zeitungen, poem das Gedicht Gedichte,
story die Geschichte Geschichten, message die Nachricht Nachrichten""",
    "thing": """
key der Schlüssel Schlüssel, bag die Tasche Taschen,
basket der Korb Körbe, cup die Tasse Tassen, glass das Glas Gläser,
bottle die Flasche Flaschen, plate der Teller Teller,
knife das Messer Messer, fork die Gabel Gabeln, spoon der Löffel Löffel,
picture das Bild Bilder, mirror der Spiegel Spiegel,
pencil der Bleistift Bleistifte, notebook das Heft Hefte,
map die Landkarte Landkarten, ball der Ball Bälle,
kite der Drachen Drachen, doll die Puppe Puppen,
umbrella der Regenschirm Regenschirme, suitcase der Koffer Koffer,
ticket die Fahrkarte Fahrkarten, camera die Kamera Kameras,
present das Geschenk Geschenke, flower die Blume Blumen,
rose die Rose Rosen, stone der Stein Steine, candle die Kerze Kerzen,
bell die Glocke Glocken, hammer der Hammer Hämmer, rope das Seil Seile,
coin die Münze Münzen, ring der Ring Ringe, bucket der Eimer Eimer""",
    "clothes": """
hat der Hut Hüte, coat der Mantel Mäntel, shirt das Hemd Hemden,
dress das Kleid Kleider, skirt der Rock Röcke, shoe der Schuh Schuhe,
glove der Handschuh Handschuhe, scarf der Schal Schals,
jacket die Jacke Jacken, sock die Socke Socken,
sweater der Pullover Pullover, cap die Mütze Mützen,
boot der Stiefel Stiefel""",
    "furniture": """
table der Tisch Tische, chair der Stuhl Stühle, bed das Bett Betten,
sofa das Sofa Sofas, cupboard der Schrank Schränke,
shelf das Regal Regale, bench die Bank Bänke,
carpet der Teppich Teppiche""",
    "opening": """
door die Tür Türen, window das Fenster Fenster,
gate das Tor Tore, box die Schachtel Schachteln""",
    "building": """
house das Haus Häuser, school die Schule Schulen,
church die Kirche Kirchen, garden der Garten Gärten,
kitchen die Küche Küchen, room das Zimmer Zimmer,
city die Stadt Städte, village das Dorf Dörfer,
museum das Museum Museen,
shop der Laden Läden, bridge die Brücke Brücken,
street die Straße Straßen, castle das Schloss Schlösser,
tower der Turm Türme, wall die Mauer Mauern,
station der Bahnhof Bahnhöfe, hospital das Krankenhaus Krankenhäuser,
restaurant das Restaurant Restaurants, library die Bibliothek Bibliotheken,
cinema das Kino Kinos, theatre das Theater Theater,
park der Park Parks, market der Markt Märkte, bakery die Bäckerei Bäckereien,
hotel das Hotel Hotels""",
    "vehicle": """
car das Auto Autos, bus der Bus Busse, train der Zug Züge,
bicycle das Fahrrad Fahrräder, ship das Schiff Schiffe,
boat das Boot Boote, plane das Flugzeug Flugzeuge,
tram die Straßenbahn Straßenbahnen, truck der Lastwagen Lastwagen""",
    "instrument": """
piano das Klavier Klaviere, guitar die Gitarre Gitarren,
violin die Geige Geigen, flute die Flöte Flöten, drum die Trommel Trommeln""",
    "machine": """
lamp die Lampe Lampen, radio das Radio Radios,
computer der Computer Computer, television der Fernseher Fernseher,
oven der Ofen Öfen, clock die Uhr Uhren""",
    "nature": """
tree der Baum Bäume, mountain der Berg Berge, river der Fluss Flüsse,
lake der See Seen, forest der Wald Wälder, field das Feld Felder,
hill der Hügel Hügel, island die Insel Inseln""",
}

ENGLISH_PLURALS = {
    "man": "men", "woman": "women", "child": "children", "mouse": "mice",
    "goose": "geese", "wolf": "wolves", "knife": "knives",
    "shelf": "shelves", "scarf": "scarves", "policeman": "policemen",
    "fisherman": "fishermen", "fish": "fish", "potato": "potatoes",
    "tomato": "tomatoes"}

# english, german, german comparative, german stem where it differs.
# Capitals after the entry name what it goes with: P people, A animals,
# T things, B buildings and nature, F food, C clothes.
ADJECTIVES = """
old alt älter PATBC, young jung jünger PA, big groß größer ATBFC,
small klein kleiner PATBFC, beautiful schön schöner PATBFC,
new neu neuer TBC, good gut besser PTBF, bad schlecht schlechter TF,
red rot - TFC, blue blau - TC, green grün - TFC, yellow gelb - TFC,
white weiß - ATBC, black schwarz - ATC, brown braun - ATFC, grey grau - ATBC,
happy glücklich glücklicher P, sad traurig trauriger P,
tired müde müder PA, hungry hungrig hungriger PA, strong stark stärker PA,
weak schwach schwächer PA, brave mutig mutiger PA, clever klug klüger PA,
friendly freundlich freundlicher PA, quiet leise leiser PA,
lazy faul fauler PA, rich reich reicher P, poor arm ärmer P,
kind nett netter P, famous berühmt berühmter PTB,
sick krank kränker PA, healthy gesund gesünder PA,
polite höflich höflicher P, careful vorsichtig vorsichtiger P,
curious neugierig neugieriger PA, honest ehrlich ehrlicher P,
fast schnell schneller PA, slow langsam langsamer PA,
thin dünn dünner PATC, fat dick dicker PA, wild wild wilder A,
dangerous gefährlich gefährlicher A, expensive teuer teurer:teur TFC,
cheap billig billiger TFC, heavy schwer schwerer T, light leicht leichter TC,
clean sauber sauberer:saubr TBC, dirty schmutzig schmutziger TBC,
long lang länger TC, short kurz kürzer TC, round rund - T,
broken kaputt - T, empty leer - TB, full voll - TB,
useful nützlich nützlicher T, interesting interessant interessanter TB,
strange seltsam seltsamer PATB, high hoch höher:hoh B,
dark dunkel dunkler:dunkl BC, wide breit breiter B,
modern modern moderner TB, narrow schmal schmaler B,
warm warm wärmer C, soft weich weicher C, wet nass nasser TC,
dry trocken trockener TC, sweet süß süßer F, sour sauer saurer:saur F,
fresh frisch frischer F, hot heiß heißer F, cold kalt kälter F,
delicious lecker leckerer F
"""
MORE = """beautiful famous careful curious honest dangerous expensive useful
interesting modern polite delicious hungry""".split()
ENGLISH_COMPARATIVES = {"good": "better", "bad": "worse"}

GOES_WITH = {"person": "P", "family": "P", "animal": "A", "food": "F",
             "mass": "F", "drink": "F", "text": "T", "thing": "T",
             "clothes": "C", "furniture": "T", "opening": "T",
             "building": "B", "vehicle": "T", "instrument": "T",
             "machine": "T", "nature": "B"}
# what would be odd to say of these
NEVER = {"child": "old young", "girl": "old", "boy": "old", "man": "small",
         "queen": "poor", "king": "poor", "text": "round heavy light broken "
         "empty full thin fast wet dry useful", "opening": "round full",
         "stone": "broken empty full modern", "nature": "empty full modern "
         "famous clean narrow new dark", "wall": "empty full interesting",
         "bridge": "full", "tower": "wide", "furniture": "full",
         "ball": "long", "flower": "useful broken empty full",
         "rose": "useful broken empty full", "machine": "empty full long",
         "vehicle": "round thin useful", "instrument": "full empty round wet"}

GIRLS = """Anna Maria Lena Julia Sara Emma Clara Nina Paula Laura Lisa Eva
Sophie Mia Hannah""".split()
BOYS = """Tom Peter Paul Max Jonas Felix Leo Karl David Simon Martin Oskar Ben
Thomas Daniel""".split()

# english, german: in a place, into it
PLACES = """
in the garden|im Garten|in den Garten, in the park|im Park|in den Park,
in the kitchen|in der Küche|in die Küche,
in the forest|im Wald|in den Wald, in the city|in der Stadt|in die Stadt,
in the museum|im Museum|ins Museum,
in the library|in der Bibliothek|in die Bibliothek,
in the hospital|im Krankenhaus|ins Krankenhaus,
in the restaurant|im Restaurant|ins Restaurant,
in the cinema|im Kino|ins Kino, in the theatre|im Theater|ins Theater,
in the office|im Büro|ins Büro, in the cellar|im Keller|in den Keller,
in the living room|im Wohnzimmer|ins Wohnzimmer,
in the bathroom|im Badezimmer|ins Badezimmer,
at the station|am Bahnhof|zum Bahnhof, at the market|auf dem Markt|zum Markt,
at the airport|am Flughafen|zum Flughafen,
at the harbour|am Hafen|zum Hafen, at the lake|am See|zum See,
at the beach|am Strand|zum Strand, at the bakery|in der Bäckerei|zur Bäckerei,
at the church|in der Kirche|zur Kirche, at school|in der Schule|zur Schule,
at the zoo|im Zoo|in den Zoo, in the village|im Dorf|ins Dorf,
on the mountain|auf dem Berg|auf den Berg,
on the bridge|auf der Brücke|auf die Brücke,
on the island|auf der Insel|auf die Insel,
on the meadow|auf der Wiese|auf die Wiese, in Berlin|in Berlin|nach Berlin,
in Hamburg|in Hamburg|nach Hamburg, in London|in London|nach London,
in Paris|in Paris|nach Paris, in Vienna|in Wien|nach Wien,
in Italy|in Italien|nach Italien, in Germany|in Deutschland|nach Deutschland,
in England|in England|nach England, at home|zu Hause|nach Hause
"""
TOWARDS = {"at school": "to school", "at home": "home"}
# with a noun: english, german, and the case of where something is
PREPOSITIONS = """under unter, behind hinter, next_to neben, on auf, in_front_of
vor"""

TIMES = {
    "past": """yesterday gestern, last_week letzte_Woche,
last_year letztes_Jahr, yesterday_evening gestern_Abend, last_night
letzte_Nacht, this_morning heute_Morgen, last_month letzten_Monat,
two_days_ago vor_zwei_Tagen, an_hour_ago vor_einer_Stunde,
last_summer letzten_Sommer, last_winter letzten_Winter,
three_weeks_ago vor_drei_Wochen, on_Monday am_Montag, on_Friday am_Freitag,
on_Sunday am_Sonntag""",
    "present": """today heute, now jetzt, every_day jeden_Tag,
every_morning jeden_Morgen, every_evening jeden_Abend,
every_week jede_Woche, in_the_morning am_Morgen,
in_the_afternoon am_Nachmittag, in_the_evening am_Abend,
at_night in_der_Nacht, in_summer im_Sommer, in_winter im_Winter,
in_spring im_Frühling, in_autumn im_Herbst, on_weekends am_Wochenende,
at_eight_o'clock um_acht_Uhr, at_six_o'clock um_sechs_Uhr,
at_noon am_Mittag, every_Sunday jeden_Sonntag, every_year jedes_Jahr""",
    "future": """tomorrow morgen, next_week nächste_Woche,
tonight heute_Abend, next_year nächstes_Jahr, soon bald, later später,
the_day_after_tomorrow übermorgen, tomorrow_morning morgen_früh,
tomorrow_evening morgen_Abend, in_two_hours in_zwei_Stunden,
next_month nächsten_Monat, on_Tuesday am_Dienstag, on_Saturday am_Samstag,
in_three_days in_drei_Tagen, next_Wednesday nächsten_Mittwoch""",
}
FREQUENCIES = """always immer, often oft, sometimes manchmal, never nie,
usually meistens, rarely selten"""
MANNERS = """slowly langsam, quickly schnell, quietly leise, carefully
vorsichtig, happily fröhlich, loudly laut"""

NUMBERS = """two zwei, three drei, four vier, five fünf, six sechs, seven
sieben, eight acht, nine neun, ten zehn, twelve zwölf, twenty zwanzig"""
