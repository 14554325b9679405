#!/usr/bin/env python3
"""Trains the two small encoders of this folder: vit.onnx on real 8 x 8 digits, bert.onnx on a made-up task.

Development time only; nothing that ships runs it. It needs numpy, torch (made with 1.13) and onnx (made with 1.12), and a few
minutes of one core. Everything is seeded; other versions of torch give other, equally good weights.

    python3 train.py                        digits.npz is there
    python3 train.py --digits digits.csv.gz makes digits.npz first (README.md: where it is from)
"""

import argparse
import gzip
import pathlib
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import onnx_blocks  # noqa: E402

TEST = 400
CALIBRATION = 64
# The task of bert.onnx: which of eight letters occurs most often. Token 8 begins a text, token 9 fills it up.
LETTERS, BEGIN, FILL, LENGTH, TOKENS = 8, 8, 9, 24, 32


class Layer(nn.Module):
    """Self-attention and two dense layers; normalization before each (pre) or after the sum. Tokens from `length` on are not looked at."""

    def __init__(self, width, heads, inner, pre, length):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.width, self.heads, self.pre, self.length, self.drop = width, heads, pre, length, nn.Dropout(0.1)

    def attention(self, x):
        n, t, _ = x.shape
        q, k, v = (y.view(n, t, self.heads, -1).transpose(1, 2) for y in self.qkv(x).split(self.width, dim=2))
        scores = (q @ k.transpose(2, 3)) * (self.width // self.heads) ** -0.5
        seen = scores[..., : self.length].softmax(-1) @ v[:, :, : self.length]
        return self.drop(self.out(seen.transpose(1, 2).reshape(n, t, self.width)))

    def mlp(self, x):
        return self.drop(self.down(F.gelu(self.up(x))))

    def forward(self, x):
        if self.pre:
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.mlp(x))


class Vit(nn.Module):
    """Patches of 2 x 2, a class token, two layers."""

    WIDTH, HEADS, INNER, PATCHES = 32, 4, 64, 16

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(1, self.WIDTH, 2, stride=2)
        self.cls = nn.Parameter(torch.randn(1, 1, self.WIDTH) * 0.1)
        self.position = nn.Parameter(torch.randn(1, self.PATCHES + 1, self.WIDTH) * 0.1)
        self.layers = nn.ModuleList(Layer(self.WIDTH, self.HEADS, self.INNER, True, self.PATCHES + 1) for _ in range(2))
        self.norm, self.head = nn.LayerNorm(self.WIDTH), nn.Linear(self.WIDTH, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.position
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x)[:, 0])


class Bert(nn.Module):
    """BERT's encoder with its pooler, small: normalization after every sum, the last tokens padding."""

    WIDTH, HEADS, INNER = 64, 4, 256

    def __init__(self):
        super().__init__()
        self.word, self.position = nn.Embedding(LETTERS + 2, self.WIDTH), nn.Embedding(TOKENS, self.WIDTH)
        self.kind = nn.Embedding(2, self.WIDTH)
        self.norm = nn.LayerNorm(self.WIDTH)
        self.layers = nn.ModuleList(Layer(self.WIDTH, self.HEADS, self.INNER, False, LENGTH) for _ in range(2))
        self.pooler, self.head = nn.Linear(self.WIDTH, self.WIDTH), nn.Linear(self.WIDTH, LETTERS)

    def forward(self, tokens):
        x = self.norm(self.word(tokens) + self.position.weight + self.kind.weight[0])
        for layer in self.layers:
            x = layer(x)
        return self.head(torch.tanh(self.pooler(x[:, 0])))


def export_vit(model, path):
    """Input `image` float [1, 1, 8, 8], 0 to 1; output `logits` float [1, 10]."""
    w = onnx_blocks.Writer({k.replace("layers.", "h."): v.numpy() for k, v in model.state_dict().items()})
    d, tokens = Vit.WIDTH, Vit.PATCHES + 1
    x = w.node("Conv", "image", w.weight("patch.weight"), w.weight("patch.bias"), kernel_shape=[2, 2], strides=[2, 2])
    x = w.node("Transpose", w.node("Reshape", x, w.ints(1, d, Vit.PATCHES)), perm=[0, 2, 1])
    x = w.node("Add", w.node("Concat", w.weight("cls"), x, axis=1), w.weight("position"))
    for i in range(2):
        x = w.node("Add", x, w.attention(w.layer_norm(x, f"h.{i}.norm1"), f"h.{i}", tokens, d, Vit.HEADS, lambda s: s))
        x = w.node("Add", x, w.mlp(w.layer_norm(x, f"h.{i}.norm2"), f"h.{i}"))
    x = w.node("Gather", w.layer_norm(x, "norm"), w.constant(np.int64(0)), axis=1)
    w.node("Gemm", x, w.weight("head.weight"), w.weight("head.bias"), outputs=["logits"], transB=1)
    w.save(path, "vit", [("image", "float32", [1, 1, 8, 8])], [("logits", "float32", [1, 10])], "examples/encoders/train.py")


