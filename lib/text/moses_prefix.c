// SPDX-License-Identifier: MIT
/*
 * What depends on a language. The words that a full stop after them is part of
 * are those of sacremoses 0.1.1 (MIT), which has them from Moses; by bytes, so
 * that they can be searched. Its rules for Chinese, Japanese and Korean want
 * lists of ideographs and its other prefixes are not here either: such a
 * language is refused, as text cut by other rules is not what a model knows.
 */
#include "text/moses.h"

#include <stdlib.h>
#include <string.h>

#define P(word)	{ word, false },
#define N(word)	{ word, true },

static const struct ct_moses_prefix german[] = {
	P("1") P("10") P("11") P("12") P("13") P("14") P("15") P("16") P("17")
	P("18") P("19") P("2") P("20") P("21") P("22") P("23") P("24") P("25")
	P("26") P("27") P("28") P("29") P("3") P("30") P("31") P("32") P("33")
	P("34") P("35") P("36") P("37") P("38") P("39") P("4") P("40") P("41")
	P("42") P("43") P("44") P("45") P("46") P("47") P("48") P("49") P("5")
	P("50") P("51") P("52") P("53") P("54") P("55") P("56") P("57") P("58")
	P("59") P("6") P("60") P("61") P("62") P("63") P("64") P("65") P("66")
	P("67") P("68") P("69") P("7") P("70") P("71") P("72") P("73") P("74")
	P("75") P("76") P("77") P("78") P("79") P("8") P("80") P("81") P("82")
	P("83") P("84") P("85") P("86") P("87") P("88") P("89") P("9") P("90")
	P("91") P("92") P("93") P("94") P("95") P("96") P("97") P("98") P("99")
	P("A") P("Adj") P("Adm") P("Adv") P("Art") P("Asst") P("B") P("BSE")
	P("Bart") P("Bldg") P("Brig") P("Bros") P("Buchst") P("C") P("Ca")
	P("Capt") P("Chr") P("Cmdr") P("Co") P("Col") P("Comdr") P("Con")
	P("Corp") P("Cpl") P("D") P("D.h") P("DR") P("Dkr") P("Dr") P("E")
	P("Ens") P("F") P("G") P("Gen") P("Gov") P("H") P("Hon") P("Hosp")
	P("I") P("I.F") P("II") P("III") P("IV") P("IX") P("Insp") P("J") P("K")
	P("L") P("Lt") P("Ltd") P("M") P("MM") P("MR") P("MRS") P("MS") P("Maj")
	P("Messrs") P("Mio") P("Mlle") P("Mme") P("Mr") P("Mrd") P("Mrs")
	P("Ms") P("Msgr") P("MwSt") P("N") P("No") P("Nos") P("Nr") P("O")
	P("Op") P("Ord") P("P") P("Pfc") P("Ph") P("Prof") P("Pvt") P("Q")
	P("R") P("Rep") P("Reps") P("Res") P("Rev") P("Rt") P("S") P("SA")
	P("Sen") P("Sens") P("Sfc") P("Sgt") P("Sr") P("St") P("Std") P("Supt")
	P("Surg") P("T") P("U") P("V") P("VI") P("VII") P("VIII") P("W") P("X")
	P("XI") P("XII") P("XIII") P("XIV") P("XIX") P("XV") P("XVI") P("XVII")
	P("XVIII") P("XX") P("Y") P("Z") P("Zt") P("a") P("b") P("b.A")
	P("bzgl") P("bzw") P("c") P("c.-à-d") P("ca") P("d") P("d.J") P("d.h")
	P("dergl") P("dgl") P("e") P("etc") P("evtl") P("f") P("ff") P("g")
	P("g.U") P("g.g.A") P("ggf") P("h") P("i") P("i.H.v") P("ii") P("iii")
	P("iv") P("ix") P("j") P("jun") P("k") P("k.o") P("l") P("m") P("m.E")
	P("n") P("o") P("o.ä") P("p") P("pp") P("q") P("r") P("s") P("s.p.a")
	P("sen") P("sog") P("sogen") P("spp") P("t") P("u") P("u.E") P("u.U")
	P("u.a") P("u.s.w") P("u.ä") P("usf") P("usw") P("v") P("vgl") P("vi")
	P("vii") P("viii") P("vs") P("w") P("x") P("xi") P("xii") P("xiii")
	P("xiv") P("xix") P("xv") P("xvi") P("xvii") P("xviii") P("xx") P("y")
	P("z") P("z.B") P("z.T") P("z.Zt") P("zzt")
};

