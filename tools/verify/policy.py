"""Which slices must be proved. docs/formats/policy.md."""

import re
import tomllib

from .verdict import Unsupported, Usage


def parse_slices(text):
    """"0,2-4" as a set."""
    slices = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part, re.ASCII)
        if not match or int(match[2] or match[1]) < int(match[1]) or int(match[2] or match[1]) >= 1 << 16:
            raise Usage(f'"{part.strip()}" is no slice number or range')
        slices.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return slices


def pattern(text):
    """A shell pattern as a regular expression over whole names."""
    out, i = "", 0
    while i < len(text):
        c = text[i]
        end = text.find("]", i + 3 if text[i + 1:i + 2] == "!" else i + 2) if c == "[" else -1
        if c == "\\" and i + 1 < len(text):
            i += 1
            out += re.escape(text[i])
        elif c == "[" and end > 0:
            inner = text[i + 1:end]
            out += "[" + ("^" if inner[0] == "!" else "") + re.escape(inner.lstrip("!")).replace(r"\-", "-") + "]"
            i = end
        else:
            out += {"*": ".*", "?": "."}.get(c, re.escape(c))
        i += 1
    return re.compile(out, re.DOTALL)


TREATMENT = re.compile(
    r"(proof|trust)|(replicate)\s*\(\s*(\d+)\s*(?:,\s*distinct\s*=\s*(?:operator|region|engine)\s*)?\)|"
    r"(audit)\s*\(\s*([0-9.]+(?:[eE][+-]?\d+)?)\s*(?:,\s*by\s*=\s*(?:reexec|proof)\s*)?\)", re.ASCII)


def kind(text):
    """Of a treatment (docs/trust/economics.md): "proof", "trust" or "receipts"; a text that is no treatment is an error."""
    words = {}
    for part in re.split(r"\+(?![^(]*\))", text):
        match = TREATMENT.fullmatch(part.strip(" \t\r\n"))
        word = match and (match[1] or match[2] or match[4])
        if not word or word in words:
            raise Usage(f'policy: "{part.strip()}" is no treatment')
        words[word] = match
        if word == "replicate" and not 2 <= int(match[3]) <= 64:
            raise Usage("policy: replicate takes 2 to 64 replicas")
        if word == "audit" and not 1e-9 <= number(match[5]) <= 1:
            raise Usage("policy: an audit rate lies between 1e-9 and 1")
    if len(words) > 1 and words.keys() & {"proof", "trust"}:
        raise Usage("policy: proof and trust stand alone")
    return next(iter(words)) if words.keys() & {"proof", "trust"} else "receipts"


def number(text):
    try:
        return float(text)
    except ValueError:
        raise Usage(f'policy: "{text}" is no number') from None


def expand(argument, key):
    """--policy TREATMENT or FILE: the set of slices that must be proved."""
    kinds = expand_kinds(argument, key)
    for i, of in enumerate(kinds):
        if of == "receipts":
            raise Unsupported(f"policy: slice {i} is to be replicated or audited, and receipts are not read here; "
                              "ask for proof or trust")
    return {i for i, of in enumerate(kinds) if of == "proof"}


def expand_kinds(argument, key):
    count = len(key.slices)
    try:
        return [kind(argument)] * count
    except Usage:
        with open(argument, "rb") as file:
            text = file.read().decode("utf-8")
    try:
        return [kind(text)] * count
    except Usage:
        pass
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Usage(f"policy: {error}") from error
    if set(document) - {"default", "rule", "strategy", "budget", "allowed", "stakes", "assumptions"}:
        raise Usage("policy: a policy has default, [[rule]], strategy, budget, allowed, [stakes] and [assumptions]")
    if "strategy" in document or document.get("default") == "plan":
        raise Usage("policy: this policy leaves treatments to a plan; give the plan's explicit policy, NAME.plan/policy.toml")
    if "budget" in document or "allowed" in document:
        raise Usage('policy: budget and allowed need default = "plan"')
    if not isinstance(document.get("rule", []), list):
        raise Usage("policy: rules are written as [[rule]]")
    for table in ("stakes", "assumptions"):  # what results are worth, not what must be proved
        if not isinstance(document.get(table, {}), dict):
            raise Usage(f"policy: {table} is written as [{table}]")
    kinds = [mode(document.get("default", "proof"))] * count
    for place, rule in enumerate(document.get("rule", []), start=1):
        if not isinstance(rule, dict) or "mode" not in rule or len(rule) != 2 or set(rule) - {"mode", "slices", "operator", "name"}:
            raise Usage(f"policy rule {place}: a rule has exactly one of slices, operator and name, and a mode")
        chosen = selected(rule, key, place)
        if not chosen:
            raise Usage(f"policy rule {place}: this rule matches no slice")
        of = mode(rule["mode"])
        kinds = [of if i in chosen else before for i, before in enumerate(kinds)]
    return kinds


def mode(text):
    if not isinstance(text, str):
        raise Usage("policy: expected a treatment as a text")
    return kind(text)


def selected(rule, key, number):
    selector = next(k for k in rule if k != "mode")
    if not isinstance(rule[selector], str) or not rule[selector]:
        raise Usage(f"policy rule {number}: expected a text that is not empty")
    if selector == "slices":
        slices = parse_slices(rule["slices"])
        if max(slices) >= len(key.slices):
            raise Usage(f"policy rule {number}: slice {max(slices)} does not exist")
        return slices
    if selector == "operator":
        return {i for i, s in enumerate(key.slices) if any(op.onnx_type == rule["operator"] for op in s.program.ops)}
    wanted = pattern(rule["name"])
    return {i for i, s in enumerate(key.slices)
            if any(wanted.fullmatch(name) for op in s.program.ops for name in [op.name, whole(op.name), *whole(op.name).split("+")])
            or any(wanted.fullmatch(name) for t in s.program.tensors for name in (t.name, whole(t.name)))}


def whole(name):
    """Of a part of an op or tensor, "conv1[rows 0:56]", the name of the whole."""
    return re.split(r"\[(?:images|rows|columns|channels|features|entries) [0-9]", name, maxsplit=1)[0]
