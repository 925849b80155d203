"""Damage to real files: a number says all of it, so that any input can be made again."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

NUMBERS = [
    b"-1",
    b"0",
    b"nan",
    b"inf",
    b"1e999",
    b"1e-999",
    b"9" * 30,
    b"9" * 5000,
    b"0x10",
    b"1_0",
    b"65536",
    b"2147483648",
]
PIECES = [b"\0", b"\n", b"\r", b"\t", b" ", b'"', b"'", b"\\", b"/", b"../", b"{", b"}", b"[", b"]", b"<", b">", b"&x;"]
PIECES += [
    b"-->",
    b";;",
    b",",
    b":",
    b"=",
    b"\x1b[31m",
    b"\x9b",
    "\u202e\u0663\ufeff\u2028".encode(),
    b"\xed\xa0\x80",
    b"\xff\xfe",
]
WORDS = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1]
DIGITS = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")


def damaged(seeds: Sequence[bytes], number: str) -> bytes:
    """One of `seeds` with one to eight wounds, foretold by `number`; now and then random bytes."""
    chance = random.Random(number)
    if chance.random() < 0.02:
        return chance.randbytes(chance.randrange(300))
    content = bytearray(chance.choice(seeds))
    for _ in range(min(8, 1 + int(chance.expovariate(0.7)))):
        _wound(content, seeds, chance)
    return bytes(content)


def _wound(content: bytearray, seeds: Sequence[bytes], chance: random.Random) -> None:
    size = len(content)
    near = min(size, 256) if chance.random() < 0.5 else size  # headers stand at the beginning
    at = chance.randrange(near + 1)
    until = min(size, at + int(chance.expovariate(0.1)) + 1)
    kind = chance.randrange(9)
    if kind == 0 and at < size:
        content[at] ^= 1 << chance.randrange(8)
    elif kind == 1 and at < size:
        content[at] = chance.randrange(256)
    elif kind == 2:
        width = chance.choice([1, 2, 4, 8])
        order = chance.choice(["little", "big"])
        content[at : at + width] = (chance.choice(WORDS) % (1 << 8 * width)).to_bytes(width, order)  # type: ignore[arg-type]
    elif kind == 3:
        del content[at:until]
    elif kind == 4:
        content[at:at] = content[at:until] * chance.choice([1, 1, 2, 50])
    elif kind == 5:
        content[at:at] = chance.choice(PIECES)
    elif kind == 6:
        other = chance.choice(seeds)
        begin = chance.randrange(len(other) + 1)
        content[at:until] = other[begin : begin + chance.randrange(100)]
    elif kind == 7:
        del content[chance.randrange(size + 1) :]
    else:
        found = list(DIGITS.finditer(bytes(content[:4096])))
        if found:
            one = chance.choice(found)
            content[one.start() : one.end()] = chance.choice(NUMBERS)
