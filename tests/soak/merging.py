"""Merge random edits of random encrypted files, and compare with a plain merge: `python -m soak.merging`.

Each round makes a base and two edits of it (values, keys, comments, order, lists, recipients, data keys),
encrypts the three, and merges them with the code of the merge driver. The result must decrypt to what a
merge of the plain data gives, or have conflicts exactly where that has. `sops` reads a sample of the
results, where it is on PATH, and checks their MAC.
"""

from __future__ import annotations

import argparse
import copy
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fluxsecrets.errors import UnprotectedError
from fluxsecrets.marks import find_ciphertexts, is_ciphertext
from fluxsecrets.merging import Labels
from fluxsecrets.merging.markers import read_markers
from fluxsecrets.ops.files.content import check_encrypted, open_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.merge.model import MergeResult, Outcome, Versions
from fluxsecrets.ops.merge.threeway import merge_encrypted
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.document import show_path, to_data
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.recipients import age

GONE = object()
KEYS = Path(__file__).parents[1] / "vectors" / "keys"


@dataclass
class Entry:
    """A key of a map: its value is a scalar, a list of scalars, or a list of entries."""

    key: str
    value: Any
    comment: str = ""


@dataclass
class Side:
    """One version: documents of entries, and for whom it is encrypted."""

    documents: list[list[Entry]]
    people: frozenset[str]
    rotated: bool = False
    log: list[str] = field(default_factory=list)


class Maker:
    """Makes bases and edits."""

    def __init__(self, rng: random.Random, format_name: str) -> None:
        self.rng = rng
        self.format = format_name
        self.flat = format_name == "dotenv"
        self.count = 0

    def fresh(self) -> int:
        self.count += 1
        return self.count

    def scalar(self) -> Any:
        rng, text = self.rng, f"throwaway-{self.fresh()}"
        if self.format in ("dotenv", "ini"):
            return text
        return rng.choice(
            [
                text,
                text,
                text,
                self.fresh(),
                self.fresh() + 0.5,
                True,
                False,
                "",
                None,
                text + "\nline two\n",
                f"  {text}",
                f"{text}: # x",
            ]
        )

    def value(self, depth: int) -> Any:
        roll = self.rng.random()
        if self.format in ("dotenv", "ini") or roll < 0.6 or depth > 2:
            return self.scalar()
        if roll < 0.75:
            return [f"item-{self.fresh()}" for _ in range(self.rng.randint(1, 5))]
        return self.entries(depth + 1, 4)

    def key(self) -> str:
        suffix = "_unencrypted" if self.rng.random() < 0.15 else ""
        return f"key{self.fresh()}{suffix}"

    def entries(self, depth: int, most: int) -> list[Entry]:
        return [
            Entry(self.key(), self.value(depth), self.comment()) for _ in range(self.rng.randint(1, most))
        ]

    def comment(self) -> str:
        return f"comment {self.fresh()}" if self.format != "json" and self.rng.random() < 0.25 else ""

    def base(self) -> list[list[Entry]]:
        if self.format == "ini":
            return [[Entry(f"section{n}", self.entries(1, 4)) for n in range(self.rng.randint(1, 3))]]
        if self.format == "yaml" and self.rng.random() < 0.3:
            documents = [
                [Entry("apiVersion_unencrypted", "v1"), *self.entries(1, 4)]
                for _ in range(self.rng.randint(2, 3))
            ]
            if self.rng.random() < 0.5:  # the same values in the same places of two documents
                documents[-1] = copy.deepcopy(documents[0])
            return documents
        return [self.entries(0, 6)]

    def edit(self, side: Side, everybody: list[str]) -> None:
        for _ in range(self.rng.choice([0, 1, 1, 1, 2, 2, 3])):
            self.edit_once(side, everybody)

    def edit_once(self, side: Side, everybody: list[str]) -> None:
        rng = self.rng
        roll = rng.random()
        if roll < 0.08:
            person = rng.choice(everybody)
            people = side.people ^ {person}
            if people:
                side.people = people
                side.log.append(f"recipient {person}")
                side.rotated = side.rotated or rng.random() < 0.5
            return
        if roll < 0.12:
            side.rotated = True
            side.log.append("rotate")
            return
        maps = [entries for document in side.documents for entries in self.maps(document)]
        entries = rng.choice(maps)
        what = rng.choice(["set", "set", "set", "add", "remove", "comment", "order", "list", "list"])
        side.log.append(what)
        self.change(entries, what)

    def maps(self, entries: list[Entry]) -> list[list[Entry]]:
        inner = [
            e.value
            for e in entries
            if isinstance(e.value, list) and e.value and isinstance(e.value[0], Entry)
        ]
        found = [m for each in inner for m in self.maps(each)]
        if self.format == "ini" and inner:
            return found
        return [entries, *found]

    def change(self, entries: list[Entry], what: str) -> None:
        rng = self.rng
        entry = rng.choice(entries)
        if what == "set":
            if (
                not (isinstance(entry.value, list) and entry.value and isinstance(entry.value[0], Entry))
                or rng.random() < 0.1
            ):
                if self.format == "ini" and isinstance(entry.value, list):
                    return
                entry.value = self.scalar()
        elif what == "add":
            new = Entry(self.key(), self.value(2), self.comment())
            entries.insert(rng.randint(0, len(entries)), new)
        elif what == "remove":
            if len(entries) > 1:
                entries.remove(entry)
        elif what == "comment":
            if self.format != "json":
                entry.comment = f"comment {self.fresh()}" if rng.random() < 0.7 else ""
        elif what == "order":
            entries.remove(entry)
            entries.insert(rng.randint(0, len(entries)), entry)
        elif isinstance(entry.value, list) and entry.value and isinstance(entry.value[0], str):
            place = rng.randint(0, len(entry.value) - 1)
            roll = rng.random()
            if roll < 0.4:
                entry.value = [*entry.value[:place], f"item-{self.fresh()}", *entry.value[place:]]
            elif roll < 0.7:
                entry.value = [*entry.value[:place], f"item-{self.fresh()}", *entry.value[place + 1 :]]
            elif len(entry.value) > 1:
                entry.value = [*entry.value[:place], *entry.value[place + 1 :]]


