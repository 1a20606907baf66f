"""Random histories of a repository, and what somebody who left knows of it, by a computation of their own.

A `World` is a repository as lists of plain facts: which file holds which values in which commit, for whom,
and with which data key. From them follow the rows of a report, and the files that need new data keys.
"""

import random
import subprocess
from base64 import b64encode
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificate

from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.files.rekey import with_new_data_key, with_same_data_key
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sealed.codec import seal_value
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.recipients import KINDS
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec

VECTORS = Path(__file__).parents[2] / "vectors"
YAML = make_format("yaml")
SELECTOR = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^(data|stringData)$")
NOW = "2026-11-28T00:00:00Z"


@cache
def public_key(name):
    return load_pem_x509_certificate((VECTORS / "keys" / name).read_bytes()).public_key()


SEALING_KEYS = {"sealed": partial(public_key, "sealing.crt"), "shut": partial(public_key, "sealing-new.crt")}
"""By form, the key that values are sealed for."""

SECRETS = ("sops", "plain", "closed")
"""The forms of which git's history has readable versions."""


@dataclass(frozen=True)
class File:
    """A file at one time.

    Attributes:
        form: sops, plain (a Secret), closed (SOPS, for others than alice), sealed, shut (sealed with a key
            that nobody here has), external, or config (a ConfigMap).
        values: by key.
        key: the number of its data key.
    """

    form: str
    values: dict = field(default_factory=dict)
    people: frozenset = frozenset()
    key: int = 0
    encoded: bool = False
    data: bytes = b""

    def named(self):
        """The values by the key that a report shows."""
        part = "data" if self.encoded else "stringData"
        return {f"{part}.{key}": value for key, value in self.values.items()}


@dataclass(frozen=True)
class Version:
    """What a commit made of a file; commit None is the work tree."""

    commit: int | None
    path: str
    file: File


