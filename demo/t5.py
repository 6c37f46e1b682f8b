#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""T5 in PyTorch, and Hugging Face directories of it: read and written.

Both kinds: 1.0 (ReLU, the head tied to the embedding and its input scaled by
d_model^-0.5) and 1.1 (gated GELU, a head of its own). Module names are those
of the checkpoint, so a state dict is a checkpoint.
"""
import json
import math
import os

import torch
import torch.nn.functional as F
from torch import nn

import gpt2

PAD, EOS = 0, 1
MASKED = -1e9


class RMSNorm(nn.Module):
    """No mean, no bias."""

    def __init__(self, c):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(c["d_model"]))
        self.eps = c.get("layer_norm_epsilon", 1e-6)

    def forward(self, x):
        x = x.float()
        scale = torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps)
        return self.weight * (x * scale)


def linear(n_in, n_out, std):
    layer = nn.Linear(n_in, n_out, bias=False)
    nn.init.normal_(layer.weight, std=std)
    return layer


def bucket(distance, bidirectional, count, furthest):
    """The bucket of each key position minus query position: half of the
    buckets are exact, the others grow with the logarithm up to `furthest`."""
    base = torch.zeros_like(distance)
    if bidirectional:
        count //= 2
        base = (distance > 0).long() * count
        distance = distance.abs()
    else:
        distance = (-distance).clamp(min=0)
    exact = count // 2
    ratio = torch.log(distance.clamp(min=1).float() / exact)
    far = exact + (ratio / math.log(furthest / exact) *
                   (count - exact)).long()
    far = far.clamp(max=count - 1)
    return base + torch.where(distance < exact, distance, far)


class Attention(nn.Module):
    """Scores are not scaled: the initial weights of q are smaller instead."""

    def __init__(self, c, biased, bidirectional=False):
        super().__init__()
        d, inner = c["d_model"], c["num_heads"] * c["d_kv"]
        self.heads, self.width = c["num_heads"], c["d_kv"]
        self.q = linear(d, inner, (d * c["d_kv"]) ** -0.5)
        self.k = linear(d, inner, d ** -0.5)
        self.v = linear(d, inner, d ** -0.5)
        self.o = linear(inner, d, inner ** -0.5)
        if biased:
            self.buckets = (bidirectional,
                            c.get("relative_attention_num_buckets", 32),
                            c.get("relative_attention_max_distance", 128))
            self.relative_attention_bias = nn.Embedding(
                self.buckets[1], self.heads)
            nn.init.normal_(self.relative_attention_bias.weight,
                            std=d ** -0.5)

    def position_bias(self, t):
        at = torch.arange(t)
        return self.relative_attention_bias(
            bucket(at[None] - at[:, None], *self.buckets)).permute(2, 0, 1)

    def split(self, x):
        n, t, _ = x.shape
        return (x.view(n, t, self.heads, self.width).transpose(1, 2)
                .reshape(n * self.heads, t, self.width))

    def forward(self, x, source, bias):
        """`bias` [n * heads, t, s]: positions and mask in one."""
        n, t, _ = x.shape
        q, k, v = (self.split(f(y)) for f, y in
                   ((self.q, x), (self.k, source), (self.v, source)))
        scores = torch.baddbmm(bias.to(q.dtype), q, k.transpose(1, 2))
        y = torch.bmm(torch.softmax(scores, -1).to(v.dtype), v)
        return self.o(y.view(n, self.heads, t, self.width).transpose(1, 2)
                      .reshape(n, t, -1))


class DenseReluDense(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, f = c["d_model"], c["d_ff"]
        self.gated = c["feed_forward_proj"] == "gated-gelu"
        for name in ("wi_0", "wi_1") if self.gated else ("wi",):
            setattr(self, name, linear(d, f, d ** -0.5))
        self.wo = linear(f, d, f ** -0.5)

    def forward(self, x):
        if self.gated:
            return self.wo(gpt2.GeluNew.apply(self.wi_0(x)) * self.wi_1(x))
        return self.wo(F.relu(self.wi(x)))


class Layer(nn.Module):
    """A norm, one of the above by the name that the checkpoint has for it,
    and the way around both."""

    def __init__(self, c, name, module):
        super().__init__()
        self.name = name
        setattr(self, name, module)
        self.layer_norm = RMSNorm(c)
        self.dropout = nn.Dropout(c["dropout_rate"])

    def forward(self, x, *args):
        y = self.layer_norm(x)
        if self.name == "SelfAttention":
            args = (y,) + args
        return x + self.dropout(getattr(self, self.name)(y, *args))


class Block(nn.Module):
    def __init__(self, c, decoder, first):
        super().__init__()
        layers = [Layer(c, "SelfAttention",
                        Attention(c, first, not decoder))]
        if decoder:
            layers.append(Layer(c, "EncDecAttention", Attention(c, False)))
        layers.append(Layer(c, "DenseReluDense", DenseReluDense(c)))
        self.layer = nn.ModuleList(layers)


class Stack(nn.Module):
    def __init__(self, c, decoder):
        super().__init__()
        n = c["num_decoder_layers"] if decoder else c["num_layers"]
        self.heads, self.decoder = c["num_heads"], decoder
        self.block = nn.ModuleList(Block(c, decoder, i == 0)
                                   for i in range(n))
        self.final_layer_norm = RMSNorm(c)
        self.dropout = nn.Dropout(c["dropout_rate"])

    def flat(self, bias, n):
        """[n or 1, heads or 1, t, s] -> [n * heads, t, s]"""
        t, s = bias.shape[-2:]
        return bias.expand(n, self.heads, t, s).reshape(-1, t, s)

    def forward(self, x, mask, encoded=None):
        """`mask` [n, 1, 1, s]: what hides the source's padding."""
        n, t, _ = x.shape
        bias = self.block[0].layer[0].SelfAttention.position_bias(t)[None]
        if self.decoder:
            bias = bias + torch.full((t, t), MASKED).triu(1)
            across = self.flat(mask.expand(n, 1, t, mask.shape[-1]), n)
        else:
            bias = bias + mask
        bias = self.flat(bias, n)
        x = self.dropout(x)
        for block in self.block:
            x = block.layer[0](x, bias)
            if self.decoder:
                x = block.layer[1](x, encoded, across)
            x = block.layer[-1](x)
        return self.dropout(self.final_layer_norm(x))