# Text


def write(format_name: str, documents: list[list[Entry]]) -> bytes:
    """The text of a version."""
    if format_name == "yaml":
        return "---\n".join(yaml_lines(document) for document in documents).encode()
    (entries,) = documents
    if format_name == "json":
        import json

        return (json.dumps(data_of(entries), indent="\t") + "\n").encode()
    if format_name == "dotenv":
        return "".join(flat_lines(entries)).encode()
    return "".join(
        line for section in entries for line in (f"[{section.key}]\n", *flat_lines(section.value, " = "))
    ).encode()


def flat_lines(entries: list[Entry], sign: str = "=") -> list[str]:
    lines = []
    for entry in entries:
        if entry.comment:
            lines.append(f"# {entry.comment}\n")
        lines.append(f"{entry.key}{sign}{entry.value}\n")
    return lines


def yaml_lines(entries: list[Entry], indent: str = "") -> str:
    text = ""
    for entry in entries:
        if entry.comment:
            text += f"{indent}# {entry.comment}\n"
        value = entry.value
        if isinstance(value, list) and value and isinstance(value[0], Entry):
            text += f"{indent}{entry.key}:\n{yaml_lines(value, indent + '    ')}"
        elif isinstance(value, list):
            text += f"{indent}{entry.key}:\n" + "".join(f"{indent}    - {item}\n" for item in value)
        elif isinstance(value, str) and value.endswith("\n"):
            body = "".join(f"{indent}    {line}\n" for line in value.splitlines())
            text += f"{indent}{entry.key}: |\n{body}"
        else:
            shown = yaml.safe_dump(value, width=10**6).removesuffix("...\n").rstrip("\n")
            text += f"{indent}{entry.key}: {shown}\n"
    return text


def data_of(entries: list[Entry]) -> dict[str, Any]:
    return {
        e.key: data_of(e.value)
        if isinstance(e.value, list) and e.value and isinstance(e.value[0], Entry)
        else e.value
        for e in entries
    }


# The oracle: a merge of plain data


def same(one: Any, two: Any) -> bool:
    if one is GONE or two is GONE:
        return one is two
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two


