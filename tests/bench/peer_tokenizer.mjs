// SPDX-License-Identifier: MIT
//
// The same measurement as bench_tokenizer, of other GPT-2 tokenizers:
//
//   npm install tiktoken gpt-tokenizer tokenizers
//   node peer_tokenizer.mjs tiktoken|gpt-tokenizer|tokenizers FILE [REPS] [TOKENIZER.JSON]
//
// from the folder they were installed in. "tokenizers" is Hugging Face's own,
// and needs the path of a tokenizer.json.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

const [name, file, reps = '5', json] = process.argv.slice(2);
const load = createRequire(process.cwd() + '/');

const peers = {
	tiktoken: () => {
		const enc = load('tiktoken').get_encoding('gpt2');
		return (text) => enc.encode_ordinary(text);
	},
	'gpt-tokenizer': () => {
		const { encode } = load('gpt-tokenizer/encoding/r50k_base');
		return (text) => encode(text);
	},
	tokenizers: () => {
		const enc = load('tokenizers').Tokenizer.fromFile(json);
		return async (text) => (await enc.encode(text)).getIds();
	},
};

if (!peers[name] || !file) {
	console.error('usage: peer_tokenizer.mjs ' +
		Object.keys(peers).join('|') + ' FILE [REPS] [TOKENIZER.JSON]');
	process.exit(2);
}

const text = readFileSync(file, 'utf8');
const bytes = Buffer.byteLength(text);
const encode = peers[name]();
const seconds = [];
let tokens = 0;
for (let i = 0; i < Number(reps); i++) {
	const start = performance.now();
	tokens = (await encode(text)).length;
	seconds.push((performance.now() - start) / 1e3);
}
seconds.sort((a, b) => a - b);
const median = seconds[seconds.length >> 1];
console.log(`${name}: encode: ${(median * 1e3).toFixed(1)} ms, ` +
	`${(bytes / median / 1e6).toFixed(1)} MB/s, ` +
	`${(tokens / median / 1e6).toFixed(2)} M tokens/s, ${tokens} tokens`);
