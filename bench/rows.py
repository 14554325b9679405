"""Rows of the table: what was measured beside its gate and target and a lower bound of the same run. Standard library only.

A row: {"group", "name", "value", "min", "max", "unit", "gate", "target", "bound", "note"}; value None: not measured, the note says why.
Tested by bench/suite_test.py.
"""
import json
import statistics

import fit
from suite import BLOCKS, UNSLICED

ENDED = {"memory": "did not fit the memory that a process may take", "time": "did not end in time", "absent": "ONNX Runtime is not installed"}


def row(group, name, value, unit, gate=None, target=None, note="", low=None, high=None, bound=None):
    return dict(group=group, name=name, value=value, min=low, max=high, unit=unit, gate=gate, target=target, bound=bound, note=note)


def why_not(data):
    if data is None:
        return "not in this run"
    return ENDED.get(data["ended"], data.get("error", ""))


def result(data, name):
    """[median, least, largest, predicted] or None."""
    return data["results"].get(name) if data is not None and data.get("ended") == "well" else None


def slices(data):
    return len(data["slices"]) if data is not None and data.get("ended") == "well" else 0


def sum_of(data, count):
    return sum(s[count] for s in data["slices"])


def kernel_rows(steps, gates):
    found = []
    bounds = steps.get("kernel/bounds_bench", {})
    for k in gates["kernels"]:
        measured = next((fields[k["field"]] for name, fields in steps.get(f"kernel/{k['program']}", {}).items()
                         if name.startswith(k["filter"]) and k["field"] in fields), None)
        if not measured:
            found.append(row("kernels", k["name"], None, k["unit"], k["gate"], k["target"], "this machine or build lacks it"))
            continue
        values = sorted(v * k["scale"] for v in measured)
        value = statistics.median(values)
        bound = k.get("bound")
        speed = bound and bounds.get(bound["of"], {}).get("bytes_per_second")
        beside = None
        if speed:
            at_best = statistics.median(speed) * 1e-9 if k["unit"] == "GB/s" else bound["bytes"] / statistics.median(speed) * 1e9
            ratio = at_best / value if k["unit"] == "GB/s" else value / at_best
            beside = {"ratio": ratio, "what": bound["what"]}
        found.append(row("kernels", k["name"], value, k["unit"], k["gate"], k["target"], k["note"], values[0], values[-1], beside))
    return found


def model_rows(steps, gates):
    found = []
    for name, gate in gates["models"].items():
        data = steps.get(f"model/{name}/{gate['cut']}/1")
        for key, what, unit, scale in (("prove_ms", "prove", "ms", 1e3), ("memory_mb", "peak memory, prove", "MB", 1e-6),
                                       ("proof_mb", "proofs", "MB", 1e-6), ("verify_ms", "verify", "ms", 1e3)):
            if key not in gate:
                continue
            r, label = result(data, what), f"{name}, {gate['cut']}: {what}"
            if r is None:
                if data is not None:  # a model of another mode has no row here
                    found.append(row("models", label, None, unit, *gate[key], why_not(data)))
                continue
            run = steps.get(f"float/{name}")
            bound = None
            if key == "prove_ms" and run and run["ended"] == "well":
                bound = {"ratio": r[0] / run["run_s"][0], "what": "float inference"}
            found.append(row("models", label, r[0] * scale, unit, *gate[key], f"{slices(data)} slice(s)", r[1] * scale, r[2] * scale, bound))
    return found


