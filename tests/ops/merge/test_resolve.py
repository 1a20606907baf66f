"""Random files in conflict, with git's own markers in the work tree, resolved beside the plain data."""

import os
import subprocess
from random import Random

import pytest

from fluxsecrets.merging import Side
from fluxsecrets.merging.markers import read_markers
from fluxsecrets.merging.threeway import plain
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.merge.dispute import open_dispute
from fluxsecrets.ops.merge.picking import Wanted, pick
from fluxsecrets.ops.merge.resolve import resolve
from fluxsecrets.ops.policy.policy import Overrides, policy_for
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.formats import make_format
from mergetrees import MISSING, Maker, Writer, equal, naive_merge

NAMES = {"yaml": "file.yaml", "json": "file.json", "dotenv": "file.env", "ini": "file.ini"}
FORMATS = ("yaml", "yaml", "yaml", "json", "dotenv", "ini")


class Case:
    """Three encrypted versions of a random file, in the index of a repository."""

    def __init__(self, seed, root, session, git):
        self.random = Random(seed)
        self.root, self.session, self.git = root, session, git
        name = FORMATS[seed % len(FORMATS)]
        self.format, self.path = make_format(name), root / NAMES[name]
        maker, writer = Maker(self.random, name), Writer(self.random, name)
        base = maker.file()
        sides = (base, *(maker.edited(base, self.random.choice((1, 2, 3, 6))) for _ in range(2)))
        self.parts = [by_name([part.data() for part in side]) for side in sides]
        rotates = self.random.random() < 0.2
        first = self.encrypted(writer.bytes(base))
        opened = open_file(self.format, first, session.providers, session.limits)
        ours, theirs = (writer.bytes(side) for side in sides[1:])
        self.versions = [
            first,
            self.encrypted(ours, previous=opened),
            self.encrypted(theirs, previous=opened, new_key=rotates),
        ]

    def encrypted(self, text, **options):
        policy = policy_for(self.session, self.path, Overrides())
        return encrypt_content(
            *(self.format, text, policy, self.session.providers),
            now=f"2026-01-01T00:00:{self.random.randrange(60):02}Z",
            limits=self.session.limits,
            kubernetes=False,
            by_hand=True,
            **options,
        ).data

    def merge_with_git(self):
        """Put git's merge into the work tree and the three versions into the index; return the merge."""
        lines = [f"0 {'0' * 40}\t{self.path.name}\n"]
        for stage, data in enumerate(self.versions, 1):
            (self.root / str(stage)).write_bytes(data)
            blob = self.git(self.root, "hash-object", "-w", str(stage)).strip()
            lines.append(f"100644 {blob} {stage}\t{self.path.name}\n")
        command = ["git", "update-index", "--index-info"]
        subprocess.run(command, input="".join(lines).encode(), cwd=self.root, check=True)
        style = self.random.choice(("merge", "diff3", "zdiff3"))
        command = [
            "git",
            "-c",
            f"merge.conflictStyle={style}",
            "merge-file",
            "-p",
            "-L",
            "HEAD",
            "2",
            "1",
            "3",
        ]
        return subprocess.run(command, capture_output=True, cwd=self.root, check=False).stdout

    def expected(self, side):
        base, ours, theirs = self.parts
        merged = {}
        for name in {**ours, **theirs, **base}:
            sides = (each.get(name, MISSING) for each in (base, ours, theirs))
            value = naive_merge(*sides, (name,), set(), side)
            if value is not MISSING:
                merged[name] = value
        return merged


def by_name(parts):
    if len(parts) == 1 and "metadata" not in parts[0]:
        return {"": parts[0]}
    return {part["metadata"]["name"]: part for part in parts}


@pytest.fixture
def session(tmp_path, identity, git, monkeypatch):
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".sops.yaml").write_text(f"creation_rules:\n  - age: {identity.recipient}\n")
    return Session(dict(os.environ), tmp_path)


@pytest.mark.parametrize("seeds", [range(start, start + 12) for start in range(0, 36, 12)])
def test_git_markers_are_resolved_as_the_plain_data_is(seeds, session, tmp_path, git):
    for seed in seeds:
        case = Case(seed, tmp_path, session, git)
        case.path.write_bytes(case.merge_with_git())
        side = case.random.choice((Side.OURS, Side.THEIRS))
        if {} in case.expected(side.value).values():
            continue  # a file without any value can't be encrypted
        dispute = open_dispute(session, case.path.name)
        assert (dispute.done.picks, dispute.done.changes) == ({}, ())
        resolved = resolve(session, dispute, pick(dispute, Wanted(rest=side)))
        assert resolved.left == ()
        opened = open_file(case.format, case.path.read_bytes(), session.providers, session.limits)
        assert equal(by_name([plain(part) for part in opened.parts]), case.expected(side.value)), seed


@pytest.mark.parametrize("seeds", [range(start, start + 12) for start in range(100, 136, 12)])
def test_hunks_that_somebody_took_are_picks_and_nothing_is_dropped(seeds, session, tmp_path, git):
    """Each conflict whose markers are gone is taken from the side that was left; other changes are named."""
    for seed in seeds:
        case = Case(seed, tmp_path, session, git)
        hunks = read_markers(case.merge_with_git())
        if hunks is None or hunks.theirs in case.versions:
            continue
        case.path.write_bytes(hunks.theirs)
        dispute = open_dispute(session, case.path.name)
        assert set(dispute.done.picks.values()) <= {Side.THEIRS}
        for change in dispute.done.changes:
            assert change.endswith("(their value, and only the other side changed it)"), seed
