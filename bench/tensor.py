"""Tensor files for the command line and for other programs, the same numbers for all. Standard library only."""
import random
import struct


def normal(count, seed=1):
    """Close to standard normal, from a fixed seed; as 32-bit floats hold them."""
    r = random.Random(seed)
    return list(struct.unpack(f"<{count}f", struct.pack(f"<{count}f", *(r.gauss(0, 1) for _ in range(count)))))


def npy(shape, values):
    """The bytes of an .npy file of 32-bit floats."""
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({', '.join(map(str, shape))},), }}"
    head += " " * (-(10 + len(head) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack(f"<{len(values)}f", *values)
