"""BLAKE3: hash, keyed hash, key derivation, extendable output. From the BLAKE3 paper, section 2.

docs/protocol/transcript.md, "Tagged hashes", says how this protocol uses it.

Messages of one length are hashed beside each other: where the paper has a word of 32 bits, an int here has one in the low half of
each 64 bits, a lane for each message. Sums of three words and shifts by less than 32 stay in their lane. `ones` is 1 in each lane.
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
# Which words of the state a round mixes (four columns, then four diagonals), and the two message words that go in.
QUARTERS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
            (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
STEPS = [(*quarter, order[2 * i], order[2 * i + 1]) for order in SCHEDULE for i, quarter in enumerate(QUARTERS)]


def compress(chaining, words, counter, length, flags, ones):
    """The compression function: 16 words of state from 8 words of chaining value and 16 of message."""
    mask = MASK * ones
    v = [*chaining, *(ones * word for word in (*IV[:4], counter & MASK, counter >> 32, length, flags))]
    for a, b, c, d, first, second in STEPS:
        va, vb, vc, x = v[a], v[b], v[c], v[d]
        va = (va + vb + words[first]) & mask
        x ^= va
        x = (x >> 16 | x << 16) & mask
        vc = (vc + x) & mask
        vb ^= vc
        vb = (vb >> 12 | vb << 20) & mask
        va = (va + vb + words[second]) & mask
        x ^= va
        x = (x >> 8 | x << 24) & mask
        vc = (vc + x) & mask
        vb ^= vc
        v[a], v[b], v[c], v[d] = va, (vb >> 7 | vb << 25) & mask, vc, x
    return [v[i] ^ v[i + 8] for i in range(8)] + [v[i + 8] ^ chaining[i] for i in range(8)]


class Output:
    """The last compression of a hash, not yet finished: a chaining value, or the root's extendable output."""

    def __init__(self, chaining, words, counter, length, flags, ones):
        self.input = (chaining, words, counter, length, flags, ones)

    def chaining(self):
        return compress(*self.input)[:8]

    def root_blocks(self, block):
        """Bytes [64 block, 64 block + 64) of each message's extendable output."""
        chaining, words, _, length, flags, ones = self.input
        lanes = (ones.bit_length() + 63) // 64
        state = compress(chaining, words, block, length, flags | ROOT, ones)
        state = [struct.unpack(f"<{lanes}Q", word.to_bytes(8 * lanes, "little")) for word in state]
        return [struct.pack("<16I", *words) for words in zip(*state)]

    def root_bytes(self, count):
        """Of one message alone."""
        return b"".join(self.root_blocks(block)[0] for block in range(-(-count // BLOCK_BYTES)))[:count]


def words_of(messages, ones):
    """Blocks of 16 words of messages of one length, in lanes."""
    blocks = max(1, -(-len(messages[0]) // BLOCK_BYTES))
    words = struct.unpack(f"<{16 * blocks * len(messages)}I", b"".join(m.ljust(BLOCK_BYTES * blocks, b"\0") for m in messages))
    if ones == 1:
        return [words[i:i + 16] for i in range(0, 16 * blocks, 16)]
    lanes = [int.from_bytes(struct.pack(f"<{len(messages)}Q", *words[i::16 * blocks]), "little") for i in range(16 * blocks)]
    return [lanes[i:i + 16] for i in range(0, 16 * blocks, 16)]


def chunk_output(key, blocks, length, counter, flags, ones):
    chaining = key
    start = CHUNK_START
    for words in blocks[:-1]:
        chaining = compress(chaining, words, counter, BLOCK_BYTES, flags | start, ones)[:8]
        start = 0
    return Output(chaining, blocks[-1], counter, length - BLOCK_BYTES * (len(blocks) - 1), flags | start | CHUNK_END, ones)


def tree_output(key, blocks, length, first_chunk, flags, ones):
    """The output of the subtree over messages of `length` bytes, whose first chunk has number `first_chunk`."""
    if length <= CHUNK_BYTES:
        return chunk_output(key, blocks, length, first_chunk, flags, ones)
    chunks = (length + CHUNK_BYTES - 1) // CHUNK_BYTES
    left_chunks = 1 << ((chunks - 1).bit_length() - 1)  # the largest power of two that leaves at least one chunk on the right
    split, blocks_left = left_chunks * CHUNK_BYTES, left_chunks * CHUNK_BYTES // BLOCK_BYTES
    left = tree_output(key, blocks[:blocks_left], split, first_chunk, flags, ones).chaining()
    right = tree_output(key, blocks[blocks_left:], length - split, first_chunk + left_chunks, flags, ones).chaining()
    return Output(key, left + right, 0, BLOCK_BYTES, flags | PARENT, ones)


def output_of(key, messages, flags):
    """Of messages of one length; key: 8 words."""
    ones = sum(1 << 64 * i for i in range(len(messages)))
    return tree_output([word * ones for word in key], words_of(messages, ones), len(messages[0]), 0, flags, ones)


def hash_bytes(data, count=32):
    return output_of(IV, [data], 0).root_bytes(count)


def keyed_output(key, *messages):
    """The unfinished keyed hashes of messages of one length."""
    return output_of(struct.unpack("<8I", key), messages, KEYED_HASH)


def keyed_each(key, messages):
    """The keyed hashes, of 32 bytes, of messages of one length."""
    return [block[:32] for block in keyed_output(key, *messages).root_blocks(0)]


def derive_key(context, material, count=32):
    context_key = output_of(IV, [context], DERIVE_KEY_CONTEXT).root_bytes(32)
    return output_of(struct.unpack("<8I", context_key), [material], DERIVE_KEY_MATERIAL).root_bytes(count)


def hash_tagged(context, *parts):
    """docs/protocol/transcript.md, "Tagged hashes"."""
    return derive_key(context.encode(), b"".join(struct.pack("<Q", len(part)) + part for part in parts))


def seed_stream_block(seed, label, index, block):
    """Bytes [32 block, 32 block + 32) of a seed stream. docs/protocol/transcript.md, "Seed streams"."""
    key = hash_tagged("dsperse seed stream v1", seed, label.encode(), struct.pack("<Q", index))
    output = output_of(struct.unpack("<8I", key), [bytes(64)], KEYED_HASH)
    return output.root_blocks(block)[0][:32]
