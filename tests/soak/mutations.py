"""Damage one of three versions at random, and merge: `python -m soak.mutations`.

A version is damaged as somebody without a key, an editor or a textual merge damages it: lines are
swapped, removed, doubled, commented out or taken from another version, characters replaced, ciphertexts
exchanged. What is merged all the same must decrypt, with a valid MAC, and no damaged version may have
become part of it.
"""

from __future__ import annotations

import argparse
import copy
import random
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, UnprotectedError
from fluxsecrets.merging import Labels
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.merge.model import Outcome, Versions
from fluxsecrets.ops.merge.threeway import merge_encrypted
from fluxsecrets.sops.formats import Limits, make_format
from soak.merging import Maker, Side, World

_CHARACTERS = "aAZ0:=#- ,]\"'{&*!"
_KINDS = ("swap", "remove", "double", "character", "steal", "move", "comment", "exchange")


def damaged(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """A version after one or two accidents."""
    lines = data.decode().split("\n")
    for _ in range(rng.randint(1, 2)):
        _damage(rng, lines, rng.choice(_KINDS), others)
    return "\n".join(lines).encode()


def _damage(rng: random.Random, lines: list[str], kind: str, others: list[bytes]) -> None:
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    if kind == "swap":
        lines[one], lines[two] = lines[two], lines[one]
    elif kind == "remove":
        del lines[one]
    elif kind == "double":
        lines.insert(two, lines[one])
    elif kind == "character" and lines[one]:
        place = rng.randrange(len(lines[one]))
        lines[one] = lines[one][:place] + rng.choice(_CHARACTERS) + lines[one][place + 1 :]
    elif kind == "steal":
        lines[one] = rng.choice(rng.choice(others).decode().split("\n"))
    elif kind == "move":
        lines.insert(two, lines.pop(one))
    elif kind == "comment":
        lines[one] = "#" + lines[one]
    elif kind == "exchange":
        _exchange(rng, lines)


def _exchange(rng: random.Random, lines: list[str]) -> None:
    found = [
        (number, match[0])
        for number, line in enumerate(lines)
        for match in re.finditer(r"ENC\[[^\]]*\]", line)
    ]
    if len(found) > 1:
        (one, first), (two, second) = rng.sample(found, 2)
        lines[one] = lines[one].replace(first, second)
        lines[two] = lines[two].replace(second, first)


def is_for(world: World, person: str, format_name: str, data: bytes) -> bool:
    """Whether a version is for somebody; else the data key of another version may open it."""
    metadata = make_format(format_name).parse(data, Limits()).metadata
    keys = () if metadata is None else metadata.wrapped_keys
    return any(key.recipient.id == world.recipients[person] for key in keys)


def damaged_round(world: World, rng: random.Random, number: int, tally: Counter[str]) -> str | None:
    """Return what is wrong, or None."""
    name = rng.choice(["yaml", "yaml", "json", "dotenv", "ini"])
    format_, maker = make_format(name), Maker(rng, name)
    base = Side(maker.base(), frozenset({"alice", "bob"}))
    sides = [copy.deepcopy(base), copy.deepcopy(base)]
    for side in sides:
        maker.edit(side, ["bob", "cluster"])
    try:
        before = world.encrypt(name, base, None)
        versions = [before, *(world.encrypt(name, side, before) for side in sides)]
    except UnprotectedError:  # nothing left to encrypt
        return None
    which = rng.choice([0, 1, 2, 2])
    sound = list(versions)
    versions[which] = damaged(rng, versions[which], sound)
    result = merge_encrypted(
        world.session, world.folder / "file", format_, Versions(*versions), Labels("ours", "base", "theirs")
    )
    tally[f"{('base', 'ours', 'theirs')[which]} {result.outcome}"] += 1

    def opens(data: bytes) -> bool:
        try:
            open_file(format_, data, world.session.providers, Limits())
        except FluxsecretsError:
            return False
        return True

    case = f"{number} {name} version {which}"
    if result.outcome is Outcome.REFUSED:
        return None if result.data == versions[1] else f"{case}: refused, and not as it was"
    if not opens(versions[which]) and is_for(world, "alice", name, versions[which]):
        return f"{case}: {result.outcome} with a version that doesn't open"
    if result.outcome is Outcome.MERGED and result.data not in versions and not opens(result.data):
        return f"{case}: merged, and doesn't open"
    return None


def main() -> int:
    """Run the rounds; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m soak.mutations")
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().getrandbits(32)
    tally: Counter[str] = Counter()
    bad = 0
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        world = World(Path(folder))
        for number in range(arguments.rounds):
            wrong = damaged_round(world, random.Random(f"{seed}/{number}"), number, tally)
            if wrong is not None:
                bad += 1
                print(wrong, flush=True)
    print(f"seed {seed}: {arguments.rounds} rounds, {bad} wrong")
    for what, count in sorted(tally.items()):
        print(f"  {what}: {count}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
