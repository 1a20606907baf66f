"""Files that fluxsecrets writes: each format for each kind of key, and the features that readers differ in.

The data that must come back is said here by hand, and not by our own readers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.files.rekey import with_new_data_key
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.formats.changing import set_value
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec

KEYS = Path(__file__).parents[1] / "vectors" / "keys"
"""Throw-away test keys."""

PGP = "3B53DF19B9884C364821CD2F63F909A3062E2C9A"

SUFFIXES = {"yaml": "yaml", "json": "json", "dotenv": "env", "ini": "ini", "binary": "bin"}


@dataclass(frozen=True)
class Written:
    """A file that was written.

    Attributes:
        name: for people.
        format: name of its format.
        kind: of key that opens it: `age`, `post-quantum`, `ssh-ed25519`, `ssh-rsa`, `pgp` or `groups`.
        data: the file.
        holds: what has to come back: for several YAML documents a list of them, for a binary file its bytes.
        documents: how many YAML documents.
    """

    name: str
    format: str
    kind: str
    data: bytes = field(repr=False)
    holds: object = field(repr=False)
    documents: int = 1

    @property
    def suffix(self) -> str:
        return SUFFIXES[self.format]


_YAML = b"""\
# note
text: throwaway
quoted: 'it''s'
number: 5
hex: 0x1F
float: 1.50
"yes": yes
empty: ""
nothing: null
list: [1, two]
map:
  # inside
  deep: {x: [y]} # behind
block: |
  one
  two
folded: >-
  one
  two
"""
_YAML_HOLDS = {
    "text": "throwaway",
    "quoted": "it's",
    "number": 5,
    "hex": 31,
    "float": 1.5,
    "yes": "yes",
    "empty": "",
    "nothing": None,
    "list": [1, "two"],
    "map": {"deep": {"x": ["y"]}},
    "block": "one\ntwo\n",
    "folded": "one two",
}
_JSON_HOLDS = {"a": "throw\u00e4way\n", "n": 5, "f": 0.25, "l": [1, "x", None, True], "m": {"k": ""}}
_PLAIN: Mapping[str, tuple[bytes, object]] = {
    "yaml": (_YAML, _YAML_HOLDS),
    "json": (json.dumps(_JSON_HOLDS, indent=2).encode() + b"\n", _JSON_HOLDS),
    "dotenv": (
        b"# note\nA=throwaway\nB=two words\nC=a\\nb\n",
        {"A": "throwaway", "B": "two words", "C": "a\nb"},
    ),
    "ini": (
        b"; note\n[s]\na = throwaway\nb = `x;y`\n[t]\nc = 1\n",
        {"s": {"a": "throwaway", "b": "x;y"}, "t": {"c": "1"}},
    ),
    "binary": (b"throwaway\nwithout any format\n", b"throwaway\nwithout any format\n"),
}
_LISTS = b"""\
list:
  # first
  - a: throwaway # behind
    # inside
    b: 2
  # between
  - three
