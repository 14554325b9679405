"""The table of peers out of the document of bench/peers.py. Standard library only. Tested by bench/suite_test.py."""
import peers
import rows

SYSTEMS = ("dsperse", "EZKL", "ONNX Runtime")
HEAD = ["model", "system", "set-up", "witness", "prove", "verify", "prove, CPU time", "peak memory", "verifying key", "proving key", "proof",
        "mean error", "security", "zero knowledge", "weights hidden"]
ENDED = {"memory": "did not fit", "time": "did not end", "failed": "failed"}


def seconds(x):
    return "" if x is None else f"{x * 1e6:.0f} µs" if x < 1e-3 else f"{x * 1e3:.3g} ms" if x < 1 else f"{x:.3g} s"


def size(x):
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if x is not None and x >= limit:
            return f"{x / limit:.3g} {unit}"
    return "" if x is None else f"{x:.0f} B"


def ended(step, limits):
    if step["ended"] == "memory":
        return f"did not fit {limits['memory_gib']:g} GiB"
    if step["ended"] == "time":
        return f"did not end in {limits['minutes']:g} minutes"
    return f"failed: {step.get('error', '')[:80]}"


def wall(found, names):
    """Sum over these steps; None if one is missing or did not end well."""
    steps = [found.get(n) for n in names]
    return sum(s["wall_s"] for s in steps) if all(s and s["ended"] == "well" for s in steps) else None


def facts(document, name):
    """{system: {column: value}} of one model; times in seconds, sizes in bytes."""
    steps, about = document["steps"], document["about"]
    floats, ours, theirs = (steps.get(f"{s}/{name}{t}") for s, t in (("onnxruntime", ""), ("dsperse", ""), ("ezkl", "/proof")))
    expected = floats.get("outputs") if floats else None
    out = {}
    if ours:
        inner = rows.result(steps.get(f"bench/{name}"), "prove")
        out["dsperse"] = {"prove, CPU time": processor(ours), "set-up": wall(ours, ["slice", "compile"]), "witness": wall(ours, ["run"]), "prove": wall(ours, ["prove"]),
                          "prove inside": inner and inner[0],
                          "verify": wall(ours, ["verify"]), "peak memory": peak(ours), "verifying key": ours.get("key_bytes"),
                          "proving key": ours.get("proving_key_bytes"), "proof": ours.get("proof_bytes"),
                          "mean error": peers.mean_error(ours["outputs"], expected) if expected and "outputs" in ours else None,
                          "ended": trouble(ours, about)}
    if theirs:
        outputs = theirs.get("witness", {}).get("outputs")
        out["EZKL"] = {"prove, CPU time": processor(theirs), "set-up": wall(theirs, ["settings", "calibrate", "compile", "srs", "setup"]), "witness": wall(theirs, ["witness"]),
                       "prove": wall(theirs, ["prove"]), "verify": wall(theirs, ["verify"]), "peak memory": peak(theirs),
                       "verifying key": theirs.get("setup", {}).get("key_bytes"), "proving key": theirs.get("setup", {}).get("proving_key_bytes"),
                       "proof": theirs.get("prove", {}).get("proof_bytes"),
                       "mean error": peers.mean_error(outputs, expected) if expected and outputs else None, "ended": trouble(theirs, about),
                       "settings": {k: theirs.get("calibrate", {}).get(k) for k in ("scales", "inner_columns", "logrows", "rows")}}
    if floats and floats["ended"] == "well":
        out["ONNX Runtime"] = {"witness": floats["run_s"][0], "peak memory": floats["peak_bytes"], "ended": ""}
    return out


def peak(found):
    return max((s["peak_bytes"] for s in found.values() if isinstance(s, dict) and "peak_bytes" in s), default=None)


def processor(found):
    """Seconds of processor time of the step prove; None if it did not end well."""
    step = found.get("prove", {"ended": "absent"})
    return step["user_s"] + step["system_s"] if step["ended"] == "well" else None


def trouble(found, about):
    """"" or which step did not end well, and how."""
    return next((f"{n}: {ended(s, about)}" for n, s in found.items() if isinstance(s, dict) and s.get("ended", "well") != "well"), "")


CLAIMS = {"dsperse": ["100 bits, hashes", "yes", "yes"], "EZKL": ["about 100 bits, BN254 pairing, trusted set-up", "yes", "by unblinded commitments"],
          "ONNX Runtime": ["no proof", "", ""]}


def cells(document):
    """[head, rows...] of texts."""
    table = [HEAD]
    for name in document["about"]["inner_columns"]:
        for system, f in facts(document, name).items():
            line = [name, system] + [seconds(f.get(k)) for k in HEAD[2:7]] + [size(f.get(k)) for k in HEAD[7:11]]
            line.append("" if f.get("mean error") is None else f"{f['mean error']:.2g}")
            line += CLAIMS[system]
            if f.get("prove inside"):
                line[4] += f" ({seconds(f['prove inside'])} the proof itself)"
            if f["ended"]:
                first = next(i for i in range(2, 6) if not line[i]) if "" in line[2:6] else 4
                line[first] = f["ended"]
            table.append(line)
    return table


def text(document):
    table = cells(document)
    widths = [max(len(r[i]) for r in table) for i in range(len(HEAD))]
    return "\n".join("  ".join(x.ljust(w) for x, w in zip(r, widths)).rstrip() for r in table)
