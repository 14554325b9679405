#!/usr/bin/env python3
"""Checks the known-answer vectors of this folder against an implementation of its own.

Python's standard library alone; written from docs/protocol/{commitments,transcript,argument}.md, docs/formats/{proof,dscert,dsk}.md
and the BLAKE3 specification, sharing no code with the C++: the field by Python's integers, the code by naive evaluation, BLAKE3 by
its definition. Of the small proofs it checks hashes, every challenge, all opened columns and the row combinations; the sumchecks in
between are the verifier's (verifier_check.py). Exit code 0 if all is as it should be.
"""

import json
import math
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent

# ---------------------------------------------------------------------------------------------------------------- BLAKE3

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED, CONTEXT, MATERIAL = (1 << i for i in range(7))
MASK = 0xFFFFFFFF


def schedules():
    order, out = list(range(16)), []
    for _ in range(7):
        out.append(tuple(order))
        order = [order[i] for i in PERMUTATION]
    return out


SCHEDULES = schedules()
QUARTERS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


def compress(chaining, block, counter, length, flags):
    """The sixteen words of one compression."""
    m = struct.unpack("<16I", block)
    s = list(chaining) + list(IV[:4]) + [counter & MASK, counter >> 32, length, flags]
    for order in SCHEDULES:
        for i, (a, b, c, d) in enumerate(QUARTERS):
            va, vb, vc, vd = s[a], s[b], s[c], s[d]
            va = (va + vb + m[order[2 * i]]) & MASK
            vd ^= va
            vd = (vd >> 16 | vd << 16) & MASK
            vc = (vc + vd) & MASK
            vb ^= vc
            vb = (vb >> 12 | vb << 20) & MASK
            va = (va + vb + m[order[2 * i + 1]]) & MASK
            vd ^= va
            vd = (vd >> 8 | vd << 24) & MASK
            vc = (vc + vd) & MASK
            vb ^= vc
            vb = (vb >> 7 | vb << 25) & MASK
            s[a], s[b], s[c], s[d] = va, vb, vc, vd
    return [s[i] ^ s[i + 8] for i in range(8)] + [s[i + 8] ^ chaining[i] for i in range(8)]


class Node:
    """The last compression of a chunk or parent, not yet made: as a root it gives any amount of output."""

    def __init__(self, chaining, block, counter, length, flags):
        self.args = (chaining, block, counter, length, flags)

    def chaining(self):
        return compress(*self.args)[:8]

    def output(self, offset, size):
        chaining, block, _, length, flags = self.args
        first, out = offset // 64, b""
        while len(out) < offset % 64 + size:
            out += struct.pack("<16I", *compress(chaining, block, first, length, flags | ROOT))
            first += 1
        return out[offset % 64 :][:size]


