"""Signs in a file that some rule must read it by its structure.

They go into the same database as the token rules, so that one pass over a file tells both. A trigger may
say too much; what it does not see is not looked at.
"""

from __future__ import annotations

import re
from enum import Enum

from fluxsecrets.marks import SIGN, SIGN_BYTES

from .containers import KEYWORDS
from .containers import TRIGGER as CONTAINER
from .decode import HEX_TRIGGER, PERCENT_TRIGGER
from .decode import TRIGGER as BASE64
from .expressions import DSN, KEYED, URL
from .forms import COMMANDS, LINES, TEXTS, Form
from .matcher import Pattern
from .names import NAME_SIGN, PLURAL_SIGN, SENSITIVE_WORDS, TELLING_NAME

_KEYWORDS = (b"pass", b"pwd", b"psk", b"secret", b"token", b"credential", b"bearer", b"cookie", b"key")
_SENSITIVE = (
    *_KEYWORDS,
    b"salt",
    b"authorization",
    b"mnemonic",
    b"_base",
    b"-base",
    b".base",
    b"nbase",
    b"tbase",
)
_PAT = "|[_-]pat|"
_LOOSE = rf"(?:{SENSITIVE_WORDS.replace(_PAT, '|')}|[_-]pat\b)[A-Za-z0-9_.-]*"
"""A name with a telling word in it; it takes a tenth of the time that a telling name takes to compile.

`--path` has no access token in it.
"""


def _any_of(forms: tuple[Form, ...]) -> Pattern:
    """A sign that one of some forms may be there: the forms themselves, so that little else is looked at."""
    keywords = dict.fromkeys(keyword for form in forms for keyword in form.keywords)
    return Pattern("|".join(f"(?:{_loosened(form.pattern)})" for form in forms), tuple(keywords))


def _loosened(pattern: str) -> str:
    name = f"(?i:{TELLING_NAME})"
    if pattern.startswith(f"({name})"):  # where a name starts matters inside of a match only
        pattern = f"(?i:{_LOOSE})" + pattern.removeprefix(f"({name})")
    return pattern.replace(TELLING_NAME, f"[A-Za-z0-9_.-]*{_LOOSE}")


