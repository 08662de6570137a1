"""Numbers that are equal in Python and TypeScript: see `formula` in `lib/testing/formula.ts`."""

import numpy as np


def formula(name: str, count: int) -> np.ndarray:
    """`count` numbers in [-1, 1), float64 with the values of float32."""
    seed = 0x811C9DC5
    for byte in name.encode():  # FNV-1a
        seed = ((seed ^ byte) * 0x01000193) & 0xFFFFFFFF
    x = (np.arange(count, dtype=np.uint64) * 0x9E3779B1 + seed) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):  # Murmur3's finaliser
        x = ((x ^ (x >> np.uint64(shift))) * factor) & 0xFFFFFFFF
    return (x.astype(np.float64) / 2**31 - 1).astype(np.float32).astype(np.float64)
