#!/usr/bin/env python3
"""Writes the measured parts of docs/benchmarks.md and the figures of docs/figures from the JSON kept in bench/results.

    bench/report.py           writes
    bench/report.py --check   fails if something would change (a test)

Text outside of `<!-- bench/report.py: NAME -->` ... `<!-- end -->` is people's and stays. Standard library only. Tested by
bench/suite_test.py.
"""
import argparse
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import fit  # noqa: E402
import machine  # noqa: E402
import peer_table  # noqa: E402
import plot  # noqa: E402
import rows  # noqa: E402
from suite import BLOCKS, MODELS, UNSLICED  # noqa: E402

HERE = Path(__file__).parent
DOCUMENT = HERE.parent / "docs" / "benchmarks.md"
FIGURES = HERE.parent / "docs" / "figures"
PART = re.compile(r"(<!-- bench/report\.py: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
NOTHING = "No such run is kept.\n"


def load(name):
    path = HERE / "results" / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def markdown(head, lines, right=()):
    rule = ["--:" if i in right else "---" for i in range(len(head))]
    return "\n".join("| " + " | ".join(r) + " |" for r in [head, rule, *lines]) + "\n"


def measured_steps(documents):
    """Steps of the default and the large run as one; the default's figures win."""
    steps = {}
    for d in (documents["large"], documents["default"]):
        steps.update(d["steps"] if d else {})
    return steps


def conditions(documents, gates):
    lines = []
    for name in ("default", "large", "peers"):
        d = documents[name]
        if d:
            lines.append(f"- {name}: {machine.in_words(d['about']['machine'])}; sources {d['about']['version']}."
                         + (f" {d['about']['note']}" if d["about"].get("note") else ""))
    return "\n".join(lines) + "\n" if lines else NOTHING


def targets(documents, gates):
    steps = measured_steps(documents)
    if not steps:
        return NOTHING
    table = rows.rows({"steps": steps}, gates)
    out = ""
    for group in dict.fromkeys(r["group"] for r in table):
        lines = []
        for r in (r for r in table if r["group"] == group):
            value = f"{rows.number(r['value'])} {r['unit']}".strip() if r["value"] is not None else "not measured"
            spread = f"{rows.number(r['min'])}..{rows.number(r['max'])}" if r["min"] is not None and r["min"] != r["max"] else ""
            bound = f"{r['bound']['ratio']:.3g} x {r['bound']['what']}" if r["bound"] else ""
            lines.append([r["name"], value, spread, rows.number(r["gate"]), rows.number(r["target"]), rows.verdict(r), bound, r["note"]])
        out += f"\n**{group}**\n\n" + markdown(["what", "measured", "min..max", "gate", "target", "", "of a lower bound", "note"], lines, (1, 2, 3, 4))
    return out


def machines(documents, gates):
    """The same networks on another machine, as far as a run of it is kept: one thread, unsliced."""
    both = [documents[name] for name in ("default", "default-2") if documents[name]]
    if len(both) < 2:
        return NOTHING
    lines = []
    for name in MODELS:
        found = [rows.result(d["steps"].get(f"model/{name}/{UNSLICED}/1"), "prove") for d in both]
        if all(found):
            lines.append([name, *(peer_table.seconds(r[0]) for r in found)])
    for name, pick in (("field multiplication", "run/mul_avx512"), ("copying in cache, 16 KiB", "copy/16384")):
        found = [next((f for kernel in d["steps"].values() if isinstance(kernel, dict) for n, f in kernel.items() if n.startswith(pick)), None)
                 for d in both]
        if all(found):
            field = "ns_per_element" if "ns_per_element" in found[0] else "bytes_per_second"
            lines.append([name, *(f"{sorted(f[field])[len(f[field]) // 2] * (1 if field[0] == 'n' else 1e-9):.3g} {'ns' if field[0] == 'n' else 'GB/s'}"
                                  for f in found)])
    head = ["prove, one thread", *(f"{machine.in_words(d['about']['machine'])}; sources {d['about']['version']}" for d in both)]
    return markdown(head, lines, (1, 2))


def models(documents, gates):
    """Every model and cut, one thread: the paper's table."""
    steps, lines = measured_steps(documents), []
    for name in MODELS:
        for step in [s for s in steps if s.startswith(f"model/{name}/") and s.endswith("/1")]:
            d, cut = steps[step], step.split("/")[2]
            if d["ended"] != "well":
                lines.append([name, cut, "", rows.why_not(d)] + [""] * 7)
                continue
            r = d["results"]
            verb = steps.get(step.replace("model/", "verbs/"), {}).get("prove", {})
            two = rows.result(steps.get(step[:-1] + "2"), "prove")
            lines.append([name, cut, str(len(d["slices"])), peer_table.seconds(r["run"][0]), peer_table.seconds(r["prove"][0]),
                          peer_table.seconds(two[0]) if two else "", peer_table.seconds(r["verify"][0]), peer_table.size(r["proofs"][0]),
                          peer_table.size(r["peak memory, prove"][0]), peer_table.size(verb.get("peak_bytes")), peer_table.seconds(r["compile"][0])])
    head = ["network", "cut", "slices", "witness", "prove", "on two threads", "verify", "proofs", "memory, largest slice", "memory, the verb prove", "compile"]
    return markdown(head, lines, range(2, 11)) if lines else NOTHING


def predictions(documents, gates):
    """What the plan said beside what was measured, one thread."""
    steps, lines = measured_steps(documents), []
    beside = lambda r, text: [text(r[0]), text(r[3]), f"{r[3] / r[0] - 1:+.0%}"]
    for name in MODELS:
        for step in [s for s in steps if s.startswith(f"model/{name}/") and s.endswith("/1") and steps[s]["ended"] == "well"]:
            r = steps[step]["results"]
            if "run, trees and proof" in r:
                lines.append([name, step.split("/")[2], *beside(r["run, trees and proof"], peer_table.seconds),
                              *beside(r["peak memory, prove"], peer_table.size), *beside(r["proofs"], peer_table.size)])
    head = ["network", "cut", "run, trees and proof", "predicted", "off by", "memory, process and all", "predicted", "off by", "proofs", "predicted", "off by"]
    return markdown(head, lines, range(2, 11)) if lines else NOTHING


def layers(documents, gates):
    d = measured_steps(documents).get(f"model/vgg16_cifar/{BLOCKS}/1")
    if not d or d["ended"] != "well":
        return NOTHING
    lines = []
    for i, s in enumerate(d["slices"]):
        prove, whole, verify, memory, proof = (d["results"][f"{what} {i}"] for what in (
            "prove slice", "run, trees and proof, slice", "verify slice", "peak memory, slice", "proof, slice"))
        lines.append([s["operators"], plot.number(s["multiply_adds"]), plot.number(s["lookups"]), peer_table.seconds(prove[0]),
                      peer_table.seconds(whole[0]), peer_table.seconds(whole[3]), peer_table.size(memory[0]), peer_table.size(memory[3]), peer_table.size(proof[0]),
                      peer_table.size(proof[3]), peer_table.seconds(verify[0])])
    head = ["slice", "multiply-adds", "lookups", "prove", "with run and trees", "predicted", "memory", "predicted", "proof", "predicted", "verify"]
    return markdown(head, lines, range(1, 11))


def stages(documents, gates):
    """Where the time goes, unsliced, one thread."""
    steps, names, lines = measured_steps(documents), [], []
    for name in MODELS:
        d = steps.get(f"model/{name}/{UNSLICED}/1")
        if d and d["ended"] == "well":
            found = {k.split(": ")[1]: v[0] for k, v in d["results"].items() if k.startswith("prove: ")}
            names = names or list(found)
            lines.append([name] + [peer_table.seconds(found.get(s)) for s in names])
    return markdown(["network", *names], lines, range(1, len(names) + 1)) if lines else NOTHING


def growth(documents, gates):
    steps, lines = measured_steps(documents), []
    for family, unit in (("lookups", "lookups"), ("macs", "multiply-adds")):
        for label, what, wanted in rows.CURVES:
            points = rows.curve(steps, family, what)
            if len(points) < 3:
                continue
            upper = fit.largest(points)
            fixed, per = fit.line(points)
            text = peer_table.seconds if what in ("prove", "verify") else peer_table.size
            line = f"{text(max(fixed, 0))} + {per * (1e9 if what in ('prove', 'verify') else 1):.3g} {'ns' if what in ('prove', 'verify') else 'bytes'} each"
            lines.append([f"{label} over {unit}", f"{fit.exponent(upper):.2f}", f"{wanted:g}", f"{len(upper)}", line,
                          text(points[-1][1]) + f" at {plot.number(points[-1][0])}"])
    return markdown(["curve", "exponent, upper half", "expected", "sizes", "line through all, least relative errors", "largest"], lines, (1, 2, 3)) if lines else NOTHING


def peers_part(documents, gates):
    if not documents["peers"]:
        return NOTHING
    cells = peer_table.cells(documents["peers"])
    about, chosen = documents["peers"]["about"], []
    for name in about["inner_columns"]:
        f = peer_table.facts(documents["peers"], name).get("EZKL")
        if f and f["settings"]["scales"]:
            s = f["settings"]
            chosen.append(f"{name}: scale {s['scales'][0]}, {s['inner_columns']} inner columns, {s['rows']} rows, 2^{s['logrows']} rows of the circuit")
    text = f"{' and '.join(about['packages'])}; {about['threads']} threads; a step is ended beyond {about['memory_gib']:g} GiB or {about['minutes']:g} minutes.\n"
    return text + (f"EZKL's settings: {'; '.join(chosen)}.\n" if chosen else "") + "\n" + markdown(cells[0], cells[1:], range(2, 12))


def figures(documents):
    """{file name: SVG} of what is kept."""
    steps, out = measured_steps(documents), {}
    for family, unit in (("lookups", "lookups"), ("macs", "multiply-adds")):
        times = {label: rows.curve(steps, family, what) for label, what in (("prove", "prove"), ("verify", "verify"))}
        bytes_ = {label: rows.curve(steps, family, what) for label, what in (("memory", "peak memory, prove"), ("proof", "proofs"))}
        if all(len(p) >= 3 for p in [*times.values(), *bytes_.values()]):
            out[f"growth_{family}_time.svg"] = plot.curves(f"Time over {unit}, one thread", unit, "seconds", times)
            out[f"growth_{family}_bytes.svg"] = plot.curves(f"Memory and proof over {unit}", unit, "bytes", bytes_)
    for what, unit, file in (("prove", "seconds, one thread", "sliced_prove.svg"), ("peak memory, prove", "bytes", "sliced_memory.svg")):
        groups = []
        for name in MODELS:
            entries = []
            for cut in (UNSLICED, BLOCKS):
                d = steps.get(f"model/{name}/{cut}/1")
                if d:
                    r = rows.result(d, what)
                    entries.append((cut, r and r[0], plot.number(r[0]) if r else "did not fit" if d["ended"] == "memory" else d["ended"]))
            if entries and any(v for _, v, _ in entries):
                groups.append((name, entries))
        if groups:
            out[file] = plot.bars(f"Sliced and unsliced: {what}", unit, groups)
    if documents["peers"]:
        for column, unit in (("prove", "seconds, two threads"), ("peak memory", "bytes")):
            groups = []
            for name in documents["peers"]["about"]["inner_columns"]:
                entries = [(system, f.get(column), plot.number(f[column]) if f.get(column) else f["ended"])
                           for system, f in peer_table.facts(documents["peers"], name).items() if system != "ONNX Runtime"]
                if any(v for _, v, _ in entries):
                    groups.append((name, entries))
            if groups:
                out[f"peers_{column.replace(' ', '_')}.svg"] = plot.bars(f"Peers: {column}", unit, groups)
    return out


PARTS = {"conditions": conditions, "machines": machines, "targets": targets, "models": models, "predictions": predictions, "layers": layers, "stages": stages, "growth": growth, "peers": peers_part}


def filled(text, documents, gates):
    """The document with its parts made anew; an unknown part is an error."""
    return PART.sub(lambda m: m.group(1) + "\n" + PARTS[m.group(2)](documents, gates) + "\n" + m.group(3), text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    documents = {name: load(name) for name in ("default", "default-2", "large", "peers")}
    gates = json.loads((HERE / "gates.json").read_text())
    wanted = {DOCUMENT: filled(DOCUMENT.read_text(), documents, gates), **{FIGURES / n: t for n, t in figures(documents).items()}}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    extra = [path for path in FIGURES.glob("*.svg") if path not in wanted] if FIGURES.exists() else []
    if args.check:
        for path in stale + extra:
            print(f"{path.relative_to(HERE.parent)} is not what bench/report.py makes of bench/results; run make bench-report")
        return 1 if stale or extra else 0
    FIGURES.mkdir(exist_ok=True)
    for path in stale:
        path.write_text(wanted[path])
    for path in extra:
        path.unlink()
    print(f"bench: {len(stale)} of {len(wanted)} files changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