class T5(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.config = c
        d = c["d_model"]
        self.shared = nn.Embedding(c["vocab_size"], d)
        nn.init.normal_(self.shared.weight, std=1.0)
        self.encoder, self.decoder = Stack(c, False), Stack(c, True)
        if not c["tie_word_embeddings"]:
            self.lm_head = linear(d, c["vocab_size"], d ** -0.5)

    def encode(self, source):
        """(states, mask) of padded ids [n, s]."""
        mask = (source == PAD)[:, None, None].float() * MASKED
        return self.encoder(self.shared(source), mask), mask

    def decode(self, ids, encoded, mask):
        """Logits after each of `ids` [n, t], whose first is the start."""
        y = self.decoder(self.shared(ids), mask, encoded)
        if self.config["tie_word_embeddings"]:
            y = y * self.config["d_model"] ** -0.5
            return F.linear(y, self.shared.weight)
        return self.lm_head(y)

    def forward(self, source, ids):
        return self.decode(ids, *self.encode(source))


def load(folder):
    """The model of a Hugging Face directory, in fp32, ready to evaluate."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    state = gpt2.read_safetensors(os.path.join(folder, "model.safetensors"))
    for copy in ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight"):
        state.pop(copy, None)
    if config["tie_word_embeddings"]:
        state.pop("lm_head.weight", None)
    model = T5(config)
    model.load_state_dict(state)
    return model.eval()


def save(model, folder, dtype="F16"):
    gpt2.write_safetensors(os.path.join(folder, "model.safetensors"),
                           model.state_dict(), dtype)
    config = dict(model.config, torch_dtype={
        "F16": "float16", "F32": "float32"}[dtype])
    write_json(os.path.join(folder, "config.json"), config)
    write_json(os.path.join(folder, "generation_config.json"), {
        "decoder_start_token_id": PAD, "eos_token_id": EOS,
        "pad_token_id": PAD})


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=2, ensure_ascii=False)
        f.write("\n")


@torch.no_grad()
def greedy(model, source, limit):
    """The ids that follow for each of padded `source` [n, s], up to `limit`
    of them: lists that end with EOS unless the limit came first."""
    encoded, mask = model.encode(source)
    ids = torch.full((len(source), 1), PAD)
    done = torch.zeros(len(source), dtype=torch.bool)
    for _ in range(limit):
        token = model.decode(ids, encoded, mask)[:, -1].argmax(-1)
        token[done] = PAD
        ids = torch.cat([ids, token[:, None]], 1)
        done |= token == EOS
        if done.all():
            break
    out = ids[:, 1:].tolist()
    return [r[:r.index(EOS) + 1] if EOS in r else r for r in out]


class Beams:
    """Beam search as Hugging Face's generate() does it, for one source.

    In each step the 2B best continuations are looked at, best first. An end
    among the first B of them finishes a hypothesis, whose score is the sum of
    its log-probabilities over the number of its ids, the end counted, to the
    power of the length penalty; an end further down is dropped. The first B
    that do not end go on. The B best hypotheses are kept. With early stopping
    the search is over when there are B of them, otherwise when the step's best
    continuation would not displace the worst of them if it ended there. At
    the limit all that still go on are hypotheses as well.
    """

    def __init__(self, count, penalty, early):
        self.count, self.penalty, self.early = count, penalty, early
        self.finished = []      # (score, ids)

    def finish(self, ids, total):
        self.finished.append((total / len(ids) ** self.penalty, ids))
        # stable, so that of equal ones the earlier is better
        self.finished.sort(key=lambda h: -h[0])
        del self.finished[self.count:]

    def over(self, best, length):
        if len(self.finished) < self.count:
            return False
        return self.early or (self.finished[-1][0] >=
                              best / length ** self.penalty)

    def advance(self, running, log_p):
        """running [(total, ids)] with log_p [beams, vocab] of what follows;
        returns those that go on, best first, or none when it is over."""
        totals = log_p + torch.tensor([t for t, _ in running])[:, None]
        best = totals.flatten().topk(2 * self.count)
        out = []
        for rank, (total, at) in enumerate(zip(best.values.tolist(),
                                               best.indices.tolist())):
            beam, token = divmod(at, log_p.shape[1])
            ids = running[beam][1] + [token]
            if token != EOS:
                out.append((total, ids))
            elif rank < self.count:
                self.finish(ids, total)
        done = self.over(float(best.values[0]), len(running[0][1]) + 1)
        return [] if done else out[:self.count]


@torch.no_grad()
def beam_search(model, source, count, limit, penalty=1.0, early=True):
    """(score, ids) of the best hypothesis for ids `source`, of at most
    `limit` ids (HF's max_length counts the start token too)."""
    encoded, mask = model.encode(torch.tensor([source]))
    beams = Beams(count, penalty, early)
    running = [(0.0, [])]
    while running and len(running[0][1]) < limit:
        n = len(running)
        ids = torch.tensor([[PAD] + ids for _, ids in running])
        logits = model.decode(ids, encoded.expand(n, -1, -1),
                              mask.expand(n, -1, -1, -1))
        running = beams.advance(running,
                                torch.log_softmax(logits[:, -1], -1))
    for total, ids in running:
        beams.finish(ids, total)
    return beams.finished[0]