def derived_rows(steps, gates):
    """Ratios and quotients of what was measured."""
    found = []
    vgg = steps.get(f"model/vgg16_cifar/{UNSLICED}/1")
    if result(vgg, "prove"):
        spent = sum(result(vgg, f"prove: {stage}")[0] for stage in ("functional", "last sumcheck") if result(vgg, f"prove: {stage}"))
        found.append(row("models", "last functional and sumcheck, a witness symbol (vgg16_cifar)", spent / sum_of(vgg, "witness_symbols") * 1e9,
                         "ns", *gates["last_ns"], "stages functional and last sumcheck"))
    names = [s.split("/")[1] for s in steps if s.startswith("float/")]
    for name in names:
        run = steps.get(f"run/{name}", {"ended": "absent"})
        if run["ended"] == "well":
            found.append(row("models", f"{name}: integer run, of float ONNX Runtime's time", run["ratio"], "x", *gates["run_ratio"],
                             f"one thread, in turns, least of many: {run['integer_us']:.4g} µs and {run['float_us']:.4g} µs"))
    for name in names:
        for cut in (UNSLICED, BLOCKS):
            one, two = (result(steps.get(f"model/{name}/{cut}/{n}"), "prove") for n in (1, 2))
            verbs = [steps.get(f"verbs/{name}/{cut}/{n}", {}).get("prove", {}) for n in (1, 2)]
            if one and two and cut == UNSLICED:
                found.append(row("two threads", f"{name}, {cut}: prove, one thread's time by two threads'", one[0] / two[0], "times",
                                 *gates["two_threads"]))
            if cut != UNSLICED and all(v.get("ended") == "well" for v in verbs):
                found.append(row("two threads", f"{name}, {cut}: the verb prove, slices side by side", verbs[0]["wall_s"] / verbs[1]["wall_s"],
                                 "times", *gates["two_threads"], f"{verbs[0]['wall_s']:.3g} s and {verbs[1]['wall_s']:.3g} s, files and all"))
    for name in names:
        whole, cut = (steps.get(f"model/{name}/{c}/1") for c in (UNSLICED, BLOCKS))
        a, b = result(whole, "prove"), result(cut, "prove")
        if a and b and slices(cut) > 1:
            memory = result(cut, "peak memory, prove")[0] / result(whole, "peak memory, prove")[0]
            found.append(row("slicing", f"{name}, {slices(cut)} slices: prove, of the time unsliced", b[0] / a[0], "x", *gates["slicing"],
                             f"memory of the largest slice x {memory:.2f}"))
    return found


CURVES = [("prove", "prove", 1), ("memory", "peak memory, prove", 1), ("verify", "verify", 0.5), ("proof", "proofs", 0.5)]


def curve(steps, family, what):
    """[(size, value)] of the finished points."""
    points = []
    for name, data in steps.items():
        parts = name.split("/")
        if len(parts) == 3 and parts[:2] == ["curve", family] and result(data, what):
            points.append((sum_of(data, "lookups" if family == "lookups" else "multiply_adds"), result(data, what)[0]))
    return sorted(points)


def growth_rows(steps):
    found = []
    for family, unit in (("lookups", "lookups"), ("macs", "multiply-adds with a weight each")):
        for label, what, wanted in CURVES:
            points = fit.largest(curve(steps, family, what))
            if len(points) >= 3:
                found.append(row("growth", f"{label} over {unit}: exponent", fit.exponent(points), "", None, wanted,
                                 f"{len(points)} sizes, {points[0][0]:.3g} to {points[-1][0]:.3g}"))
    return found


def rows(document, gates):
    steps = document["steps"]
    return kernel_rows(steps, gates) + model_rows(steps, gates) + derived_rows(steps, gates) + growth_rows(steps)


def verdict(r):
    if r["value"] is None or not isinstance(r["gate"], (int, float)):
        return ""
    more = r["unit"] in ("GB/s", "times")
    met = lambda limit: r["value"] >= limit if more else r["value"] <= limit
    if met(r["target"]):
        return "target met"
    by = lambda limit: limit / r["value"] if more else r["value"] / limit
    return f"gate met, target missed x {by(r['target']):.2f}" if met(r["gate"]) else f"gate missed x {by(r['gate']):.2f}"


def number(x):
    return "" if x is None else x if isinstance(x, str) else f"{x:.3g}" if abs(x) < 1000 else f"{x:.0f}"


def text(table):
    cells = [["name", "value", "min", "max", "unit", "gate", "target", "of bound", "verdict"]]
    for r in table:
        cells.append([r["name"], number(r["value"]), number(r["min"]), number(r["max"]), r["unit"], number(r["gate"]), number(r["target"]),
                      f"{r['bound']['ratio']:.1f}" if r["bound"] else "", verdict(r) or (r["note"] if r["value"] is None else "")])
    widths = [max(len(c[i]) for c in cells) for i in range(len(cells[0]))]
    return "\n".join("  ".join(x.ljust(w) if i in (0, 4, 8) else x.rjust(w) for i, (x, w) in enumerate(zip(c, widths))).rstrip() for c in cells)


def compact(document):
    """JSON with a line a step: readable differences, no million lines."""
    lines = [f"  {json.dumps(name)}: {json.dumps(rounded(data), separators=(',', ':'))}" for name, data in document["steps"].items()]
    return "{\n \"about\": " + json.dumps(document["about"]) + ",\n \"steps\": {\n" + ",\n".join(lines) + "\n }\n}\n"


def rounded(x):
    """Six digits are more than any measurement has."""
    if isinstance(x, float):
        return float(f"{x:.6g}")
    if isinstance(x, dict):
        return {k: rounded(v) for k, v in x.items()}
    return [rounded(v) for v in x] if isinstance(x, list) else x
