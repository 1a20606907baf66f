"""Random edits of random files: they merge as their plain data does, or have the same conflicts."""

import random
import shutil
from collections import Counter

import pytest

from soak.merging import World, one_round
from soak.mutations import damaged_round

ROUNDS = 120


@pytest.mark.parametrize("start", range(0, ROUNDS, 30))
def test_random_edits_merge_as_their_plain_data_does(tmp_path, environment, start):
    world, tally = World(tmp_path), Counter()
    wrong = [one_round(world, random.Random(n), n, tally, None) for n in range(start, start + 30)]
    assert list(filter(None, wrong)) == []
    assert tally["merged"] > 10


@pytest.mark.skipif(shutil.which("sops") is None, reason="sops is not on PATH: its MAC check is not tried")
def test_sops_verifies_the_mac_of_every_merged_file(tmp_path, environment):
    world, tally = World(tmp_path), Counter()
    wrong = [one_round(world, random.Random(n), n, tally, shutil.which("sops")) for n in range(40)]
    assert list(filter(None, wrong)) == []
    assert tally["sops read it"] == tally["merged"] > 20


def test_what_is_merged_with_a_damaged_version_decrypts(tmp_path, environment):
    world, tally = World(tmp_path), Counter()
    wrong = [damaged_round(world, random.Random(n), n, tally) for n in range(60)]
    assert list(filter(None, wrong)) == []
    assert tally["theirs refused"] > 5
