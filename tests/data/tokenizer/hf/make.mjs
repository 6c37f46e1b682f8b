// SPDX-License-Identifier: MIT
//
// Makes the three tokenizer.json and the vectors beside it with Hugging Face's
// own tokenizers:
//
//   npm install tokenizers
//   node .../hf/make.mjs
//
// from the folder it was installed in. The vocabulary is the byte alphabet,
// random merges (some tokens made by several of them, in an order no training
// would give) and added tokens with every flag.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mkdirSync, writeFileSync } from 'node:fs';

const { Tokenizer } = createRequire(process.cwd() + '/')('tokenizers');
const here = dirname(fileURLToPath(import.meta.url));

let state = 20240607;
function below(n) {
	state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
	return Math.floor(state / 4294967296 * n);
}
const pick = (list) => list[below(list.length)];

function alphabet() {
	const shown = (b) => (b > 32 && b < 127) || (b > 160 && b !== 173);
	const letters = [];
	let next = 256;
	for (let b = 0; b < 256; b++)
		letters.push(String.fromCodePoint(shown(b) ? b : next++));
	return letters;
}

const vocab = Object.fromEntries(alphabet().map((c, i) => [c, i]));
const merges = [];
const parts = [...'abcdĠo', 'Ã', '©'];
while (merges.length < 120) {
	const left = pick(parts.slice(0, 30)), right = pick(parts.slice(0, 30));
	if ([...left, ...right].length > 6)
		continue;
	merges.push([left, right]);
	if (!(left + right in vocab)) {
		vocab[left + right] = Object.keys(vocab).length;
		parts.push(left + right);
	}
}
merges.sort(() => below(3) - 1);

let id = Object.keys(vocab).length;
const added = (content, flags) => ({
	id: id++, content, single_word: false, lstrip: false, rstrip: false,
	normalized: false, special: false, ...flags,
});
const addedTokens = [
	added('<|endoftext|>', { special: true }),
	added('<l>', { lstrip: true }),
	added('<r>', { rstrip: true }),
	added('<l><r>', { lstrip: true, rstrip: true, special: true }),
	added('word', { single_word: true }),
	added('   '),
	added('foo', { normalized: true }),
	added('food'),
	added('foobar', { normalized: true, single_word: true }),
	added(' x', { normalized: true }),
	added('<日本>', { special: true }),
];

const variants = {
	plain: {},
	prefix: { pre: { add_prefix_space: true } },
	whole: { pre: { use_regex: false }, model: { ignore_merges: true } },
};
const tokenizerJson = ({ pre, model }) => JSON.stringify({
	version: '1.0', truncation: null, padding: null,
	added_tokens: addedTokens, normalizer: null,
	pre_tokenizer: {
		type: 'ByteLevel', add_prefix_space: false, trim_offsets: true,
		use_regex: true, ...pre,
	},
	post_processor: {
		type: 'ByteLevel', add_prefix_space: true, trim_offsets: false,
		use_regex: true,
	},
	decoder: {
		type: 'ByteLevel', add_prefix_space: true, trim_offsets: true,
		use_regex: true,
	},
	model: {
		type: 'BPE', dropout: null, unk_token: null,
		continuing_subword_prefix: '', end_of_word_suffix: '',
		fuse_unk: false, byte_fallback: false, ignore_merges: false,
		vocab, merges, ...model,
	},
}) + '\n';

const bits = [
	...addedTokens.map((t) => t.content), 'words', ' ', '  ', '\n', '\t',
	'foo', 'abcd', 'dcba', 'éé', "'s", "'ll", "'RE", '’', '12', '٣', '½',
	'日本', '한국어', 'ไทย', '😀', '👩‍👩‍👧', '\u00a0', '\u180e', '\u0085',
	'\u001c', '\u2028', '\u3000', '\u200d', '\u0301', '\ufeff', '\u0000',
	'!', '...', '_', '-', 'a', 'ab', 'coda', ' dab', 'x y',
];
const texts = [''];
while (texts.length < 200) {
	let text = '';
	for (let n = pick([1, 2, 3, 5, 9]); n > 0; n--)
		text += pick(bits);
	texts.push(text);
}
while (texts.length < 220) {
	let text = '';
	for (let n = pick([20, 70, 150]); n > 0; n--)
		text += pick([...'abcdo']);
	texts.push(text);
}

for (const [name, variant] of Object.entries(variants)) {
	const dir = join(here, name);
	mkdirSync(dir, { recursive: true });
	writeFileSync(join(dir, 'tokenizer.json'), tokenizerJson(variant));
	const tokenizer = Tokenizer.fromFile(join(dir, 'tokenizer.json'));
	const lines = [];
	for (const text of texts) {
		const ids = (await tokenizer.encode(text)).getIds();
		lines.push(JSON.stringify({ text, ids }));
	}
	writeFileSync(join(dir, 'vectors.json'),
		'[\n' + lines.join(',\n') + '\n]\n');
}
