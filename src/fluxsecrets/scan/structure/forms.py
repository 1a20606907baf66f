"""command-secret, and forms that count as config-value or assigned-secret: passwords without an assignment.

The tables in `scan.forms` say how they are written. A text is full of examples, so a value has to look as if
somebody chose it to keep others out, and in documentation it has to look better still.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from typing import Any

from fluxsecrets.findings import Confidence, RuleInfo, Severity
from fluxsecrets.scan.assignments import LONGEST_VALUE, is_chosen, is_chosen_well
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.expressions import compiled
from fluxsecrets.scan.forms import Form, Place
from fluxsecrets.scan.match import Match, Rank
from fluxsecrets.scan.names import CONTAIN_PASS, Telling, telling
from fluxsecrets.scan.values import is_expression, may_be_password, may_be_token

from . import lines

COMMAND = RuleInfo(
    id="command-secret",
    title="secret in a command",
    severity=Severity.HIGH,
    explanation=(
        "A command line or a request holds a password or token: an option, a header, a variable that is set "
        "for it. Others see it in the shell's history, in logs and in the list of processes, too."
    ),
    fix="Take the value from the environment, from a file or from standard input, and change it.",
    docs="scan.md#command-secret",
)

_RULES = {Place.COMMAND: COMMAND, Place.CONFIGURATION: lines.CONFIG, Place.TEXT: lines.CODE}
_HINT = "take it from the environment, or from a file that is encrypted, and change the value"
_EXAMPLES = (
    *(
        ".md",
        ".mdx",
        ".markdown",
        ".rst",
        ".adoc",
        ".txt",
        ".html",
        ".htm",
        ".ipynb",
        ".go",
        ".py",
        ".rb",
        ".rs",
    ),
    *(
        ".js",
        ".ts",
        ".jsx",
        ".tsx",
        ".mjs",
        ".java",
        ".kt",
        ".scala",
        ".cs",
        ".c",
        ".cc",
        ".cpp",
        ".h",
        ".php",
    ),
)
"""Suffixes of documentation and code, in which there are more examples than anything else."""
_BEFORE = 1500  # bytes in which the start of a command is looked for
_FILLED_IN = re.compile(r"\$[A-Za-z_{(*@#?1-9]|\{[A-Za-z_.%]|`|%[sdvq]|%\(|%\w+%|#\{|<[A-Za-z%]|@@|\\\(")
"""Something is put into the value when it is used."""

_SHORTEST = 6


def judge(blob: Blob, forms: Sequence[Form]) -> Iterator[Match]:
    """What is found in a file by some forms."""
    data, lower = blob.data, blob.data.lower()
    strict = blob.path.lower().endswith(_EXAMPLES)
    for form in forms:
        if not any(keyword in lower for keyword in form.keywords):
            continue
        for match in compiled(form.pattern).finditer(data):
            group = _group(form, match)
            if form.before and re.search(form.before, _command(data, match.start())) is None:
                continue
            text = match.group(group).decode("utf-8", "replace")
            name = match.group(form.name).decode("latin-1") if form.name and match.group(form.name) else ""
            if _is_secret(form, name, text, strict=strict):
                yield _match(blob, form, name, match.span(group))


def _group(form: Form, match: Any) -> int:
    count = match.re.groups
    return next(number for number in range(1, count + 1) if number != form.name and match.start(number) >= 0)


def _command(data: bytes, end: int) -> bytes:
    """What is before a place in the same command."""
    start = max(0, end - _BEFORE)
    before = data[start:end]
    for found in reversed(list(re.finditer(rb"\n", before))):
        if not before[: found.start()].rstrip(b"\r").endswith(b"\\"):
            return before[found.end() :]
    return before


def _is_secret(form: Form, name: str, text: str, *, strict: bool) -> bool:
    if form.basic:
        text = _password_of(text)
    if len(text) < _SHORTEST or len(text) > LONGEST_VALUE or _FILLED_IN.search(text):
        return False
    if name.rpartition("-")[2].lower() in CONTAIN_PASS:
        return False
    says = telling(name) if name else Telling.SURELY
    if form.random or says is Telling.MAYBE:
        return len(text) >= 12 and may_be_token(text) and not is_expression(text)
    return may_be_password(text) and (is_chosen_well(text) if strict else is_chosen(text))


def _password_of(text: str) -> str:
    """The password in base64 of a user and a password, or ""."""
    try:
        user, _, password = b64decode(text + "=" * (-len(text) % 4)).decode("latin-1").partition(":")
    except ValueError:
        return ""
    return "" if password == user else password


def _match(blob: Blob, form: Form, name: str, span: tuple[int, int]) -> Match:
    title = form.title or name
    return Match(
        _RULES[form.place],
        Rank.TEXT,
        blob.offset(span[0]),
        blob.offset(span[1]),
        f"{title} is in plain text",
        _HINT,
        name=name,
        parts=(title,),
        confidence=Confidence.LOW
        if form.random or telling(name or "password") < Telling.SURELY
        else Confidence.MEDIUM,
    )