def plain_merge(base: Any, ours: Any, theirs: Any, path: tuple[Any, ...], conflicts: set[Any]) -> Any:
    if same(ours, theirs) or same(theirs, base):
        return ours
    if same(ours, base):
        return theirs
    if isinstance(ours, dict) and isinstance(theirs, dict) and (isinstance(base, dict) or base is GONE):
        before = base if isinstance(base, dict) else {}
        merged = {}
        for key in [*ours, *(key for key in theirs if key not in ours)]:
            values = (side.get(key, GONE) for side in (before, ours, theirs))
            value = plain_merge(*values, (*path, key), conflicts)
            if value is not GONE:
                merged[key] = value
        return merged
    if isinstance(base, list) and isinstance(ours, list) and isinstance(theirs, list):
        merged = merge_lists(base, ours, theirs)
        if merged is not None:
            return merged
    conflicts.add(path)
    return ours


def merge_lists(base: list[str], ours: list[str], theirs: list[str]) -> list[str] | None:
    """Merge lists of unique items: changes of different items are made, changes of the same ones conflict."""
    one, two = changes_of(base, ours), changes_of(base, theirs)
    if any(meet(mine, other) for mine in one for other in two if mine != other):
        return None
    merged = list(base)
    for start, end, new in sorted({*one, *two}, reverse=True):
        merged[start:end] = new
    return merged


Change = tuple[int, int, tuple[str, ...]]


def changes_of(base: list[str], side: list[str]) -> list[Change]:
    """What a side put in place of which items of the base."""
    kept = [(slot, side.index(item)) for slot, item in enumerate(base) if item in side]
    found, start, first = [], 0, 0
    for slot, place in [*kept, (len(base), len(side))]:
        if start < slot or first < place:
            found.append((start, slot, tuple(side[first:place])))
        start, first = slot + 1, place + 1
    return found


def meet(one: Change, two: Change) -> bool:
    """Whether changes overlap; what is inserted at the edge of another change has no order."""
    if one[0] < two[1] and two[0] < one[1]:
        return True
    return (one[0] == one[1] or two[0] == two[1]) and max(one[0], two[0]) <= min(one[1], two[1])


# Rounds


