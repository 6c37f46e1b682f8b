#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""GPT-2 in PyTorch, and Hugging Face directories of it: read and written.

Module names are those of the checkpoint, so a state dict is a checkpoint.
"""
import json
import math
import struct

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

DTYPES = {"F32": "<f4", "F16": "<f2"}


class GeluNew(torch.autograd.Function):
    """x sigmoid(2u) = 0.5 x (1 + tanh u), u = sqrt(2/pi) (x + 0.044715 x^3).

    By hand, because it takes half the time of F.gelu's tanh form on a CPU.
    """
    A = 2 * math.sqrt(2 / math.pi)
    B = 0.044715 * A

    @staticmethod
    def forward(ctx, x):
        s = (x * x).mul_(GeluNew.B).add_(GeluNew.A).mul_(x).sigmoid_()
        ctx.save_for_backward(x, s)
        return x * s

    @staticmethod
    def backward(ctx, grad):
        x, s = ctx.saved_tensors
        d = (x * x).mul_(3 * GeluNew.B).add_(GeluNew.A).mul_(x)
        return d.mul_(1 - s).add_(1).mul_(s).mul_(grad)


class Conv1D(nn.Module):
    """A linear layer whose weight is [in, out], as GPT-2 stores it."""

    def __init__(self, n_in, n_out, std=0.02):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_in, n_out) * std)
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return F.linear(x, self.weight.t(), self.bias)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c["n_embd"]
        self.heads = c["n_head"]
        self.c_attn = Conv1D(d, 3 * d)
        self.c_proj = Conv1D(d, d, 0.02 / math.sqrt(2 * c["n_layer"]))

    def forward(self, x, mask):
        n, t, d = x.shape
        h, e = self.heads, d // self.heads
        q, k, v = (self.c_attn(x).view(n, t, 3, h, e)
                   .permute(2, 0, 3, 1, 4).reshape(3, n * h, t, e))
        scores = torch.baddbmm(mask.to(q.dtype), q, k.transpose(1, 2),
                               alpha=e ** -0.5)
        y = torch.bmm(torch.softmax(scores, -1).to(v.dtype), v)
        return self.c_proj(y.view(n, h, t, e).transpose(1, 2).reshape(n, t, d))


ACTIVATIONS = {"gelu_new": GeluNew.apply, "relu": F.relu}


class Mlp(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.act = ACTIVATIONS[c.get("activation_function", "gelu_new")]
        d = c["n_embd"]
        inner = c.get("n_inner") or 4 * d
        self.c_fc = Conv1D(d, inner)
        self.c_proj = Conv1D(inner, d, 0.02 / math.sqrt(2 * c["n_layer"]))

    def forward(self, x):
        return self.c_proj(self.act(self.c_fc(x)))


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, eps = c["n_embd"], c.get("layer_norm_epsilon", 1e-5)
        self.ln_1 = nn.LayerNorm(d, eps)
        self.attn = Attention(c)
        self.ln_2 = nn.LayerNorm(d, eps)
        self.mlp = Mlp(c)

    def forward(self, x, mask):
        x = x + self.attn(self.ln_1(x), mask)
        return x + self.mlp(self.ln_2(x))


class GPT2(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c["n_embd"]
        self.config = c
        self.wte = nn.Embedding(c["vocab_size"], d)
        self.wpe = nn.Embedding(c["n_positions"], d)
        self.h = nn.ModuleList(Block(c) for _ in range(c["n_layer"]))
        self.ln_f = nn.LayerNorm(d, c.get("layer_norm_epsilon", 1e-5))
        if not c.get("tie_word_embeddings", True):
            self.lm_head = nn.Linear(d, c["vocab_size"], bias=False)
        nn.init.normal_(self.wte.weight, std=0.02)
        nn.init.normal_(self.wpe.weight, std=0.01)

    def forward(self, ids):
        t = ids.shape[1]
        mask = torch.full((t, t), -1e4).triu(1)
        x = self.wte(ids) + self.wpe(torch.arange(t))
        for block in self.h:
            x = block(x, mask)
        x = self.ln_f(x)
        if hasattr(self, "lm_head"):
            return self.lm_head(x)
        return F.linear(x, self.wte.weight)


def write_safetensors(path, tensors, dtype):
    header, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, value in tensors.items():
        raw = value.detach().float().numpy().astype(DTYPES[dtype]).tobytes()
        header[name] = {"dtype": dtype, "shape": list(value.shape),
                        "data_offsets": [at, at + len(raw)]}
        blobs.append(raw)
        at += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)     # the data starts 8-byte aligned
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        f.writelines(blobs)


def read_safetensors(path):
    with open(path, "rb") as f:
        data = f.read()
    start = 8 + struct.unpack_from("<Q", data)[0]
    out = {}
    for name, e in json.loads(data[8:start]).items():
        if name == "__metadata__":
            continue
        a, b = e["data_offsets"]
        raw = data[start + a:start + b]
        if e["dtype"] == "BF16":
            x = (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
        else:
            x = np.frombuffer(raw, DTYPES[e["dtype"]]).astype("<f4")
        out[name] = torch.from_numpy(x.reshape(e["shape"]).copy())
    return out


def load(folder):
    """The model of a Hugging Face directory, in fp32, ready to evaluate."""
    with open(folder + "/config.json", encoding="utf-8") as f:
        config = json.load(f)
    state = {}
    for name, value in read_safetensors(folder + "/model.safetensors").items():
        name = name.removeprefix("transformer.")
        # Old checkpoints carry the causal mask as a buffer.
        if not name.endswith((".attn.bias", ".attn.masked_bias")):
            state[name] = value
    if config.get("tie_word_embeddings", True):
        state.pop("lm_head.weight", None)
    model = GPT2(config)
    model.load_state_dict(state)
    return model.eval()


def save(model, folder, dtype="F16"):
    write_safetensors(folder + "/model.safetensors", model.state_dict(), dtype)
    config = dict(model.config, torch_dtype={
        "F16": "float16", "F32": "float32"}[dtype])
    with open(folder + "/config.json", "w", encoding="utf-8") as f:
        json.dump(config, f, indent=2)
        f.write("\n")
    ends = {k: config[k] for k in ("bos_token_id", "eos_token_id")}
    with open(folder + "/generation_config.json", "w", encoding="utf-8") as f:
        json.dump(ends, f)
        f.write("\n")


@torch.no_grad()
def generate(model, ids, count, temperature=0.0, generator=None, stop=None):
    """`count` more ids; the oldest are forgotten when the context is full."""
    ids, out = list(ids), []
    for _ in range(count):
        logits = model(torch.tensor([ids[-model.config["n_positions"]:]]))
        logits = logits[0, -1].float()
        if temperature > 0:
            p = torch.softmax(logits / temperature, -1)
            token = int(torch.multinomial(p, 1, generator=generator))
        else:
            token = int(logits.argmax())
        if token == stop:
            break
        ids.append(token)
        out.append(token)
    return out