class Trigger(Enum):
    """A sign, with its pattern."""

    # Each file's signs are compared as sets, and a member is equal to itself alone: `Enum` hashes its name.
    __hash__ = object.__hash__

    SECRET = Pattern(
        r"kind[\"']?\s*:(?:\s|#[^\n]*|[&!]\S*\s|[|>][-+0-9]*\s)*(?:[\"']?Secret(?:List)?(?:[^A-Za-z0-9_-]|$)"
        r"|\"[^\"\n]*\\|\*)|\"[^\"\n]*\\[uUx][^\"\n]*\"\s*:",
        (b"kind", b"\\u", b"\\x"),
        every=True,
    )
    """A Secret, or what may turn out to be one; as `repo.manifests.SECRET_PATTERN`."""

    SEALED = Pattern(r"SealedSecret", (b"sealedsecret",))
    LAST_APPLIED = Pattern(r"last-applied-configuration", (b"last-applied-configuration",))
    PATCH = Pattern(r"path[\"']?[ \t]*:[ \t]*[\"']?/(?:stringData|data)/", (b"/stringdata/", b"/data/"))
    """A JSON patch of a Secret's values, or a ConfigMap's."""

    GENERATOR = Pattern(r"[sS]ecretGenerator", (b"secretgenerator",))
    SOPS = Pattern(
        rf"{re.escape(SIGN)}|(?m:^[ \t]*[\"']?sops[\"']?[ \t]*:)|\"sops\"[ \t]*:|(?m:^sops_[a-z]|^\[sops\])",
        (SIGN_BYTES.lower(), b"sops"),
    )
    ASSIGNED = Pattern(
        rf"(?i){NAME_SIGN}(?:\\?[\"'`])?[)\]]?[ \t]*(?::=|=>|\|\|=|\?\?=|\?=|==?|:)[ \t]*[^\s]",
        _SENSITIVE,
        every=True,
    )
    """A telling name with a value after it."""

    OPTION = Pattern(rf"(?i)--{TELLING_NAME}[ \t]+[^\s-]", _SENSITIVE)
    PAIR = Pattern(
        rf"(?i)(?:^|[\s\"'{{,])(?:name|key)[\"']?[ \t]*:"
        rf"\s*(?:[&!]\S*\s+)*(?:[^\r\n,{{}}#]*{NAME_SIGN}[\"']?[ \t]*(?:[\r\n,}}#]|$)|[|>*]|\"[^\"\n]*\\)",
        (b"name", b"key"),
        every=True,
    )
    """A telling name as a value; what is called so may be beside it, as in the environment of a container."""

    BELOW = Pattern(rf"(?i){NAME_SIGN}[\"']?[ \t]*:[ \t]*[\r\n]", _SENSITIVE, every=True)
    """A telling key without a value in its line: below there may be one, or a map with it."""

    PLURAL = Pattern(
        rf"(?i){PLURAL_SIGN}[\"']?[ \t]*:[ \t]*(?:[&!*#\r\n]|[\[{{][ \t]*(?:[^\s\]}}]|[\r\n]|$))",
        _SENSITIVE,
        every=True,
    )
    """A telling plural, with a list or map."""

    EXPLICIT = Pattern(r"(?m)^[ \t-]*\?(?:[ \t\r]|$)|[{,]\s*\?[ \t\r\n]|\"[ \t]*\r?\n\s*:", (b"?", b'"'))
    """A key that does not stand before the colon in its line."""

    LOGIN = Pattern(
        r"auths[\"']?[ \t]*:|client-key-data"
        r"|kind[\"']?\s*:(?:\s|#[^\n]*|[&!]\S*\s|[|>][-+0-9]*\s)*[\"']?Config[\"']?(?:[^A-Za-z]|$)",
        (b"auths", b"client-key-data", b"kind"),
    )
    MACHINE = Pattern(r"terraform_version|chpasswd", (b"terraform_version", b"chpasswd"))
    """A state of Terraform, or user data of cloud-init."""

    URL = Pattern(URL, (b"://",))
    DSN = Pattern(DSN, (b"@tcp(", b"@unix(", b"@udp("))
    KEYED = Pattern(KEYED, (b"password", b"pwd"))
    COMMAND = _any_of(COMMANDS)
    LINE = _any_of(LINES)
    TEXT = _any_of(TEXTS)
    ALLOWANCE = Pattern(r"fluxsecrets:allow", (b"fluxsecrets:allow",))
    BASE64 = Pattern(BASE64, ())
    HEX = Pattern(HEX_TRIGGER, ())
    PERCENT = Pattern(PERCENT_TRIGGER, (b"%",))
    CONTAINER = Pattern(CONTAINER, KEYWORDS)
    """An archive or a compressed file, by how it begins."""

    KEY_STORE = Pattern(
        r"(?s)\A(?:\x30[\x80-\x84].{0,4}\x02\x01|\x30[\x20-\x7f]\x02\x01|\xfe\xed\xfe\xed|\xce\xce\xce\xce"
        r"|\x03\xd9\xa2\x9a|\((?:11:private-key|21:protected-private-key)\()",
        (b"\x02\x01", b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce", b"\x03\xd9\xa2\x9a", b"private-key("),
    )
    """What may be a key store in binary form: `structure.keystores`."""


FORMS = {Trigger.COMMAND: COMMANDS, Trigger.LINE: LINES, Trigger.TEXT: TEXTS}
"""The forms behind a trigger."""

PARSE = frozenset(
    {Trigger.SECRET, Trigger.SEALED, Trigger.LAST_APPLIED, Trigger.GENERATOR, Trigger.SOPS, Trigger.ASSIGNED}
    | {
        Trigger.OPTION,
        Trigger.PAIR,
        Trigger.BELOW,
        Trigger.PLURAL,
        Trigger.EXPLICIT,
        Trigger.LOGIN,
    }
    | {Trigger.MACHINE}
)
"""Those for which YAML and JSON are parsed.

A rule that takes the value of a telling name for more reasons than `places` has needs a sign of its own:
lines that hold no secret for `places` don't make a file worth parsing, see `NAMED`.
"""

AROUND = frozenset({Trigger.PAIR, Trigger.BELOW, Trigger.PLURAL})
NAMED = AROUND | {Trigger.ASSIGNED}
"""Those whose lines may show that a manifest need not be parsed for them: see `harmless`, and `around` for
those whose value is in another line."""

ASSUMED = frozenset(Trigger) - {
    *(Trigger.SECRET, Trigger.SEALED, Trigger.SOPS, Trigger.CONTAINER, Trigger.ALLOWANCE)
}
"""Those that only say where a look is worth it, and decide nothing else. Tests look everywhere."""
