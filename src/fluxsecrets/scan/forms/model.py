"""What a form is: a way to write a password down that no assignment to a telling name is."""

from __future__ import annotations

from enum import Enum

from fluxsecrets.namedtuples import NamedTuple


class Place(Enum):
    """Where a form belongs, which decides how its findings are reported.

    COMMAND: a command line or a request, as in scripts, pipelines and documentation.
    CONFIGURATION: a line of a configuration file.
    TEXT: a statement, markup or a template.
    """

    COMMAND = 1
    CONFIGURATION = 2
    TEXT = 3


class Form(NamedTuple):
    """One way to write a password down.

    Attributes:
        title: what the value is, in a sentence: "the password of `curl -u`".
        pattern: a regular expression on bytes for RE2 and hyperscan, without counted repetitions and flags
            for the whole. Each group but `name` is for the value; the first one that takes part counts.
        keywords: lower-case texts of which one is in every match.
        positives: texts in which the form finds `SAMPLE`, filled in by the tests.
        negatives: texts in which it finds nothing, with `SAMPLE` or without.
        name: the group that holds the value's name, or 0.
        basic: the value is base64 of a user and a password.
        random: the value has to look made by a machine: a word is more likely a name.
        before: a regular expression that has to match in the bytes before the match.
    """

    title: str
    place: Place
    pattern: str
    keywords: tuple[bytes, ...]
    positives: tuple[str, ...]
    negatives: tuple[str, ...] = ()
    name: int = 0
    basic: bool = False
    random: bool = False
    before: bytes = b""


SAMPLE = "§"
"""Where the samples have a password; nothing that looks like one stands here."""

_FIRST = r"""[^\s"'`;|&<>(){}\[\],\\$%=*#@-]"""
_REST = r"""[^\s"'`;|&<>(){}\[\],\\]"""

BARE = rf"{_FIRST}{_REST}*"
"""A value without quotes, or what is inside of another text's quotes; what starts like a variable is none."""

VALUE = rf"""(?:\\?"([^"\r\n\\]+)\\?"|'([^'\r\n]+)'|({BARE}))"""
"""A value, in three groups."""

LOGIN = (
    r"""(?:\\?"[^"\s:$\\]*:([^"\r\n\\]+)\\?"|'[^'\s:]*:([^'\r\n]+)'"""
    rf"""|[^\s"'`:$;|&<>()\[\],\\]*:(?:"([^"\r\n\\]+)"|'([^'\r\n]+)'|({BARE})))"""
)
"""A user and a password with a colon between, in five groups."""

MORE = r"(?:[^\r\n\\|;&]|\\\r?\n|\\[^\r\n])*?"
"""What may follow in the same command, over continued lines."""

AFTER = r"""(?:[ \t]+(?:\\\r?\n[ \t]*)?|=|["'],[ \t\r\n]*["']|,[ \t]+|["']?[ \t]*\r?\n[ \t]*-[ \t]+)"""
"""Between an option and its value: a blank, `=`, or the next item of a list in JSON or YAML."""

OPTION = r"""[ \t"']"""
"""Before an option."""

_PASSWORDS = (
    b"pass",
    b"pwd",
    b"psk",
    b"secret",
    b"token",
    b"credential",
    b"bearer",
    b"cookie",
    b"key",
    b"salt",
)
NAMES = (*_PASSWORDS, b"mnemonic", b"authorization", b"base")
"""Keywords of which one is in every telling name."""