class World:
    """A repository that is being made; alice is who looks at it, bob who left."""

    def __init__(self, recipients, root):
        self.root = root
        self.people = {name: KINDS["age"].parse(recipients[name]) for name in ("alice", "bob", "cluster")}
        self.sessions = {
            name: Session({"SOPS_AGE_KEY_FILE": str(VECTORS / f"keys/{name}.agekey")}, root)
            for name in ("alice", "cluster")
        }
        self.branches = {"main": {}}
        self.tips = {"main": None}
        self.fork = {}
        self.versions = []
        self.commits = []
        self.branched = False
        self.made = 0

    # What files look like.

    def text(self, file):
        part, values = ("data", encoded(file.values)) if file.encoded else ("stringData", file.values)
        lines = "".join(f'  {key}: "{value}"\n' for key, value in values.items())
        return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s, namespace: x}}\n{part}:\n{lines}".encode()

    def policy(self, file):
        people = tuple(self.people[name] for name in sorted(file.people))
        return Policy(groups=(people,), shamir_threshold=0, selector=SELECTOR)

    def session(self, file):
        return self.sessions["alice" if "alice" in file.people else "cluster"]

    def encrypted(self, file, previous=None):
        """As sops writes it: with the data key of the version before, if there is one."""
        session = self.session(file)
        before = open_file(YAML, previous, session.providers, Limits()) if previous else None
        new = encrypt_content(
            YAML, self.text(file), self.policy(file), session.providers,
            now=NOW, limits=Limits(), previous=before,
        )  # fmt: skip
        return replace(file, data=new.data)

    def with_people(self, file, people, *, new_key):
        """As `sops updatekeys` does it, or with a new data key."""
        session, file = self.session(file), replace(file, people=people)
        opened = open_file(YAML, file.data, session.providers, Limits())
        groups = self.policy(file).groups
        if not new_key:
            return replace(file, data=with_same_data_key(session, opened, groups, 0))
        data, _ = with_new_data_key(session, opened, groups, 0)
        return replace(file, data=data, key=self.new())

    def written(self, file, previous=None):
        if file.form in ("sops", "closed"):
            return self.encrypted(file, previous)
        if file.form == "plain":
            return replace(file, data=self.text(file))
        if file.form in SEALING_KEYS:
            sealed = {
                key: seal_value(SEALING_KEYS[file.form](), value.encode(), b"x/s")
                for key, value in file.values.items()
            }
            lines = "".join(f"    {key}: {value}\n" for key, value in sealed.items())
            kind = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n"
            return replace(
                file,
                data=f"{kind}metadata: {{name: s, namespace: x}}\nspec:\n  encryptedData:\n{lines}".encode(),
            )
        if file.form == "external":
            kind = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\n"
            return replace(file, data=f"{kind}metadata: {{name: s, namespace: x}}\nspec: {{}}\n".encode())
        lines = "".join(f'  {key}: "{value}"\n' for key, value in file.values.items())
        return replace(
            file, data=f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata:\n{lines}".encode()
        )

    def new(self):
        self.made += 1
        return self.made

    # What happens to them.

    def step(self, operation, pick):
        """Do one thing to one file of a branch, and commit it; nothing, if it isn't possible."""
        rng = random.Random(pick)
        branch = rng.choice(sorted(self.branches))
        files = dict(self.branches[branch])
        if operation == "branch":
            if "side" not in self.branches:
                self.fork = self.branches["side"] = dict(self.branches["main"])
                self.tips["side"] = self.tips["main"]
                self.branched = True
            return
        if operation == "merge":
            self.merge()
            return
        getattr(self, operation)(files, rng)
        changed = {path: file for path, file in files.items() if self.branches[branch].get(path) != file}
        gone = self.branches[branch].keys() - files.keys()
        if not changed and not gone:
            return
        self.versions += [Version(len(self.commits), path, file) for path, file in changed.items()]
        self.commit(branch, (self.tips[branch],), changed, gone)
        self.branches[branch] = files

    def commit(self, branch, parents, changed, gone):
        self.tips[branch] = len(self.commits)
        self.commits.append((branch, parents, changed, gone))

    def merge(self):
        """Take each file from the side that changed it; of what both changed, the side branch's."""
        if "side" not in self.branches:
            return
        main, side = self.branches["main"], self.branches.pop("side")
        tip = self.tips.pop("side")
        files = dict(main)
        for path in {*self.fork, *side}:
            if side.get(path) != self.fork.get(path):
                files.pop(path, None)
                files |= {path: side[path]} if path in side else {}
        changed = {path: file for path, file in files.items() if main.get(path) != file}
        if tip != self.tips["main"]:
            self.commit("main", (self.tips["main"], tip), changed, main.keys() - files.keys())
            self.branches["main"] = files

    def some(self, files, rng, *forms):
        """A file of one of these forms, or None."""
        paths = sorted(path for path, file in files.items() if file.form in forms)
        return rng.choice(paths) if paths else None

    def value(self, rng):
        kind = rng.random()
        if kind < 0.1:
            return rng.choice(["true", "7", "off"])
        if kind < 0.25:
            return str(rng.randrange(10_000, 99_999))
        return token(rng)

    def add(self, files, rng):
        values = {f"k{number}": self.value(rng) for number in range(rng.randrange(1, 4))}
        people = frozenset({"alice", "cluster", *(["bob"] if rng.random() < 0.6 else [])})
        file = File("sops", values, people, self.new(), encoded=rng.random() < 0.3)
        files[f"apps/f{self.new()}.yaml"] = self.written(file)

    def add_closed(self, files, rng):
        people = frozenset({"cluster", *(["bob"] if rng.random() < 0.5 else [])})
        file = File("closed", {"k0": self.value(rng)}, people, self.new())
        files[f"closed/f{self.new()}.yaml"] = self.written(file)

    def add_config(self, files, rng):
        known = [value for file in files.values() for value in file.values.values()]
        file = File("config", {"setting": rng.choice(known) if known else token(rng)})
        files[f"conf/f{self.new()}.yaml"] = self.written(file)

    def changed(self, files, path, values):
        file = files[path]
        files[path] = self.written(replace(file, values=values), file.data)

    def change(self, files, rng):
        if path := self.some(files, rng, "sops", "plain", "sealed"):
            values = dict(files[path].values)
            values[rng.choice(sorted(values))] = self.value(rng)
            self.changed(files, path, values)

    def unset(self, files, rng):
        path = self.some(files, rng, "sops", "plain")
        if path and len(files[path].values) > 1:
            values = dict(files[path].values)
            del values[rng.choice(sorted(values))]
            self.changed(files, path, values)

    def rename_key(self, files, rng):
        if path := self.some(files, rng, "sops", "plain"):
            values = dict(files[path].values)
            values[f"r{self.new()}"] = values.pop(rng.choice(sorted(values)))
            self.changed(files, path, values)

    def copy_value(self, files, rng):
        source, target = (
            self.some(files, rng, "sops", "plain"),
            self.some(files, rng, "sops", "plain", "sealed"),
        )
        if source and target:
            value = files[source].values[rng.choice(sorted(files[source].values))]
            self.changed(files, target, {**files[target].values, f"c{self.new()}": value})

    def embed(self, files, rng):
        """Put a value into a URL, in place of itself."""
        if path := self.some(files, rng, "sops"):
            values = dict(files[path].values)
            key = rng.choice(sorted(values))
            if values[key].isalnum():
                values[key] = f"postgres://app:{values[key]}@db.example:5432/app"
                self.changed(files, path, values)

    def take_out(self, files, rng):
        """Take a value out of a URL, into a key of its own."""
        for path in sorted(path for path, file in files.items() if file.form == "sops"):
            for key, value in files[path].values.items():
                if value.startswith("postgres://"):
                    values = {**files[path].values, f"t{self.new()}": value[15:].partition("@")[0]}
                    del values[key]
                    self.changed(files, path, values)
                    return

    def rename(self, files, rng):
        if path := self.some(files, rng, "sops", "plain", "sealed", "shut", "external", "closed"):
            folder = path.partition("/")[0]
            files[f"{folder}/f{self.new()}.yaml"] = files.pop(path)

    def copy_file(self, files, rng):
        """A file as the template of another: with sops, that keeps its data key."""
        if path := self.some(files, rng, "sops"):
            file = files[path]
            values = {key: token(rng) for key in file.values}
            new = self.written(replace(file, values=values), file.data)
            files[f"apps/f{self.new()}.yaml"] = new

    def remove(self, files, rng):
        if len(files) > 1:
            del files[rng.choice(sorted(files))]

    def encode(self, files, rng):
        """From stringData to data, or back."""
        if path := self.some(files, rng, "sops", "plain"):
            file = files[path]
            files[path] = self.written(replace(file, encoded=not file.encoded), file.data)

    def convert(self, files, rng):
        path = self.some(files, rng, "sops", "plain")
        if path is None:
            return
        file, form = files[path], rng.choice(["plain", "sealed", "shut", "external", "sops"])
        if form == file.form:
            return
        if form == "sops":
            people = frozenset({"alice", "cluster"})
            files[path] = self.written(replace(file, form=form, people=people, key=self.new()))
        else:
            files[path] = self.written(replace(file, form=form, people=frozenset(), key=0))

    def bob_goes(self, files, rng):
        self.bob(files, rng, lambda people: people - {"bob"}, new_key=False)

    def bob_goes_for_good(self, files, rng):
        self.bob(files, rng, lambda people: people - {"bob"}, new_key=True)

    def bob_comes(self, files, rng):
        self.bob(files, rng, lambda people: people | {"bob"}, new_key=False)

    def bob_leaves(self, files, rng):
        """With new data keys for all files."""
        for path, file in files.items():
            if "bob" in file.people and file.form == "sops":
                files[path] = self.with_people(file, file.people - {"bob"}, new_key=True)

    def rotate(self, files, rng):
        self.bob(files, rng, lambda people: people, new_key=True)

    def bob(self, files, rng, change, *, new_key):
        path = self.some(files, rng, "sops")
        if path is not None and (new_key or change(files[path].people) != files[path].people):
            files[path] = self.with_people(files[path], change(files[path].people), new_key=new_key)

    # What git makes of it.

    def build(self):
        """Write the repository, with all commits, and check out main."""
        recipients = ",".join(each.id for each in self.people.values())
        rules = f"creation_rules: [{{encrypted_regex: '^(data|stringData)$', age: '{recipients}'}}]\n"
        first = {
            ".sops.yaml": rules.encode(),
            **{f"keys/{name}.pub": f"{each.id}\n".encode() for name, each in self.people.items()},
        }
        stream = [b"reset refs/heads/main\n", *commit("main", 1, (), first, ())]
        for number, (branch, parents, changed, gone) in enumerate(self.commits):
            before = [2 + parent if parent is not None else 1 for parent in parents]
            data = {path: file.data for path, file in changed.items()}
            stream += commit(branch, 2 + number, before, data, gone)
        marks = self.root / ".git" / "marks"
        git(self.root, "init", "--quiet", "--initial-branch=main")
        git(self.root, "fast-import", "--quiet", f"--export-marks={marks}", stdin=b"".join(stream))
        git(self.root, "reset", "--quiet", "--hard", "main")
        lines = (line.split() for line in marks.read_text().splitlines())
        return {int(mark[1:]) - 2: id_ for mark, id_ in lines}


