#!/usr/bin/env python3
"""Text to tokens and back, and greedy generation. Python's standard library alone.

    text.py encode TEXT --out tokens.json              64 token ids; shorter texts are filled up with line breaks
    text.py decode tokens.json                         prints the text
    text.py generate MODEL.dsm --prompt TEXT --out FOLDER
                                                       lets `dsperse run` (DSPERSE names the program) continue the prompt to 64
                                                       characters; FOLDER/tokens.json, and FOLDER/run: the last run
    text.py begins tokens.json --prompt TEXT           exit code 0 if the text begins with the prompt, otherwise 1
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOKENS = 64
CHARACTERS = json.loads((HERE / "characters.json").read_text())


def encode(text):
    """Token ids of a text of at most 64 characters, filled up to 64."""
    unknown = sorted(set(text) - set(CHARACTERS))
    if unknown:
        sys.exit(f"text.py: the model does not know {' '.join(map(repr, unknown))}; it knows {CHARACTERS!r}")
    if not 0 < len(text) <= TOKENS:
        sys.exit(f"text.py: {len(text)} characters; the model reads 1 to {TOKENS}")
    return [CHARACTERS.index(c) for c in text.ljust(TOKENS, "\n")]


def decode(tokens):
    return "".join(CHARACTERS[t] for t in tokens)


def read_tokens(path):
    tokens = json.loads(pathlib.Path(path).read_text())
    if not (isinstance(tokens, list) and len(tokens) == TOKENS and all(type(t) is int and 0 <= t < len(CHARACTERS) for t in tokens)):
        sys.exit(f"text.py: {path} does not hold {TOKENS} token ids")
    return tokens


def read_next(path):
    """The output `next` of a run: at each position the likeliest next character."""
    return json.loads(pathlib.Path(path).read_text())["outputs"]["next"]["integers"]


def mistakes(tokens, following, prompt):
    """Positions after the first `prompt` where the text is not what the model says."""
    return [i for i in range(prompt, TOKENS) if tokens[i] != following[i - 1]]


def generate(model, prompt, out):
    """Continues the prompt greedily. A pass over a guess gives the likeliest next character at every position; those up to the first
    wrong one stay right, whatever follows, so the whole guess is replaced at once and at least one more character is right after
    each pass. The fixed point is the greedy continuation."""
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    tokens, known = encode(prompt), len(prompt)
    for passes in range(1, TOKENS + 1):
        (out / "tokens.json").write_text(json.dumps(tokens) + "\n")
        shutil.rmtree(out / "run", ignore_errors=True)
        done = subprocess.run([os.environ.get("DSPERSE", "build/release/dsperse"), "run", str(model), str(out / "tokens.json"), "--out",
                               str(out / "run")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"text.py: dsperse run failed: {done.stderr.strip()}")
        following = read_next(out / "run/output.json")
        wrong = mistakes(tokens, following, known)
        if not wrong:
            return tokens, passes
        tokens = tokens[:known] + following[known - 1 : TOKENS - 1]
    sys.exit("text.py: no fixed point: the model looks at later characters")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("encode")
    verb.add_argument("text")
    verb.add_argument("--out", type=pathlib.Path, required=True)
    verb = verbs.add_parser("decode")
    verb.add_argument("tokens")
    verb = verbs.add_parser("generate")
    verb.add_argument("model")
    verb.add_argument("--prompt", required=True)
    verb.add_argument("--out", required=True)
    verb = verbs.add_parser("begins")
    verb.add_argument("tokens")
    verb.add_argument("--prompt", required=True)
    args = parser.parse_args()
    if args.verb == "encode":
        args.out.write_text(json.dumps(encode(args.text)) + "\n")
    elif args.verb == "decode":
        print(decode(read_tokens(args.tokens)))
    elif args.verb == "generate":
        tokens, passes = generate(args.model, args.prompt, args.out)
        print(f"{args.prompt}|{decode(tokens)[len(args.prompt) :]}")
        print(f"{TOKENS - len(args.prompt)} characters in {passes} passes", file=sys.stderr)
    elif decode(read_tokens(args.tokens))[: len(args.prompt)] != args.prompt:
        print("rejected: the text does not begin with the prompt")
        return 1
    else:
        print("the text begins with the prompt")
    return 0


if __name__ == "__main__":
    sys.exit(main())