def chunk_node(key, data, counter, flags):
    chaining, blocks = key, max(1, -(-len(data) // 64))
    for i in range(blocks):
        block = data[64 * i : 64 * i + 64]
        f = flags | (CHUNK_START if i == 0 else 0) | (CHUNK_END if i + 1 == blocks else 0)
        node = Node(chaining, block.ljust(64, b"\0"), counter, len(block), f)
        if i + 1 < blocks:
            chaining = node.chaining()
    return node


def tree_node(key, data, flags, counter=0):
    if len(data) <= 1024:
        return chunk_node(key, data, counter, flags)
    left = 1024
    while 2 * left < len(data):
        left *= 2
    a = tree_node(key, data[:left], flags, counter).chaining()
    b = tree_node(key, data[left:], flags, counter + left // 1024).chaining()
    return Node(key, struct.pack("<16I", *a, *b), 0, 64, flags | PARENT)


def words(key):
    return struct.unpack("<8I", key)


def blake3(data):
    return tree_node(IV, data, 0).output(0, 32)


def keyed(key, data, offset=0, size=32):
    return tree_node(words(key), data, KEYED).output(offset, size)


def derive(context, data):
    key = tree_node(IV, context.encode(), CONTEXT).output(0, 32)
    return tree_node(words(key), data, MATERIAL).output(0, 32)


def u64(x):
    return struct.pack("<Q", x)


def tagged(context, parts):
    return derive(context, b"".join(u64(len(p)) + p for p in parts))


class SeedStream:
    def __init__(self, seed, label, index):
        self.key = tagged("dsperse seed stream v1", [seed, label.encode(), u64(index)])
        self.node, self.data, self.at = tree_node(words(self.key), bytes(64), KEYED), b"", 0

    def take(self, n):
        while len(self.data) < self.at + n:
            self.data += self.node.output(2 * len(self.data), 32)
        self.at += n
        return self.data[self.at - n : self.at]

    def element(self):
        while True:
            x = int.from_bytes(self.take(8), "little")
            if x < P:
                return x


# ----------------------------------------------------------------------------------------------------------------- field

P = 2**64 - 2**32 + 1
GENERATOR = 7


def inverse(x):
    return pow(x, -1, P) if x else 0


def root_of_unity(log_n):
    return pow(GENERATOR, (P - 1) >> log_n, P)


def add(a, b):
    return [(x + y) % P for x, y in zip(a, b)]


def multiply(a, b):
    """In F[X] / (X^d - 7)."""
    d = len(a)
    out = [0] * d
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            out[(i + j) % d] += x * y * (GENERATOR if i + j >= d else 1)
    return [x % P for x in out]


def scale(a, s):
    return [x * s % P for x in a]


# ------------------------------------------------------------------------------------------------------------------ code


def column_points(log_n):
    w = root_of_unity(log_n)
    return [GENERATOR * pow(w, j, P) % P for j in range(1 << log_n)]


def evaluate(row, x):
    out = 0
    for coefficient in reversed(row):
        out = (out * x + coefficient) % P
    return out


def evaluate_extension(word, x):
    out = [0] * len(word[0])
    for element in reversed(word):
        out = [(o * x + e) % P for o, e in zip(out, element)]
    return out


# ---------------------------------------------------------------------------------------------------------------- Merkle

LEAF_KEY, NODE_KEY = blake3(b"dsperse leaf v1"), blake3(b"dsperse node v1")


def leaf(salt, column):
    body = b"".join(map(u64, column))
    return keyed(LEAF_KEY, salt + u64(len(column)) + bytes(24) + body + bytes(-len(body) % 64))


def node(left, right):
    return keyed(NODE_KEY, left + right)


def root_from_opening(log_n, leaves, path):
    """leaves: {index: digest}. The root, or None if the path is too short or too long."""
    path = list(path)
    for _ in range(log_n):
        above = {}
        for i in sorted(leaves):
            if i >> 1 in above:
                continue
            if i ^ 1 in leaves:
                other = leaves[i ^ 1]
            elif path:
                other = path.pop(0)
            else:
                return None
            above[i >> 1] = node(leaves[i], other) if i & 1 == 0 else node(other, leaves[i])
        leaves = above
    return None if path else leaves[0]


# ------------------------------------------------------------------------------------------------------------ transcript


class Transcript:
    def __init__(self, domain):
        self.key, self.data = tagged("dsperse transcript v2", [domain.encode()]), b""

    def record(self, tag, label, kind, data):
        label, kind = label.encode(), kind.encode()
        self.data += bytes([tag]) + u64(len(label)) + u64(len(kind)) + u64(len(data)) + label + kind + data

    def absorb(self, label, kind, data):
        self.record(1, label, kind, data)

    def draw(self, label, kind, data):
        """An endless source of words; the next hasher's key is set at once."""
        self.record(2, label, kind, data)
        root = tree_node(words(self.key), self.data, KEYED)
        self.key, self.data = root.output(0, 32), b""
        offset = 32
        while True:
            for word in struct.unpack("<16Q", root.output(offset, 128)):
                yield word
            offset += 128

    def challenge(self, label, degree):
        source, out = self.draw(label, f"E{degree}", b""), []
        while len(out) < degree:
            word = next(source)
            if word < P:
                out.append(word)
        return out

    def work(self, label, bits, nonce):
        """Whether the nonce is good; absorbed in any case."""
        source = self.draw(label, "work", bytes([bits]))
        seed = struct.pack("<4Q", *(next(source) for _ in range(4)))
        self.absorb(label, "nonce", u64(nonce))
        stream = SeedStream(seed, "work", 0)
        first = int.from_bytes(stream.node.output(64 * nonce, 8), "little")
        return nonce < 1 << 48 and first % (1 << bits) == 0

    def columns(self, label, n, count):
        source, out = self.draw(label, "columns", u64(n) + u64(count)), set()
        first = next(source)
        while len(out) < min(n, count):
            out.add(first % n)
            if len(out) < min(n, count):
                first = next(source)
        return sorted(out)


# ---------------------------------------------------------------------------------------------------------------- checks

failures, checks = [], 0


def expect(what, got, wanted):
    global checks
    checks += 1
    if got != wanted:
        failures.append(f"{what}: {str(got)[:80]} instead of {str(wanted)[:80]}")


def ints(xs):
    return [int(x) for x in xs]


def load(name):
    return json.loads((HERE / name).read_text())


def check_field():
    v = load("field.json")
    expect("p", int(v["p"]), P)
    expect("generator", int(v["generator"]), GENERATOR)
    for e in v["elements"]:
        a, b = int(e["a"]), int(e["b"])
        expect("sum", int(e["sum"]), (a + b) % P)
        expect("difference", int(e["difference"]), (a - b) % P)
        expect("product", int(e["product"]), a * b % P)
        expect("inverse", int(e["inverse"]), inverse(a))
    for e in v["roots_of_unity"]:
        root, n = int(e["root"]), 1 << e["log_n"]
        expect("root", root, root_of_unity(e["log_n"]))
        expect("order", (pow(root, n, P), n == 1 or pow(root, n // 2, P)), (1, True if n == 1 else P - 1))
    for e in v["extension"]:
        a, b = ints(e["a"]), ints(e["b"])
        expect("sum in E", ints(e["sum"]), add(a, b))
        expect("difference in E", ints(e["difference"]), [(x - y) % P for x, y in zip(a, b)])
        expect("product in E", ints(e["product"]), multiply(a, b))
        one = [1] + [0] * (e["degree"] - 1)
        expect("inverse in E", multiply(a, ints(e["inverse"])), one)
    # X^d - 7 has no root: 7 is neither a square nor a cube.
    expect("7 is no square", pow(7, (P - 1) // 2, P), P - 1)
    expect("7 is no cube", pow(7, (P - 1) // 3, P) != 1 and (P - 1) % 3 == 0, True)


def counting(n):
    return bytes(i % 251 for i in range(n))


def check_hash():
    # The specification's own value of the empty input, so that both sides being wrong alike would show.
    expect("BLAKE3", blake3(b"").hex(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262")
    v = load("hash.json")
    for e in v["plain"]:
        expect("hash", blake3(counting(e["bytes"])).hex(), e["digest"])
    for e in v["keyed"]:
        key, data = bytes.fromhex(e["key"]), counting(e["bytes"])
        expect("keyed", keyed(key, data).hex(), e["digest"])
        expect("output", keyed(key, data, e["offset"], len(e["output"]) // 2).hex(), e["output"])
    for e in v["tagged"]:
        expect("tagged", tagged(e["context"], [bytes.fromhex(p) for p in e["parts"]]).hex(), e["digest"])
    for e in v["seed_streams"]:
        args = bytes.fromhex(e["seed"]), e["label"], int(e["index"])
        expect("stream", SeedStream(*args).take(len(e["bytes"]) // 2).hex(), e["bytes"])
        stream = SeedStream(*args)
        expect("elements", [stream.element() for _ in e["elements"]], ints(e["elements"]))


def check_code():
    v = load("code.json")
    for e in v["rows"]:
        row, points = ints(e["row"]), column_points(e["log_n"])
        expect("row", len(row), (1 << e["c"]) + e["r"])
        expect("points", ints(e["points"]), points)
        expect("word", ints(e["word"]), [evaluate(row, x) for x in points])
    for e in v["words"]:
        word, points = [ints(x) for x in e["word"]], column_points(e["code"]["log_n"])
        expect("word over E", [ints(x) for x in e["values"]], [evaluate_extension(word, points[j]) for j in e["columns"]])


def check_merkle():
    for e in load("merkle.json")["trees"]:
        code, rows, cells = e["code"], e["rows"], ints(e["cells"])
        k, n = (1 << code["c"]) + code["r"], 1 << code["log_n"]
        points, seed = column_points(code["log_n"]), bytes.fromhex(e["salt_seed"])
        salts = SeedStream(seed, "salts", 0).take(32 * n)
        salts = [salts[32 * j : 32 * j + 32] for j in range(n)]
        columns = [[evaluate(cells[k * i : k * i + k], x) for i in range(rows)] for x in points]
        levels = [[leaf(s, c) for s, c in zip(salts, columns)]]
        while len(levels[-1]) > 1:
            levels.append([node(*levels[-1][i : i + 2]) for i in range(0, len(levels[-1]), 2)])
        root = bytes.fromhex(e["root"])
        expect("root", root, levels[-1][0])
        for o in e["openings"]:
            expect("columns", ints(o["values"]), [x for j in o["columns"] for x in columns[j]])
            expect("salts", [bytes.fromhex(s) for s in o["salts"]], [salts[j] for j in o["columns"]])
            path = [bytes.fromhex(d) for d in o["path"]]
            leaves = {j: levels[0][j] for j in o["columns"]}
            expect("path", root_from_opening(code["log_n"], leaves, path), root)
            expect("a longer path", root_from_opening(code["log_n"], leaves, path + [root]), None)


def check_transcript():
    for v in load("transcript.json")["transcripts"]:
        t = Transcript(v["domain"])
        for e in v["calls"]:
            if "absorb" in e:
                t.absorb(e["absorb"], e["kind"], bytes.fromhex(e["data"]))
            elif "work" in e:
                expect("nonce", t.work(e["work"], e["bits"], e["nonce"]), True)
            elif e["kind"] == "columns":
                expect("columns", t.columns(e["draw"], e["n"], e["count"]), e["drawn"])
            else:
                expect("challenge", t.challenge(e["draw"], int(e["kind"][1])), ints(e["drawn"]))


def eq_at(point, index):
    """Product over the variables: variable b is bit b of the index."""
    one = [1] + [0] * (len(point[0]) - 1) if point else [1]
    out = one
    for b, x in enumerate(point):
        out = multiply(out, x if index >> b & 1 else [(o - y) % P for o, y in zip(one, x)])
    return out


class Proof:
    """A small proof: its bytes by docs/formats/proof.md with the key's numbers (`layout`), its transcript by `records`."""

    def __init__(self, name):
        self.v = load(name)
        self.d = 2 if self.v["profile"] == 100 else 3
        self.key = (HERE / self.v["key"]["file"]).read_bytes()
        self.certificate = (HERE / self.v["certificate"]["file"]).read_bytes()
        place = self.v["proof"]
        self.bytes = self.certificate[place["at"] : place["at"] + place["bytes"]]
        self.at = 0

    def take(self, n):
        self.at += n
        return self.bytes[self.at - n : self.at]

    def elements(self, n):
        out = list(struct.unpack(f"<{n}Q", self.take(8 * n)))
        expect("canonical", all(x < P for x in out), True)
        return out

    def exts(self, n):
        flat = self.elements(self.d * n)
        return [flat[self.d * i : self.d * i + self.d] for i in range(n)]

    def check_files(self):
        v, key, cert = self.v, self.key, self.certificate
        expect("key", blake3(key).hex(), v["key"]["blake3"])
        expect("certificate", blake3(cert).hex(), v["certificate"]["blake3"])
        # dsk: magic, one slice (body without weights, empty range proof), graph. The body: profile, slack and work, program, ports,
        # five options, eight geometries.
        at = 12 + 3
        at += 4 + int.from_bytes(key[at : at + 4], "little")
        ports = []
        for _ in ("inputs", "outputs"):
            count = int.from_bytes(key[at : at + 4], "little")
            ports += [struct.unpack_from("<IIB", key, at + 4 + 9 * i) for i in range(count)]
            at += 4 + 9 * count
        at += 4 + 8 + 4 + 4 + 1 + 8 * 20
        digest = tagged("dsperse slice key v3", [key[12:at]])
        expect("digest of the slice key", digest.hex(), v["slice_key_digest"])
        expect("range proof", key[at : at + 4], bytes(4))
        text = v["protocol"].encode()
        body = struct.pack("<I", len(text)) + text + bytes([v["profile"]]) + struct.pack("<I", 1) + digest + key[at + 4 :]
        model = tagged("dsperse model id v1", [body])
        expect("model id", model.hex(), v["model_id"])
        # dscert: magic, model id, nonce, salt, table, one slice proof.
        expect("certificate's model", cert[8:40], model)
        size = int.from_bytes(cert[40:44], "little")
        nonce, salt = cert[44 : 44 + size], cert[44 + size : 76 + size]
        run = tagged("dsperse run id v1", [model, nonce, salt])
        expect("run id", run.hex(), v["run_id"])
        at, table = 76 + size, []
        for _ in ports:
            start, kind = at, cert[at + 4]
            at += 5 + (32 if kind == 1 else 4 + 4 * int.from_bytes(cert[at + 5 : at + 9], "little"))
            table.append(cert[start:at])
        boundaries = b"".join(table[chunk] for _, chunk, _ in ports)
        statement = digest + b"\0" + bytes(4) + run + bytes(4) + struct.pack("<I", len(ports)) + boundaries
        expect("statement", statement.hex(), v["statement"])
        expect("place of the proof", at + 4 + 4 + 4 + 4 + 4, v["proof"]["at"])
        return digest, statement

    def check_transcript(self, digest, statement):
        """Replays the records; the challenges of the last sumcheck, eps, and what was drawn for columns."""
        t = Transcript(self.v["protocol"])
        heads, roots, xs, eps, columns, counts = [], [], [], None, [], {}
        for what, label, *rest in self.v["records"]:
            if what == "absorb":
                data = bytes.fromhex(rest[1])
                t.absorb(label, rest[0], data)
                (heads if rest[0] == "head" else roots).append((label, data))
            elif what == "message":
                kind, at, size = rest
                counts[label] = counts.get(label, 0) + size // (8 * self.d)
                t.absorb(label, kind, self.bytes[at : at + size])
            elif what == "work":
                bits, at = rest
                expect("bits of work", bits, self.v["layout"]["work"])
                expect(label, t.work(label, bits, int.from_bytes(self.bytes[at : at + 8], "little")), True)
            elif what == "columns":
                n, count, drawn = rest
                columns.append(t.columns(label, n, count))
                expect(label, columns[-1], drawn)
            else:
                x = t.challenge(label, self.d)
                expect(f"challenge {label}", x, ints(rest[1]))
                xs.append((label, x))
                eps = x if label == "eps" else eps
        expect("heads", heads, [("vk", digest), ("statement", statement)])
        layout = self.v["layout"]
        expect("clear messages", counts["e"] + counts["d"], 2 * layout["slots"])
        expect("last messages", counts["last"], 2 * layout["vars"])
        other = sum(n for label, n in counts.items() if label not in ("e", "d", "last", "v", "u", "h", "u_end"))
        expect("hidden messages", other, layout["pads"])
        after_eta = [i for i, (label, _) in enumerate(xs) if label == "eta"][-1]
        point = [x for label, x in xs[after_eta + 1 :] if label == "x"]
        expect("variables", len(point), layout["vars"])
        return roots, point, eps, columns

    def check_bytes(self, roots, point, eps, columns):
        layout, d = self.v["layout"], self.d
        groups, end = layout["groups"], layout["end"]
        expect("magic", self.take(8), b"DSPRF002")
        fresh = [self.take(32) for _ in groups] + [self.take(32)]
        self.take(16)  # the nonces
        hidden = self.exts(layout["pads"])
        clear, last = self.exts(2 * layout["slots"]), self.exts(2 * layout["vars"])
        v = self.exts(len(groups))
        u = [self.exts((1 << g["c"]) + g["r"]) for g in groups]
        self.exts(1)  # h
        u_end = self.exts((1 << end["c"]) + end["r"])
        expect("messages", (len(hidden), len(clear), len(last)), (layout["pads"], 2 * layout["slots"], 2 * layout["vars"]))
        # Roots as they were absorbed: rows, c, r, log n, t, root.
        shapes = [(g, tree) for g in groups for tree in g["trees"]] + [(end, {"label": "end", "rows": 2 * d})]
        expect("number of roots", len(roots), len(shapes))
        digests = []
        for (label, data), (g, tree) in zip(roots, shapes):
            wanted = u64(tree["rows"]) + struct.pack("<IQII", g["c"], g["r"], g["log_n"], g["t"])
            expect("absorbed root", (label, data[:-32]), (tree["label"], wanted))
            digests.append(data[-32:])
        at = 0
        for i, g in enumerate(groups):
            expect("fresh root", digests[at + len(g["trees"]) - 1], fresh[i])
            at += len(g["trees"])
        expect("end root", digests[-1], fresh[-1])
        tree_at = 0
        for i, g in enumerate(groups):
            low, row_vars = point[: g["c"]], point[g["c"] : g["vars"]]
            value = [0] * d
            for j in range(1 << g["c"]):
                value = add(value, multiply(eq_at(low, j), u[i][j]))
            expect("u evaluates to v", value, v[i])
            rows = sum(tree["rows"] for tree in g["trees"]) - d
            weights = [eq_at(row_vars, j) for j in range(rows + 1)]
            mask = weights.pop()
            weights += [multiply(mask, [int(l == m) for m in range(d)]) for l in range(d)]
            opened = [self.opening(g, tree["rows"], digests[tree_at + k], columns[i]) for k, tree in enumerate(g["trees"])]
            tree_at += len(g["trees"])
            self.columns_agree(g, u[i], columns[i], weights, opened)
        opened = [self.opening(end, 2 * d, digests[-1], columns[-1])]
        basis = [[int(l == m) for m in range(d)] for l in range(d)]
        self.columns_agree(end, u_end, columns[-1], [multiply(eps, b) for b in basis] + basis, opened)
        expect("all bytes are read", self.at, len(self.bytes))

    def opening(self, g, rows, root, columns):
        expect("number of columns", len(columns), g["t"])
        flat = self.elements(rows * g["t"])
        values = [flat[rows * i : rows * i + rows] for i in range(g["t"])]
        salts = [self.take(32) for _ in range(g["t"])]
        path = [self.take(32) for _ in range(int.from_bytes(self.take(4), "little"))]
        leaves = {j: leaf(s, c) for j, s, c in zip(columns, salts, values)}
        expect("Merkle root", root_from_opening(g["log_n"], leaves, path), root)
        return values

    def columns_agree(self, g, word, columns, weights, opened):
        w = root_of_unity(g["log_n"])
        for i, j in enumerate(columns):
            column = [x for values in opened for x in values[i]]
            combined = [0] * self.d
            for weight, x in zip(weights, column):
                combined = add(combined, scale(weight, x))
            expect("column", evaluate_extension(word, GENERATOR * pow(w, j, P) % P), combined)
            expect("weights", len(weights), len(column))


def check_proofs():
    for name in ("proof-100.json", "proof-128.json", "rows-100.json"):
        proof = Proof(name)
        proof.check_bytes(*proof.check_transcript(*proof.check_files()))


def check_values():
    """rows-100: the integers of a layer norm, a product, a masked softmax and a product, by docs/semantics.md."""
    values = load("rows-100.json")["values"]

    def rounded(acc, shift, bits):
        top = (1 << bits - 1) - 1
        return min(max((acc + (1 << shift - 1)) >> shift, -top), top)

    def rows(x, n):
        return [x[i : i + n] for i in range(0, len(x), n)]

    norm = []  # epsilon 3, root of 14 bits, shift 6 to 5 bits
    for row in rows(values["t0"], 4):
        mean = (2 * sum(row) + 2) // 4
        c = [2 * x - mean for x in row]
        d = math.isqrt((1 << 14) // (sum(x * x for x in c) // 4 + 3))
        norm += [rounded(x * (2 * d + 1), 6, 5) for x in c]
    expect("layer norm", norm, values["t1"])
    scores = [rounded(sum(a * b for a, b in zip(u, v)), 4, 5) for u in rows(norm, 4) for v in rows(norm, 4)]
    expect("scores", scores, values["t2"])
    softmax = []  # numerators of 9 bits, steps of a quarter, reciprocal of 15 bits; the first row sees its first entry alone
    for row, visible in zip(rows(scores, 2), ((1, 0), (1, 1))):
        largest = max(x for x, seen in zip(row, visible) if seen)
        e = [math.floor(512 * math.exp((x - largest) / 4) + 0.5) if seen else 0 for x, seen in zip(row, visible)]
        softmax += [min((x * ((1 << 15) // sum(e)) + (1 << 10)) >> 11, 16) for x in e]
    expect("softmax", softmax, values["t3"])
    x = rows(values["t0"], 4)
    mixed = [rounded(sum(p * x[k][j] for k, p in enumerate(row)), 4, 6) for row in rows(softmax, 2) for j in range(4)]
    expect("mixed", mixed, values["t4"])


def main():
    for check in (check_field, check_hash, check_code, check_merkle, check_transcript, check_proofs, check_values):
        before = checks
        check()
        print(f"{check.__name__[6:]}: {checks - before} checks")
    for failure in failures[:20]:
        print("wrong:", failure)
    print(f"{len(failures)} of {checks} checks failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