def commit(branch, number, parents, data, gone):
    yield f"commit refs/heads/{branch}\nmark :{number}\n".encode()
    yield f"committer t <t@example.org> {1_700_000_000 + number} +0000\ndata 1\nx\n".encode()
    for place, parent in enumerate(parents):
        yield f"{'merge' if place else 'from'} :{parent}\n".encode()
    for path in gone:
        yield f"D {path}\n".encode()
    for path, content in data.items():
        yield f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"


def git(root, *arguments, stdin=None):
    subprocess.run(
        ["git", "-C", str(root), *arguments], input=stdin, check=True, capture_output=True, timeout=60
    )


def encoded(values):
    return {key: b64encode(value.encode()).decode() for key, value in values.items()}


def token(rng):
    return "k" + "".join(rng.choice("x7Q2bN9") + rng.choice("4fZ8wT1") for _ in range(7))


OPERATIONS = (
    *("add", "add_closed", "add_config", "copy_file", "remove", "rename", "convert", "encode"),
    *("change", "unset", "rename_key", "copy_value", "embed", "take_out"),
    *("bob_goes", "bob_goes_for_good", "bob_comes", "rotate", "branch", "merge"),
    # What happens most.
    *("add", "change", "change", "change", "rename", "convert", "bob_goes", "bob_leaves", "bob_leaves"),
)