# last
"""
_SELECTED = b"a: throwaway\nb_x: two\n# public\nc: three\nmap: {a: 4, d: 5}\n"
_SELECTED_HOLDS = {"a": "throwaway", "b_x": "two", "c": "three", "map": {"a": 4, "d": 5}}


def write_all(session: Session) -> Iterator[Written]:
    """Write every file.

    Args:
        session: with identities for all kinds of keys, and `gpg` where that is at hand.
    """
    people = recipients(pgp=session.environ.get("GNUPGHOME") is not None)
    for format_name, (plain, holds) in _PLAIN.items():
        for kind, groups in people.items():
            policy = Policy(groups, shamir_threshold=2 if len(groups) > 1 else 0)
            yield _written(session, f"{format_name} for {kind}", format_name, kind, plain, holds, policy)
    yield from _features(session, people["age"])


def recipients(*, pgp: bool) -> dict[str, tuple[tuple[Recipient, ...], ...]]:
    """Key groups by the kind of their keys."""
    names = json.loads((KEYS / "recipients.json").read_text(encoding="utf-8"))
    ssh = {
        kind: (KEYS / f"{kind}.pub").read_text(encoding="utf-8").strip()
        for kind in ("ssh_ed25519", "ssh_rsa")
    }
    texts = {
        "age": names["alice"],
        "post-quantum": names["postquantum"],
        "ssh-ed25519": ssh["ssh_ed25519"],
        "ssh-rsa": ssh["ssh_rsa"],
    }
    found = {kind: ((Recipient("age", text),),) for kind, text in texts.items()}
    found["groups"] = tuple((Recipient("age", names[name]),) for name in ("alice", "bob", "cluster"))
    if pgp:
        found["pgp"] = ((Recipient("pgp", PGP),),)
    return found


def _features(session: Session, groups: tuple[tuple[Recipient, ...], ...]) -> Iterator[Written]:
    def yaml(name: str, plain: bytes, holds: object, **policy: object) -> Written:
        return _written(session, f"yaml, {name}", "yaml", "age", plain, holds, Policy(groups, **policy))  # type: ignore[arg-type]

    for kind, pattern in (
        (SelectorKind.UNENCRYPTED_SUFFIX, "_x"),
        (SelectorKind.ENCRYPTED_SUFFIX, "a"),
        (SelectorKind.UNENCRYPTED_REGEX, "^(c|map)$"),
        (SelectorKind.ENCRYPTED_REGEX, "^(a|c)$"),
        (SelectorKind.UNENCRYPTED_COMMENT_REGEX, "^ public"),
        (SelectorKind.ENCRYPTED_COMMENT_REGEX, "^ public"),
    ):
        spec = SelectorSpec(kind, pattern)
        yield yaml(kind.value, _SELECTED, _SELECTED_HOLDS, selector=spec)
    spec = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^a$")
    yield yaml("mac_only_encrypted", _SELECTED, _SELECTED_HOLDS, selector=spec, mac_only_encrypted=True)
    yield yaml("comments in lists", _LISTS, {"list": [{"a": "throwaway", "b": 2}, "three"]})
    yield yaml(
        "nested", b"a: throwaway\nm: {k: [1, {x: y2}]}\n", {"a": "throwaway", "m": {"k": [1, {"x": "y2"}]}}
    )
    yield yaml(
        "aliases and merge keys",
        b"base: &b {k: throwaway}\nuse:\n  <<: *b\n  own: 1\nagain: *b\n",
        {"base": {"k": "throwaway"}, "use": {"k": "throwaway", "own": 1}, "again": {"k": "throwaway"}},
    )
    two = yaml("two documents", b"a: throwaway\n---\nb: 2\n", [{"a": "throwaway"}, {"b": 2}])
    yield Written(two.name, two.format, two.kind, two.data, two.holds, documents=2)
    first = yaml("written", _SELECTED, _SELECTED_HOLDS)
    yield _changed(session, first)
    yield _rotated(session, first, groups)


def _written(
    session: Session, name: str, format_name: str, kind: str, plain: bytes, holds: object, policy: Policy
) -> Written:
    result = encrypt_content(
        make_format(format_name),
        plain,
        policy,
        session.providers,
        now=session.now(),
        limits=session.limits,
        kubernetes=False,
    )
    assert b"ENC[AES256_GCM," in result.data
    return Written(name, format_name, kind, result.data, holds)


def _changed(session: Session, first: Written) -> Written:
    """One value set: the others keep their ciphertext."""
    format_ = make_format("yaml")
    opened = open_file(format_, first.data, session.providers, session.limits)
    plain = format_.parse(opened.text(), session.limits)
    text = set_value(format_, plain, ("map", "d"), "changed", session.limits)
    own = opened.metadata
    policy = Policy(own.recipients, selector=own.selector)
    result = encrypt_content(
        format_,
        text,
        policy,
        session.providers,
        now=session.now(),
        limits=session.limits,
        kubernetes=False,
        previous=opened,
    )
    assert result.reused == result.values  # all but one, and the comment
    holds = {**_SELECTED_HOLDS, "map": {"a": 4, "d": "changed"}}
    return Written("yaml, one value set", "yaml", "age", result.data, holds)


def _rotated(session: Session, first: Written, groups: tuple[tuple[Recipient, ...], ...]) -> Written:
    opened = open_file(make_format("yaml"), first.data, session.providers, session.limits)
    data, _ = with_new_data_key(session, opened, groups, 0)
    return Written("yaml, rotated", "yaml", "age", data, first.holds)
