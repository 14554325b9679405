#!/usr/bin/env python3
"""Trains the character model of this folder: writes gpt.onnx, calibration.npz and characters.json out of alice.txt.

Development time only; nothing that ships runs it. It needs numpy, torch (made with 1.13) and onnx (made with 1.12), and about ten
minutes of one core. Everything is seeded; other versions of torch give other, equally good weights.

    python3 train.py                     alice.txt is there
    python3 train.py --text alice29.txt  makes alice.txt of the plain text first (README.md: where it is from)
"""

import argparse
import json
import pathlib
import re
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import onnx_blocks  # noqa: E402

TOKENS, WIDTH, HEADS, LAYERS = 64, 64, 4, 4
CALIBRATION = 64


def clean(raw):
    """One line a paragraph; without title, rows of stars and rare signs."""
    text = raw.replace("\r", "").split("Down the Rabbit-Hole", 1)[1].rsplit("THE END", 1)[0]
    text = re.sub(r"[*_\[\]\x1a0-9]", " ", text)
    text = re.sub(r"CHAPTER [IVX]+\n\n.*\n", "\n", text)
    paragraphs = (" ".join(p.split()) for p in re.split(r"\n\s*\n", text))
    return "".join(p + "\n" for p in paragraphs if p)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.drop = nn.Dropout(0.1)
        self.register_buffer("hidden", ~torch.ones(TOKENS, TOKENS, dtype=torch.bool).tril(), persistent=False)

    def forward(self, x):
        n, t, _ = x.shape
        q, k, v = (y.view(n, t, HEADS, -1).transpose(1, 2) for y in self.qkv(self.norm1(x)).split(WIDTH, dim=2))
        scores = (q @ k.transpose(2, 3)) * (WIDTH // HEADS) ** -0.5
        seen = scores.masked_fill(self.hidden[:t, :t], -1e9).softmax(-1) @ v
        x = x + self.drop(self.out(seen.transpose(1, 2).reshape(n, t, WIDTH)))
        return x + self.drop(self.down(F.gelu(self.up(self.norm2(x)))))


class Gpt(nn.Module):
    """GPT-2's shape, small: learned positions, layer normalization first, the embedding read backwards for the logits."""

    def __init__(self, characters):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(characters, WIDTH), nn.Embedding(TOKENS, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm, self.drop = nn.LayerNorm(WIDTH), nn.Dropout(0.1)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02 / (2 * LAYERS) ** 0.5 if ("out" in name or "down" in name) else 0.04)
            elif "bias" in name:
                nn.init.zeros_(p)

    def forward(self, tokens):
        x = self.drop(self.wte(tokens) + self.wpe.weight[: tokens.shape[1]])
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.wte.weight.T


def windows(text, starts):
    return torch.stack([text[s : s + TOKENS + 1] for s in starts])


def perplexity(model, text):
    """exp of the mean loss of a character, over windows that lie end to end; every position counts, the first ones too."""
    model.eval()
    losses = []
    with torch.no_grad():
        for s in range(0, len(text) - TOKENS, TOKENS):
            w = windows(text, [s])
            losses.append(F.cross_entropy(model(w[:, :-1])[0], w[0, 1:]).item())
    model.train()
    return float(np.exp(np.mean(losses)))


def train(model, text, held_out, steps, batch=16, rate=4e-3):
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.1, foreach=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps, pct_start=0.05)
    for step in range(steps):
        w = windows(text, torch.randint(0, len(text) - TOKENS, (batch,), generator=generator).tolist())
        loss = F.cross_entropy(model(w[:, :-1]).flatten(0, 1), w[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 200 == 199:
            print(f"  step {step + 1}/{steps}: loss {loss.item():.3f}, perplexity on held-out text {perplexity(model, held_out):.3f}", flush=True)


def export(model, path, characters):
    """Input `tokens` int64 [1, 64]; outputs `logits` float [1, 64, characters], `next` int64 [1, 64]: the likeliest next character."""
    state = {k.replace("blocks.", "h."): v.numpy() for k, v in model.state_dict().items()}
    w = onnx_blocks.Writer(state)
    positions = w.constant(np.arange(TOKENS, dtype=np.int64).reshape(1, TOKENS))
    x = w.node("Add", w.node("Gather", w.weight("wte.weight"), "tokens"), w.node("Gather", w.weight("wpe.weight"), positions))
    mask = w.causal(TOKENS)
    for i in range(LAYERS):
        x = w.node("Add", x, w.attention(w.layer_norm(x, f"h.{i}.norm1"), f"h.{i}", TOKENS, WIDTH, HEADS, mask))
        x = w.node("Add", x, w.mlp(w.layer_norm(x, f"h.{i}.norm2"), f"h.{i}"), outputs=[f"h.{i}"])
    w.node("MatMul", w.layer_norm(x, "norm"), w.node("Transpose", "wte.weight", perm=[1, 0]), outputs=["logits"])
    w.node("ArgMax", "logits", outputs=["next"], axis=-1, keepdims=0)
    w.save(path, "gpt", [("tokens", "int64", [1, TOKENS])],
           [("logits", "float32", [1, TOKENS, characters]), ("next", "int64", [1, TOKENS])], "examples/text/train.py")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=pathlib.Path, help="the plain text that alice.txt is made of")
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    if args.text:
        (HERE / "alice.txt").write_text(clean(args.text.read_text(encoding="ascii")))
    text = (HERE / "alice.txt").read_text()
    characters = "".join(sorted(set(text)))
    ids = torch.tensor([characters.index(c) for c in text])
    known, held_out = ids[: len(ids) * 9 // 10], ids[len(ids) * 9 // 10 :]
    model = Gpt(len(characters))
    print(f"{len(characters)} characters; {len(known)} to train on, {len(held_out)} held out; {sum(p.numel() for p in model.parameters())} parameters")
    train(model, known, held_out, args.steps)
    model.eval()
    export(model, args.out / "gpt.onnx", len(characters))
    (args.out / "characters.json").write_text(json.dumps(characters) + "\n")
    starts = np.linspace(0, len(known) - TOKENS - 1, CALIBRATION).astype(int)
    np.savez_compressed(args.out / "calibration.npz", tokens=np.stack([known[s : s + TOKENS].numpy() for s in starts]))
    print(f"perplexity on held-out text {perplexity(model, held_out):.4f}")


if __name__ == "__main__":
    main()
