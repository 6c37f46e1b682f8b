#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""English verbs with their German, and what goes with them.

english (base past participle), german (infinitive, er-form, participle; a bar
splits off a separable prefix, + means that the perfect is made with "sein"),
then the frame: what follows in both languages.
"""

TRANSITIVE = """
see saw seen; sehen sieht gesehen; person animal thing vehicle building
find found found; finden findet gefunden; thing clothes text animal
buy bought bought; kaufen kauft gekauft; food thing clothes furniture vehicle mass text
sell sold sold; verkaufen verkauft verkauft; food thing furniture vehicle clothes
eat ate eaten; essen isst gegessen; food mass
drink drank drunk; trinken trinkt getrunken; drink
read read read; lesen liest gelesen; text
write wrote written; schreiben schreibt geschrieben; text
open opened opened; öffnen öffnet geöffnet; opening
close closed closed; zu|machen macht gemacht; opening
bring brought brought; bringen bringt gebracht; thing food drink
take took taken; nehmen nimmt genommen; thing food
carry carried carried; tragen trägt getragen; thing furniture
wash washed washed; waschen wäscht gewaschen; clothes vehicle
clean cleaned cleaned; putzen putzt geputzt; opening machine clothes
cook cooked cooked; kochen kocht gekocht; food mass
cut cut cut; schneiden schneidet geschnitten; food mass
repair repaired repaired; reparieren repariert repariert; vehicle machine furniture instrument
paint painted painted; malen malt gemalt; animal nature building
draw drew drawn; zeichnen zeichnet gezeichnet; animal person thing
build built built; bauen baut gebaut; house wall tower bridge castle boat ship table bench shelf church
love loved loved; lieben liebt geliebt; person animal nature
know knew known; kennen kennt gekannt; person text
visit visited visited; besuchen besucht besucht; person family museum castle city church village
call called called; an|rufen ruft gerufen; person family
meet met met; treffen trifft getroffen; person family
invite invited invited; ein|laden lädt geladen; person family
pick_up picked_up picked_up; ab|holen holt geholt; person family
look_for looked_for looked_for; suchen sucht gesucht; thing animal clothes person
need needed needed; brauchen braucht gebraucht; thing clothes machine
use used used; benutzen benutzt benutzt; machine thing instrument
forget forgot forgotten; vergessen vergisst vergessen; thing clothes
lose lost lost; verlieren verliert verloren; thing clothes
hide hid hidden; verstecken versteckt versteckt; thing food text
throw threw thrown; werfen wirft geworfen; thing
catch caught caught; fangen fängt gefangen; animal
hear heard heard; hören hört gehört; animal instrument person
play played played; spielen spielt gespielt; instrument
feed fed fed; füttern füttert gefüttert; animal
push pushed pushed; schieben schiebt geschoben; vehicle furniture
pull pulled pulled; ziehen zieht gezogen; vehicle animal
steal stole stolen; stehlen stiehlt gestohlen; thing vehicle animal
collect collected collected; sammeln sammelt gesammelt; thing food
count counted counted; zählen zählt gezählt; thing animal food
pay_for paid_for paid_for; bezahlen bezahlt bezahlt; food drink thing
order ordered ordered; bestellen bestellt bestellt; food drink text
try tried tried; probieren probiert probiert; food drink mass
put_on put_on put_on; an|ziehen zieht gezogen; clothes
take_off took_off taken_off; aus|ziehen zieht gezogen; clothes
turn_on turned_on turned_on; ein|schalten schaltet geschaltet; machine
turn_off turned_off turned_off; aus|schalten schaltet geschaltet; machine
bring_along brought_along brought_along; mit|bringen bringt gebracht; food drink thing
tidy_up tidied_up tidied_up; auf|räumen räumt geräumt; room kitchen garden house shop castle
break broke broken; zerbrechen zerbricht zerbrochen; thing machine
wear wore worn; tragen trägt getragen; clothes
hold held held; halten hält gehalten; thing
photograph photographed photographed; fotografieren fotografiert fotografiert; person building animal
understand understood understood; verstehen versteht verstanden; person text
like liked liked; mögen mag gemocht; person animal food mass drink
sew sewed sewn; nähen näht genäht; clothes
explain explained explained; erklären erklärt erklärt; text
watch watched watched; beobachten beobachtet beobachtet; person animal
remove removed removed; entfernen entfernt entfernt; thing furniture
"""

# object in the dative
DATIVE = """
help helped helped; helfen hilft geholfen; person family
thank thanked thanked; danken dankt gedankt; person family
follow followed followed; folgen+ folgt gefolgt; person animal
answer answered answered; antworten antwortet geantwortet; person family
trust trusted trusted; vertrauen vertraut vertraut; person family
listen_to listened_to listened_to; zu|hören hört gehört; person family
congratulate congratulated congratulated; gratulieren gratuliert gratuliert; person family
"""

# a person in the dative and a thing in the accusative
GIVING = """
give gave given; geben gibt gegeben; thing clothes text
show showed shown; zeigen zeigt gezeigt; thing text vehicle
send sent sent; schicken schickt geschickt; text thing
lend lent lent; leihen leiht geliehen; thing vehicle clothes
bring brought brought; bringen bringt gebracht; food drink thing
sell sold sold; verkaufen verkauft verkauft; vehicle thing animal
read read read; vor|lesen liest gelesen; text
"""

# english preposition, german preposition and its case
PREPOSITIONAL = """
wait waited waited; warten wartet gewartet; for auf acc; person vehicle family
think thought thought; denken denkt gedacht; of an acc; person family
talk talked talked; sprechen spricht gesprochen; with mit dat; person family
dream dreamed dreamed; träumen träumt geträumt; of von dat; person animal vehicle
laugh laughed laughed; lachen lacht gelacht; about über acc; text person
play played played; spielen spielt gespielt; with mit dat; animal thing
write wrote written; schreiben schreibt geschrieben; to an acc; person family
dance danced danced; tanzen tanzt getanzt; with mit dat; person
argue argued argued; streiten streitet gestritten; with mit dat; family person
begin began begun; an|fangen fängt gefangen; with mit dat; text
travel traveled traveled; reisen+ reist gereist; with mit dat; family
"""

# alone or with a place where it happens
INTRANSITIVE = """
sleep slept slept; schlafen schläft geschlafen
work worked worked; arbeiten arbeitet gearbeitet
laugh laughed laughed; lachen lacht gelacht
cry cried cried; weinen weint geweint
sing sang sung; singen singt gesungen
dance danced danced; tanzen tanzt getanzt
swim swam swum; schwimmen+ schwimmt geschwommen
wait waited waited; warten wartet gewartet
sit sat sat; sitzen sitzt gesessen
live lived lived; wohnen wohnt gewohnt
stand stood stood; stehen steht gestanden
stay stayed stayed; bleiben+ bleibt geblieben
play played played; spielen spielt gespielt
learn learned learned; lernen lernt gelernt
cook cooked cooked; kochen kocht gekocht
eat ate eaten; essen isst gegessen
arrive arrived arrived; an|kommen+ kommt gekommen
wake_up woke_up woken_up; auf|wachen+ wacht gewacht
fall_asleep fell_asleep fallen_asleep; ein|schlafen+ schläft geschlafen
shop shopped shopped; ein|kaufen kauft gekauft
"""
NO_PLACE = """
get_up got_up gotten_up; auf|stehen+ steht gestanden
come_back came_back come_back; zurück|kommen+ kommt gekommen
leave left left; weg|gehen+ geht gegangen
smile smiled smiled; lächeln lächelt gelächelt
stop stopped stopped; auf|hören hört gehört
think thought thought; nach|denken denkt gedacht
fall_down fell_down fallen_down; hin|fallen+ fällt gefallen
"""
MOVING = """
go went gone; gehen+ geht gegangen
drive drove driven; fahren+ fährt gefahren
run ran run; laufen+ läuft gelaufen
come came come; kommen+ kommt gekommen
travel traveled traveled; reisen+ reist gereist
"""
