"""The fuzz targets over their seeds, and over damaged ones; `make fuzz` searches further."""

from random import Random

import pytest

from fuzzing.seeds import seeds
from fuzzing.targets import TARGETS

MOST = 60
"""Seeds and damaged seeds of a target that are tried here, each."""


def damaged(data: bytes, random: Random) -> bytes:
    """Cut, doubled, or with some bytes changed."""
    start, end = sorted(random.choices(range(len(data) + 1), k=2))
    kind = random.randrange(4)
    if kind == 0:
        return data[:start] + data[end:]
    if kind == 1:
        return data[:end] + data[start:end][:200] + data[end:]
    changed = bytearray(data)
    for _ in range(random.randint(1, 4) if data else 0):
        changed[random.randrange(len(data))] = random.choice(b"\n\r\t \"'#:-&*!|>%@`{}[],?=\\;\0\xff0a")
    return bytes(changed)


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_breaks_on_seeds_and_damaged_seeds(name):
    random = Random(len(name))
    found = seeds(name)
    chosen = found if len(found) <= MOST else random.sample(found, MOST)
    for data in chosen:
        TARGETS[name](data)
    for data in random.choices(found, k=MOST):
        TARGETS[name](damaged(data, random))