def random_world(recipients, root, seed):
    """A world after random steps."""
    rng = random.Random(seed)
    world = World(recipients, root)
    for operation in ("add", "add", *rng.choices(OPERATIONS, k=rng.randrange(4, 18))):
        world.step(operation, rng.random())
    return world


# What bob knows, and what is left of it.


class Expected:
    """What a report on bob must say of a world.

    Attributes:
        rows: by place, the state of a value, whether it is there, and the first commit that bob could read.
        unseen: the files that can't be compared.
        rekeyed: the files that get a new data key when bob is removed.
    """

    def __init__(self, world):
        now = world.branches["main"]
        versions = [*world.versions, *(Version(None, path, file) for path, file in now.items())]
        known = {each.file.key for each in versions if "bob" in each.file.people}
        seen = {}
        for each in versions:
            if each.file.form == "plain" or (each.file.form in ("sops", "closed") and each.file.key in known):
                for key, value in each.file.named().items():
                    told = value if each.file.form != "closed" else None
                    seen.setdefault((each.path, key), []).append((each.commit, told))
        values = {place: {value for _, value in own if value is not None} for place, own in seen.items()}
        self.unseen = set()
        if any(not is_trivial(value) for own in values.values() for value in own):
            self.unseen = {path for path, file in now.items() if file.form in ("shut", "external", "closed")}
        self.rows = {
            place: (*self.state(now, place, values[place], own), own[0][0]) for place, own in seen.items()
        }
        self.rekeyed = {
            path for path, file in now.items()
            if file.form in ("sops", "closed") and file.key in known
        }  # fmt: skip

    def state(self, now, place, values, seen):
        path, key = place
        file = now.get(path)
        present = file is not None and file.form in SECRETS and key in file.named()
        here = present and file.form != "closed" and file.named()[key] in values
        elsewhere = any(
            lives(value, other, each.form)
            for where, each in now.items()
            if each.form in ("sops", "plain", "sealed", "config")
            for name, other in each.named().items()
            if not (here and (where, name) == place)
            for value in values
        )
        unknown = any(value is None for _, value in seen)
        if here or elsewhere:
            return "to change", here
        if unknown or (present and file.form == "closed"):
            return "to change, or to look at", here
        if present:
            return "changed since", here
        searched = any(not is_trivial(value) for value in values)
        return ("to look at" if self.unseen and searched else "not there any more"), here


def is_trivial(value):
    return value in ("true", "7", "off")


def lives(value, other, form):
    """Whether a known value is, or is in, another one."""
    if is_trivial(value):
        return False
    if form == "config":
        return not value.isdigit() and value in other
    part = value.startswith("postgres://") and other == value[15:].partition("@")[0] and not other.isdigit()
    return value == other or part or (value in other and not value.isdigit())
