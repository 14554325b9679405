"""BLAKE3: hash, keyed hash, key derivation, extendable output. From the BLAKE3 paper, section 2; slow and plain.

docs/protocol/transcript.md, "Tagged hashes", says how this protocol uses it.
"""

import struct

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED_HASH, DERIVE_KEY_CONTEXT, DERIVE_KEY_MATERIAL = (1 << i for i in range(7))
MASK = 0xFFFFFFFF
CHUNK_BYTES, BLOCK_BYTES = 1024, 64

# The order of the message words in each of the seven rounds.
SCHEDULE = [tuple(range(16))]
for _ in range(6):
    SCHEDULE.append(tuple(SCHEDULE[-1][i] for i in PERMUTATION))
# Which words of the state a round mixes: four columns, then four diagonals.
QUARTERS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
            (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


def compress(chaining, words, counter, length, flags):
    """The compression function: 16 words of state from 8 words of chaining value and 16 of message."""
    v = [*chaining, *IV[:4], counter & MASK, counter >> 32, length, flags]
    for order in SCHEDULE:
        for i, (a, b, c, d) in enumerate(QUARTERS):
            va = (v[a] + v[b] + words[order[2 * i]]) & MASK
            x = v[d] ^ va
            x = (x >> 16) | (x << 16) & MASK
            vc = (v[c] + x) & MASK
            y = v[b] ^ vc
            y = (y >> 12) | (y << 20) & MASK
            va = (va + y + words[order[2 * i + 1]]) & MASK
            x ^= va
            x = (x >> 8) | (x << 24) & MASK
            vc = (vc + x) & MASK
            y ^= vc
            v[a], v[b], v[c], v[d] = va, (y >> 7) | (y << 25) & MASK, vc, x
    return [v[i] ^ v[i + 8] for i in range(8)] + [v[i + 8] ^ chaining[i] for i in range(8)]


class Output:
    """The last compression of a hash, not yet finished: a chaining value, or the root's extendable output."""

    def __init__(self, chaining, words, counter, length, flags):
        self.input = (chaining, words, counter, length, flags)

    def chaining(self):
        return compress(*self.input)[:8]

    def root_block(self, block):
        """Bytes [64 block, 64 block + 64) of the extendable output."""
        chaining, words, _, length, flags = self.input
        return struct.pack("<16I", *compress(chaining, words, block, length, flags | ROOT))

    def root_bytes(self, count):
        return b"".join(self.root_block(block) for block in range(-(-count // 64)))[:count]


def words_of(block):
    return struct.unpack("<16I", block.ljust(BLOCK_BYTES, b"\0"))


def chunk_output(key, chunk, counter, flags):
    chaining = key
    blocks = [chunk[i:i + BLOCK_BYTES] for i in range(0, len(chunk), BLOCK_BYTES)] or [b""]
    start = CHUNK_START
    for block in blocks[:-1]:
        chaining = compress(chaining, words_of(block), counter, BLOCK_BYTES, flags | start)[:8]
        start = 0
    return Output(chaining, words_of(blocks[-1]), counter, len(blocks[-1]), flags | start | CHUNK_END)


def tree_output(key, data, first_chunk, flags):
    """The output of the subtree over `data`, whose first chunk has number `first_chunk`."""
    if len(data) <= CHUNK_BYTES:
        return chunk_output(key, data, first_chunk, flags)
    chunks = (len(data) + CHUNK_BYTES - 1) // CHUNK_BYTES
    left_chunks = 1 << ((chunks - 1).bit_length() - 1)  # the largest power of two that leaves at least one chunk on the right
    split = left_chunks * CHUNK_BYTES
    left = tree_output(key, data[:split], first_chunk, flags).chaining()
    right = tree_output(key, data[split:], first_chunk + left_chunks, flags).chaining()
    return Output(key, left + right, 0, BLOCK_BYTES, flags | PARENT)


def hash_bytes(data, count=32):
    return tree_output(list(IV), data, 0, 0).root_bytes(count)


def keyed(key, data, count=32):
    return tree_output(list(struct.unpack("<8I", key)), data, 0, KEYED_HASH).root_bytes(count)


def derive_key(context, material, count=32):
    context_key = tree_output(list(IV), context, 0, DERIVE_KEY_CONTEXT).root_bytes(32)
    return tree_output(list(struct.unpack("<8I", context_key)), material, 0, DERIVE_KEY_MATERIAL).root_bytes(count)


def hash_tagged(context, *parts):
    """docs/protocol/transcript.md, "Tagged hashes"."""
    return derive_key(context.encode(), b"".join(struct.pack("<Q", len(part)) + part for part in parts))


def seed_stream_block(seed, label, index, block):
    """Bytes [32 block, 32 block + 32) of a seed stream. docs/protocol/transcript.md, "Seed streams"."""
    key = hash_tagged("dsperse seed stream v1", seed, label.encode(), struct.pack("<Q", index))
    output = tree_output(list(struct.unpack("<8I", key)), bytes(64), 0, KEYED_HASH)
    return output.root_block(block)[:32]