def export_bert(model, path):
    """Input `tokens` int64 [1, 32]; output `logits` float [1, 8]. The mask of the padding is a constant."""
    w = onnx_blocks.Writer({k.replace("layers.", "h."): v.numpy() for k, v in model.state_dict().items()})
    d = Bert.WIDTH
    x = w.node("Gather", w.weight("word.weight"), "tokens")
    x = w.node("Add", x, w.node("Gather", w.weight("kind.weight"), w.constant(np.zeros((1, TOKENS), dtype=np.int64))))
    x = w.node("Add", x, w.node("Gather", w.weight("position.weight"), w.constant(np.arange(TOKENS, dtype=np.int64).reshape(1, TOKENS))))
    x, mask = w.layer_norm(x, "norm"), w.hidden_columns(LENGTH, TOKENS)
    for i in range(2):
        x = w.layer_norm(w.node("Add", w.attention(x, f"h.{i}", TOKENS, d, Bert.HEADS, mask), x), f"h.{i}.norm1")
        x = w.layer_norm(w.node("Add", w.mlp(x, f"h.{i}"), x), f"h.{i}.norm2")
    x = w.node("Gather", x, w.constant(np.int64(0)), axis=1)
    x = w.node("Tanh", w.node("Gemm", x, w.weight("pooler.weight"), w.weight("pooler.bias"), transB=1))
    w.node("Gemm", x, w.weight("head.weight"), w.weight("head.bias"), outputs=["logits"], transB=1)
    w.save(path, "bert", [("tokens", "int64", [1, TOKENS])], [("logits", "float32", [1, LETTERS])], "examples/encoders/train.py")


def letters(count, generator):
    """Texts of 23 letters whose most frequent one is single; (tokens, label)."""
    found = torch.empty(0, LENGTH - 1, dtype=torch.long)
    while len(found) < count:
        favourite = torch.randint(0, LETTERS, (count, 1), generator=generator)
        text = torch.randint(0, LETTERS, (count, LENGTH - 1), generator=generator)
        text = torch.where(torch.rand(text.shape, generator=generator) < 0.15, favourite, text)
        counts = F.one_hot(text, LETTERS).sum(1).sort(1, descending=True).values
        found = torch.cat([found, text[counts[:, 0] > counts[:, 1]]])
    found = found[:count]
    tokens = torch.full((count, TOKENS), FILL)
    tokens[:, 0], tokens[:, 1:LENGTH] = BEGIN, found
    return tokens, F.one_hot(found, LETTERS).sum(1).argmax(1)


def shifted(x, generator):
    """Every image moved by up to one pixel."""
    padded = F.pad(x, (1, 1, 1, 1))
    corner = torch.randint(0, 3, (len(x), 2), generator=generator).tolist()
    return torch.stack([padded[i, :, r : r + 8, c : c + 8] for i, (r, c) in enumerate(corner)])


def train(model, batches, steps, rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps, pct_start=0.1)
    for step in range(steps):
        x, y = batches()
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 99:
            print(f"  step {step + 1}/{steps}: loss {loss.item():.4f}", flush=True)
    model.eval()


def top1(model, x, y):
    with torch.no_grad():
        return float((model(x).argmax(1) == y).float().mean())


def make_vit(images, labels):
    torch.manual_seed(1)
    generator = torch.Generator().manual_seed(1)
    x, y = torch.from_numpy(images).float().unsqueeze(1) / 16, torch.from_numpy(labels).long()
    np.savez_compressed(HERE / "vit-calibration.npz", image=x[:CALIBRATION].numpy())

    def batch():
        pick = torch.randint(0, len(x) - TEST, (64,), generator=generator)
        return shifted(x[pick], generator), y[pick]

    model = Vit()
    train(model, batch, 2500, 2e-3)
    export_vit(model, HERE / "vit.onnx")
    print(f"vit: {sum(p.numel() for p in model.parameters())} parameters, float top-1 on {TEST} test digits {top1(model, x[-TEST:], y[-TEST:]):.2%}")


def make_bert():
    torch.manual_seed(2)
    generator = torch.Generator().manual_seed(2)
    tokens, labels = letters(TEST, generator)
    known, _ = letters(CALIBRATION, generator)
    np.savez_compressed(HERE / "letters.npz", tokens=tokens.numpy().astype(np.uint8), label=labels.numpy().astype(np.uint8))
    np.savez_compressed(HERE / "bert-calibration.npz", tokens=known.numpy().astype(np.uint8))
    model = Bert()
    train(model, lambda: letters(32, generator), 600, 3e-3)
    export_bert(model, HERE / "bert.onnx")
    print(f"bert: {sum(p.numel() for p in model.parameters())} parameters, float top-1 on {TEST} test texts {top1(model, tokens, labels):.2%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", type=pathlib.Path, help="digits.csv.gz of scikit-learn, of which digits.npz is made")
    parser.add_argument("--only", choices=["vit", "bert"])
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.digits:
        rows = np.loadtxt(gzip.open(args.digits, "rt"), delimiter=",").astype(np.uint8)
        np.savez_compressed(HERE / "digits.npz", image=rows[:, :64].reshape(-1, 8, 8), label=rows[:, 64])
    data = np.load(HERE / "digits.npz")
    if args.only != "bert":
        make_vit(data["image"], data["label"])
    if args.only != "vit":
        make_bert()


if __name__ == "__main__":
    main()