static const struct ct_moses_prefix english[] = {
	P("A") P("Adj") P("Adm") P("Adv") P("Apr") N("Art") P("Asst") P("Aug")
	P("B") P("Bart") P("Bldg") P("Brig") P("Bros") P("C") P("Capt")
	P("Cmdr") P("Col") P("Comdr") P("Con") P("Corp") P("Cpl") P("D") P("DR")
	P("Dec") P("Dr") P("Drs") P("E") P("Ens") P("F") P("Feb") P("G")
	P("Gen") P("Gov") P("H") P("Hon") P("Hosp") P("Hr") P("I") P("Insp")
	P("J") P("Jan") P("Jul") P("Jun") P("K") P("L") P("Lt") P("M") P("MM")
	P("MR") P("MRS") P("MS") P("Maj") P("Mar") P("Messrs") P("Mlle")
	P("Mme") P("Mr") P("Mrs") P("Ms") P("Msgr") P("N") N("No") P("Nos")
	P("Nov") P("Nr") P("O") P("Oct") P("Op") P("Ord") P("P") P("Pfc")
	P("Ph") P("Prof") P("Pvt") P("Q") P("R") P("Rep") P("Reps") P("Res")
	P("Rev") P("Rs") P("Rt") P("S") P("Sen") P("Sens") P("Sep") P("Sfc")
	P("Sgt") P("Sr") P("St") P("Supt") P("Surg") P("T") P("U") P("V") P("W")
	P("X") P("Y") P("Z") P("e.g") P("i.e") N("pp") P("rev") P("v") P("vs")
};

static const struct ct_moses_prefix russian[] = {
	P("0г") P("0га") P("0гг") P("0дм") P("0кг") P("0км") P("0л") P("0м")
	P("0мг") P("0мм") P("0см") P("0т") P("1г") P("1га") P("1гг") P("1дм")
	P("1кг") P("1км") P("1л") P("1м") P("1мг") P("1мм") P("1см") P("1т")
	P("2г") P("2га") P("2гг") P("2дм") P("2кг") P("2км") P("2л") P("2м")
	P("2мг") P("2мм") P("2см") P("2т") P("3г") P("3га") P("3гг") P("3дм")
	P("3кг") P("3км") P("3л") P("3м") P("3мг") P("3мм") P("3см") P("3т")
	P("4г") P("4га") P("4гг") P("4дм") P("4кг") P("4км") P("4л") P("4м")
	P("4мг") P("4мм") P("4см") P("4т") P("5г") P("5га") P("5гг") P("5дм")
	P("5кг") P("5км") P("5л") P("5м") P("5мг") P("5мм") P("5см") P("5т")
	P("6г") P("6га") P("6гг") P("6дм") P("6кг") P("6км") P("6л") P("6м")
	P("6мг") P("6мм") P("6см") P("6т") P("7г") P("7га") P("7гг") P("7дм")
	P("7кг") P("7км") P("7л") P("7м") P("7мг") P("7мм") P("7см") P("7т")
	P("8г") P("8га") P("8гг") P("8дм") P("8кг") P("8км") P("8л") P("8м")
	P("8мг") P("8мм") P("8см") P("8т") P("9г") P("9га") P("9гг") P("9дм")
	P("9кг") P("9км") P("9л") P("9м") P("9мг") P("9мм") P("9см") P("9т")
	P("A") P("B") P("C") P("Cв") P("Cвв") P("D") P("E") P("F") P("G") P("H")
	P("I") P("Iв") P("Iвв") P("J") P("K") P("L") P("Lв") P("Lвв") P("M")
	P("Mв") P("Mвв") P("N") P("O") P("P") P("Q") P("R") P("S") P("T") P("U")
	P("V") P("Vв") P("Vвв") P("W") P("X") P("Xв") P("Xвв") P("Y") P("Z")
	P("А") P("Б") P("В") P("Г") P("Д") P("Е") P("Ж") P("З") P("И") P("Исп")
	P("Й") P("К") P("Л") P("М") P("Н") P("О") P("П") P("Р") P("С") P("Т")
	P("Тел") P("У") P("Ф") P("Х") P("Ц") P("Ч") P("Ш") P("Щ") P("Ъ") P("Ы")
	P("Ь") P("Э") P("Ю") P("Я") P("бульв") P("в") P("вв") P("г") P("га")
	P("гг") P("гл") P("гос") P("д") P("дм") P("доп") P("др") P("е") P("ед")
	P("зам") P("и") P("инд") P("исп") P("к") P("кап") P("кв") P("кг")
	P("кл") P("км") P("кол") P("комн") P("коп") P("куб") P("л") P("лиц")
	P("лл") P("м") P("макс") P("мг") P("мин") P("мл") P("млн") P("млрд")
	P("мм") P("н") P("наб") P("нач") P("неуд") P("ном") P("о") P("обл")
	P("обр") P("общ") P("ок") P("ост") P("отл") P("п") P("пер") P("перераб")
	P("пл") P("пос") P("пр") P("просп") P("проф") P("р") P("ред") P("руб")
	P("с") P("сб") P("св") P("см") P("соч") P("ср") P("ст") P("стр") P("т")
	P("тел") P("тех") P("тт") P("туп") P("тыс") P("уд") P("ул") P("уч")
	P("физ") P("х") P("хор") P("ч") P("чел") P("шт") P("э") P("экз")
};

