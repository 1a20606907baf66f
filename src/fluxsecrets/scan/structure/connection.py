"""connection-string: a URL or DSN with a password in it, in any text."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Confidence, RuleInfo, Severity
from fluxsecrets.marks import MANIFEST_SUFFIXES
from fluxsecrets.scan.assignments import is_chosen
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.expressions import DSN, KEYED, URL, compiled
from fluxsecrets.scan.match import Match, Rank
from fluxsecrets.scan.values import is_expression, may_be_password

RULE = RuleInfo(
    id="connection-string",
    title="password in a connection string",
    severity=Severity.HIGH,
    explanation="A URL or DSN holds a user's password: it is where code and manifests forget one.",
    fix="Put the whole string into an encrypted Secret, or the password alone, and change it.",
    docs="scan.md#connection-string",
)

_HINT = "put it into a Secret, encrypt that, and refer to it; change the password if it was ever pushed"
_DIGESTS = ("sha256", "sha384", "sha512")
_EXAMPLE_HOSTS = (
    "example.com",
    "example.org",
    "example.net",
    "example",
    "host",
    "hostname",
    "server",
    "localhost",
)
_WORDS_USED = ("secret", "password")
# In examples, and as what images start with; a password that everybody knows is another matter.
_KNOWN = frozenset(
    {
        "pass",
        "user",
        "username",
        "guest",
        "postgres",
        "root",
        "admin",
        "mysql",
        "redis",
        "mongo",
        "test",
        "minio",
    }
    | {
        "pw",
        "pwd",
        "passwd",
        "myuser",
        "mypassword",
        "s3cr3t",
        "bar",
        "foo",
        "x",
        "passw0rd",
        "elastic",
        "example",
    }
    | {
        "changeme",
        "pass123",
        "password123",
        "pass1",
        "pass2",
        "p4ssw0rd",
        "x-oauth-basic",
        "x-token-auth",
        "oauth2",
    }
)


def judge(blob: Blob) -> Iterator[Match]:
    """The connection strings of a file."""
    from urllib.parse import unquote

    for expression, group in ((URL, 3), (DSN, 2)):
        for match in compiled(expression).finditer(blob.data):
            user = match.group(group - 1).decode("latin-1")
            password = match.group(group).decode("utf-8", "replace")
            host = match.group(group + 1).decode("latin-1")
            used = _is_mere_word(blob, match.start(), password, user, host)
            if not used and not _is_password(password, user, host):
                continue
            scheme = match.group(1).decode("latin-1").lower() if group == 3 else "a DSN"
            yield Match(
                RULE,
                Rank.TEXT,
                blob.offset(match.start(group)),
                blob.offset(match.end(group)),
                f"the connection string ({scheme}) holds a password in plain text",
                _HINT,
                name=f"{scheme}://…:" if group == 3 else "",
                parts=(scheme, user, host),
                confidence=Confidence.MEDIUM,
                value=unquote(password),
            )
    yield from _keyed(blob)


def _keyed(blob: Blob) -> Iterator[Match]:
    """The connection strings of names and values."""
    if b"pwd" not in (lower := blob.data.lower()) and b"password" not in lower:
        return
    for match in compiled(KEYED).finditer(blob.data):
        group = next(number for number in (1, 2, 3) if match.start(number) >= 0)
        password = match.group(group).decode("utf-8", "replace")
        if "{" not in password and "$" not in password and may_be_password(password) and is_chosen(password):
            yield Match(
                RULE,
                Rank.TEXT,
                blob.offset(match.start(group)),
                blob.offset(match.end(group)),
                "the connection string holds a password in plain text",
                _HINT,
                name="Password=…",
                parts=("keyed",),
                confidence=Confidence.MEDIUM,
            )


def _is_mere_word(blob: Blob, start: int, password: str, user: str, host: str) -> bool:
    """Whether a manifest logs in with a word such as `secret`, which elsewhere is an example."""
    if not blob.path.lower().endswith(MANIFEST_SUFFIXES) or password.lower() not in _WORDS_USED:
        return False
    line = blob.data[blob.data.rfind(b"\n", 0, start) + 1 : start]
    name = host.lower().partition(":")[0]
    is_place = "-" in name or "." in name
    return b"#" not in line and user.lower() not in _KNOWN and is_place and not name.endswith(_EXAMPLE_HOSTS)


def _is_password(text: str, user: str, host: str) -> bool:
    from urllib.parse import unquote

    plain = unquote(text)
    if not may_be_password(plain) or (is_expression(plain) and "(" in plain):
        return False
    if (
        "${" in plain
        or "$(" in plain
        or "{{" in plain
        or plain.startswith(("$", "%", "{"))
        or plain.isdigit()
    ):
        return False
    if host.lower() in _DIGESTS:  # of an image: name:tag@sha256
        return False
    known = plain.lower() in _KNOWN or plain.lower() == user.lower()
    name = host.lower().partition(":")[0]
    is_example = name in _EXAMPLE_HOSTS or name.endswith(
        (".example.com", ".example.org", ".example.net", "127.0.0.1")
    )
    return not known and not (is_example and len(plain) < 12 and plain.isalnum() and plain.isalpha())