class World:
    """A folder with rules and identities."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        recipients = {}
        secrets = []
        import json

        names = json.loads((KEYS / "recipients.json").read_text())
        for name in ("alice", "bob", "cluster"):
            recipients[name] = names[name]
        secrets.append((KEYS / "alice.agekey").read_text())
        keyfile = folder / "keys.txt"
        keyfile.write_text("".join(secrets))
        keyfile.chmod(0o600)
        self.keyfile = keyfile
        self.recipients = recipients
        rule = ",".join(recipients.values())
        (folder / ".sops.yaml").write_text(
            f"creation_rules:\n  - age: {rule}\n    unencrypted_suffix: _unencrypted\n"
        )
        self.environ = {**os.environ, "SOPS_AGE_KEY_FILE": str(keyfile)}
        self.session = Session(self.environ, folder)

    def policy(self, people: frozenset[str]) -> Policy:
        return Policy((tuple(age(self.recipients[name]) for name in sorted(people)),))

    def encrypt(self, format_name: str, side: Side, previous: bytes | None) -> bytes:
        format_ = make_format(format_name)
        session = self.session
        opened = None
        if previous is not None and not side.rotated:
            opened = open_file(format_, previous, session.providers, session.limits)
        policy = self.policy(side.people)
        return encrypt_content(
            format_, write(format_name, side.documents), policy, session.providers,
            now=session.now(), limits=session.limits, kubernetes=False, previous=opened, by_hand=True,
        ).data  # fmt: skip

    def decrypt(self, format_name: str, data: bytes) -> list[Any]:
        format_ = make_format(format_name)
        opened = open_file(format_, data, self.session.providers, self.session.limits)
        return [to_data(part) for part in opened.parts]


def one_round(
    world: World,
    rng: random.Random,
    number: int,
    tally: Counter[str],
    sops: str | None,
    *,
    git: bool = False,
) -> str | None:
    """Return what is wrong, or None."""
    format_name = rng.choice(["yaml", "yaml", "yaml", "json", "dotenv", "ini"])
    maker = Maker(rng, format_name)
    everybody = ["bob", "cluster"]
    base = Side(maker.base(), frozenset({"alice", *rng.sample(everybody, rng.randint(0, 2))}))
    sides = []
    for _ in range(2):
        side = copy.deepcopy(base)
        maker.edit(side, everybody)
        sides.append(side)
    ours, theirs = sides
    texts = [write(format_name, side.documents) for side in (base, ours, theirs)]
    try:
        before = world.encrypt(format_name, base, None)
        encrypted = [world.encrypt(format_name, side, before) for side in sides]
    except UnprotectedError:  # nothing left to encrypt
        tally["not encrypted"] += 1
        return None
    names = {"yaml": "f.yaml", "json": "f.json", "dotenv": "f.env", "ini": "f.ini"}
    versions = Versions(before, *encrypted)
    result = through_git(world, names[format_name], versions) if git else merge_encrypted(
        world.session, world.folder / names[format_name], make_format(format_name),
        versions, Labels("ours", "base", "theirs"),
    )  # fmt: skip
    conflicts: set[Any] = set()
    plain = [[data_of(d) for d in side.documents] for side in (base, ours, theirs)]
    expected = [plain_merge(b, o, t, (n,), conflicts) for n, (b, o, t) in enumerate(zip(*plain, strict=True))]
    people = frozenset(
        p
        for p in ours.people | theirs.people
        if p not in base.people or (p in ours.people and p in theirs.people)
    )
    case = f"{number} {format_name} ours={ours.log} theirs={theirs.log}"
    tally[f"{result.outcome}"] += 1
    if conflicts:
        if result.outcome is Outcome.MERGED:
            return f"{case}: merged, expected conflicts in {conflicts}"
        wrong = wrong_conflicts(format_name, result, conflicts)
        return None if wrong is None else f"{case}: {wrong} {result.data.decode()}"
    if result.outcome is not Outcome.MERGED:
        return f"{case}: {result.outcome} {result.reason} {result.conflicts}"
    found = world.decrypt(format_name, result.data)
    if not same(found, expected):
        return f"{case}: other values {texts} -> {found}"
    wrong = wrong_comments(world, format_name, texts, result)
    if wrong is not None and "remove" not in ours.log + theirs.log:
        return f"{case}: {wrong} {[text.decode() for text in texts]}"
    wrong = wrong_ciphertexts(world, format_name, encrypted, result)
    if wrong is not None:
        return f"{case}: {wrong}"
    tally["with notes"] += bool(result.notes)
    document = make_format(format_name).parse(result.data, Limits())
    got = {key.recipient.id for key in document.metadata.wrapped_keys}
    if got != {world.recipients[name] for name in people}:
        return f"{case}: recipients {got} instead of {people}"
    if sops is not None:
        place = world.folder / f"check-{names[format_name]}"
        place.write_bytes(result.data)
        done = subprocess.run(
            [sops, "decrypt", str(place)], env=world.environ, capture_output=True, check=False
        )
        tally["sops read it"] += done.returncode == 0
        if done.returncode != 0:
            return f"{case}: sops: {done.stderr.decode()[:300]}"
    return None


def through_git(world: World, name: str, versions: Versions) -> MergeResult:
    """The merge that git makes of three commits, with the driver as it is installed."""
    folder = world.folder

    def git(*arguments: str, data: bytes | None = None, code: int | None = 0) -> tuple[int, bytes, str]:
        who = ("-c", "user.name=Test", "-c", "user.email=test@waddle.example", "-c", "core.fsync=none")
        done = subprocess.run(
            ["git", *who, *arguments],
            cwd=folder,
            env=world.environ,
            input=data,
            capture_output=True,
            check=False,
        )
        assert code is None or done.returncode == code, done.stderr
        return done.returncode, done.stdout, done.stderr.decode()

    if not (folder / ".git").exists():
        git("init", "--quiet")
        program = shlex.quote(sys.executable)
        git(
            "config",
            "merge.fluxsecrets.driver",
            f"{program} -m fluxsecrets merge-driver %O %A %B %L %P %S %X %Y",
        )
        (folder / ".gitattributes").write_text("f.* merge=fluxsecrets\n")
    commits: list[str] = []
    for data in (versions.base, versions.ours, versions.theirs):
        blob = git("hash-object", "-w", "--stdin", data=data)[1].decode().strip()
        tree = git("mktree", data=f"100644 blob {blob}\t{name}\n".encode())[1].decode().strip()
        parents = ("-p", commits[0]) if commits else ()
        commits.append(git("commit-tree", tree, *parents, "-m", "x")[1].decode().strip())
    code, out, said = git("merge-tree", "--write-tree", commits[1], commits[2], code=None)
    data = git("cat-file", "blob", f"{out.split()[0].decode()}:{name}")[1]
    conflicts = tuple(re.findall(r"(?m)^\S+: conflict in (.*?)(?: hint: .*)?$", said.replace("\n  ", " ")))
    outcome = Outcome.MERGED if code == 0 else Outcome.CONFLICTS if conflicts else Outcome.REFUSED
    return MergeResult(outcome, data, conflicts, tuple(said.splitlines()))


def wrong_ciphertexts(world: World, format_name: str, sides: list[bytes], result: MergeResult) -> str | None:
    """Whether values keep their ciphertexts, unless there is a new data key; and no two places share one."""
    format_ = make_format(format_name)
    ours, theirs, merged = (
        open_file(format_, data, world.session.providers, Limits()) for data in (*sides, result.data)
    )
    texts = [str(leaf.value) for leaf in merged.opened.document.leaves if is_ciphertext(leaf.value)]
    if len(set(texts)) < len(texts):
        return "two places have one ciphertext"
    if merged.opened.data_key.reveal() != ours.opened.data_key.reveal():
        return None
    known = set(find_ciphertexts(sides[0]))
    if ours.opened.data_key.reveal() == theirs.opened.data_key.reveal():
        known |= set(find_ciphertexts(sides[1]))
    new = [text for text in texts if text.encode() not in known]
    return f"{len(new)} values were encrypted again" if new else None


def wrong_comments(world: World, format_name: str, texts: list[bytes], result: MergeResult) -> str | None:
    """Whether comments that one side added or removed are so in the result, or a note says otherwise.

    A comment that a version has twice, such as in two documents, does not count: each side may remove one.
    """
    counts = [Counter(re.findall(r"comment [0-9]+", text.decode())) for text in texts]
    unclear = {each for count in counts for each, times in count.items() if times > 1}
    base, ours, theirs = (set(count) - unclear for count in counts)
    opened = open_file(make_format(format_name), result.data, world.session.providers, Limits())
    found = set(re.findall(r"comment [0-9]+", opened.text().decode())) - unclear
    expected = {each for each in ours | theirs if each not in base or (each in ours and each in theirs)}
    return f"comments {found} instead of {expected}" if found != expected and not result.notes else None


def wrong_conflicts(format_name: str, result: MergeResult, conflicts: set[Any]) -> str | None:
    """Whether the conflicts are where they should be, and both sides of the markers are encrypted files."""
    several = any(part for part, *_ in conflicts)
    expected = sorted(
        show_path(tuple(path)) + (f" in document {part + 1}" if several else "") for part, *path in conflicts
    )
    if sorted(result.conflicts) != expected:
        return f"conflicts in {result.conflicts} {result.reason} instead of {expected}"
    hunks = read_markers(result.data)
    if hunks is None:
        return "without markers"
    blocks = hunks.ours.count(b"lastmodified")
    if len(hunks.lines) > len(expected) + 2 * blocks:  # the MAC and the time of each YAML document
        return "too many markers"
    for text in (hunks.ours, hunks.theirs):
        document = make_format(format_name).parse(text, Limits())
        check_encrypted(document)
    return None


def main() -> int:
    """Run the rounds; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m soak.merging")
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--sops", type=float, default=0.1, help="share of the results that sops reads")
    parser.add_argument("--git", type=int, default=0, help="how many rounds go through git itself")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().getrandbits(32)
    tally: Counter[str] = Counter()
    sops = shutil.which("sops")
    bad, started = [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="merging-") as name:
        world = World(Path(name))
        for number in range(arguments.rounds):
            rng = random.Random(f"{seed}/{number}")
            wrong = one_round(
                world,
                rng,
                number,
                tally,
                sops if rng.random() < arguments.sops else None,
                git=number < arguments.git,
            )
            if wrong is not None:
                bad.append(wrong)
                print(wrong, flush=True)
    print(f"seed {seed}: {arguments.rounds} rounds in {time.monotonic() - started:.0f} s, {len(bad)} wrong")
    for what, count in sorted(tally.items()):
        print(f"  {what}: {count}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