/* The codes and names that sacremoses has a list of its own for. */
static const char *const listed[] = {
	"as", "assamese", "bengali", "bn", "ca", "cantonese", "catalan",
	"chinese", "cs", "czech", "dutch", "el", "es", "estonian", "et", "fi",
	"finnish", "fr", "french", "ga", "greek", "gu", "gujarati", "hi",
	"hindi", "hu", "hungarian", "icelandic", "irish", "is", "it",
	"italian", "kannada", "kn", "latvian", "lithuanian", "lt", "lv",
	"malayalam", "manipuri", "marathi", "ml", "mni", "mr", "nl", "or",
	"oriya", "pa", "pl", "polish", "portuguese", "pt", "punjabi", "ro",
	"romanian", "sk", "sl", "slovak", "slovenian", "spanish", "sv",
	"swedish", "ta", "tamil", "tdt", "te", "telugu", "tetum", "yue", "zh",
	/* and those with other letters */
	"cjk", "ja", "ko",
};

static bool one_of(const char *code, const char *const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(code, list[i]))
			return true;
	return false;
}

#define ONE_OF(code, ...)						\
	one_of(code, (const char *const[]){ __VA_ARGS__ },		\
	       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

#define USE(lang, list)							\
	((lang)->prefixes = (list),					\
	 (lang)->n_prefixes = sizeof(list) / sizeof((list)[0]))

void ct_moses_lang(const char *code, struct ct_moses_lang *lang)
{
	*lang = (struct ct_moses_lang){
		.quotes_en = ONE_OF(code, "en"),
		.quotes_de = ONE_OF(code, "de", "es", "fr"),
		.decimal_mark = ONE_OF(code, "de", "es", "cz", "cs", "fr") ?
					',' : '.',
		.apostrophe_en = ONE_OF(code, "en"),
		.apostrophe_fr = ONE_OF(code, "fr", "it"),
		.english = ONE_OF(code, "en"),
		.french = ONE_OF(code, "fr"),
		.korean = ONE_OF(code, "ko"),
		.elides = ONE_OF(code, "fr", "it", "ga"),
		.can_join = !ONE_OF(code, "cs", "fi"),
	};
	if (ONE_OF(code, "de", "german"))
		USE(lang, german);
	else if (ONE_OF(code, "ru", "russian"))
		USE(lang, russian);
	else if (!one_of(code, listed, sizeof(listed) / sizeof(listed[0])))
		USE(lang, english);
	lang->can_tokenize = lang->prefixes;
}

/* --- searching -------------------------------------------------------- */

/* The longest has 7 characters. */
#define PREFIX_MAX	16

static int compare(const void *key, const void *member)
{
	return strcmp(key, ((const struct ct_moses_prefix *)member)->word);
}

const struct ct_moses_prefix *
ct_moses_prefix_find(const struct ct_moses_lang *lang, const uint32_t *word,
		     size_t n)
{
	char key[2 * PREFIX_MAX + 1];
	size_t i, k = 0;

	if (n > PREFIX_MAX)
		return NULL;
	/* No prefix has a character of more than two bytes. */
	for (i = 0; i < n; i++) {
		if (!word[i] || word[i] >= 0x800)
			return NULL;
		if (word[i] >= 0x80)
			key[k++] = 0xc0 | word[i] >> 6;
		key[k++] = word[i] < 0x80 ? word[i] : 0x80 | (word[i] & 0x3f);
	}
	key[k] = '\0';
	return bsearch(key, lang->prefixes, lang->n_prefixes,
		       sizeof(*lang->prefixes), compare);
}
