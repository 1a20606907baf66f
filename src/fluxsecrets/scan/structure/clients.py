"""Files in which programs keep what they log in with: kubeconfig, docker, netrc, npm, PyPI, PostgreSQL."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator

from fluxsecrets.findings import RuleInfo, Severity
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.match import Match, Rank
from fluxsecrets.scan.names import login_form
from fluxsecrets.scan.values import is_literal

from .page import ENCRYPT_HINT, Object, Page
from .reader import List, Map, Scalar, Value, child, is_null, show, text_of, walk

KUBECONFIG = RuleInfo(
    id="kubeconfig",
    title="credentials in a kubeconfig",
    severity=Severity.CRITICAL,
    explanation="A kubeconfig with a token, password or client key: anyone who has it is in the cluster.",
    fix="Remove it, revoke the credentials, and give people access through an identity provider.",
    docs="scan.md#kubeconfig",
)
DOCKER = RuleInfo(
    id="docker-config",
    title="credentials in a docker configuration",
    severity=Severity.HIGH,
    explanation="The file with which docker or a cluster logs in to a registry; base64 hides nothing.",
    fix="Encrypt it with `fluxsecrets encrypt`, and change the password or token.",
    docs="scan.md#docker-config",
)
LOGIN = RuleInfo(
    id="login-file",
    title="credentials in a login file",
    severity=Severity.HIGH,
    explanation="A file such as .netrc, .npmrc, .pypirc or .pgpass holds a password or token. Hashes, as in "
    "an .htpasswd file, count less: anyone who has them can guess passwords without being noticed.",
    fix="Encrypt it with `fluxsecrets encrypt`, or take it out of the repository; change the value.",
    docs="scan.md#login-file",
)

_KUBECONFIG_FIELDS = ("token", "password", "client-key-data")
_DOCKER_FIELDS = frozenset({"auth", "password", "identitytoken", "registrytoken"})

_HASH = r"\$\w+\$[^\s:]+"
_FORMS = {
    "netrc": r"(?:^|\s)(?P<name>password)\s+(?:\"(?P<quoted>[^\"]+)\"|(?P<bare>\S+))",
    "npmrc": r"(?m)^[^#;\n=]*(?P<name>_authToken|_auth|_password)\s*=\s*\"?(?P<bare>[^\s\"]+)",
    "pypirc": r"(?m)^[ \t]*(?P<name>password)[ \t]*[=:][ \t]*(?P<bare>\S[^\r\n]*)",
    "pgpass": r"(?m)^(?!#)(?:(?:[^:\\\n]|\\.)*:){4}(?P<bare>[^\r\n]+)",
    "htpasswd": rf"(?m)^[ \t]*[^\s:#]+:(?:(?P<hash>{_HASH}|\{{SHA\}}[^\s:]+)|(?P<bare>[^\s:]+))[ \t]*\r?$",
    "hashes": rf"(?m)^[^\s:#]+:(?P<hash>{_HASH})",
    "userlist": r"(?m)^[ \t]*\"[^\"]*\"[ \t]+\"(?:(?P<hash>md5[0-9a-f]{32}|SCRAM-[^\"]+)"
    r"|(?P<quoted>[^\"]+))\"",
    "token": r"^\s*(?P<bare>\S{8,})\s*$",
}
"""Where the password is, by the form of the file; see `login_form`."""


def judge_kubeconfig(page: Page, owner: Object) -> Iterator[Match]:
    """What lets somebody in, in a kubeconfig."""
    users = child(owner.node, "users")
    if owner.kind != "Config" or type(users) is not List:
        return
    for index, item in enumerate(users.items):
        user = child(item, "user")
        for field in _KUBECONFIG_FIELDS if type(user) is Map else ():
            scalar = child(user, field)
            if type(scalar) is Scalar and is_literal(scalar.text):
                value = Value((*owner.prefix, "users", index, "user", field), scalar, None, None)
                name = text_of(child(item, "name")) or "without a name"
                message = f"the kubeconfig has a {field} for the user {name!a}"
                yield page.match(KUBECONFIG, value, owner, message, "remove it, and revoke the credentials")


def judge_docker(page: Page, owner: Object) -> Iterator[Match]:
    """What logs in to a registry, in docker's configuration."""
    auths = child(owner.node, "auths")
    if type(auths) is not Map or owner.is_object:
        return
    for value in walk(auths, (*owner.prefix, "auths")):
        field = value.key.text if value.key is not None else ""
        text = value.scalar.text
        if field not in _DOCKER_FIELDS or is_null(value.scalar) or not is_literal(text):
            continue
        if field == "auth" and not _has_password(text):
            continue
        message = f"{show(value.path)} is in plain text"
        yield page.match(DOCKER, value, owner, message, ENCRYPT_HINT)


def _has_password(auth: str) -> bool:
    """Whether base64 of `user:password` has a password that is one."""
    try:
        decoded = b64decode(auth + "=" * (-len(auth) % 4)).decode()
    except ValueError:
        return True
    _, separator, password = decoded.partition(":")
    return not separator or is_literal(password)


def judge_login(blob: Blob) -> Iterator[Match]:
    """The passwords of a login file."""
    form = login_form(blob.path)
    for match in re.finditer(_FORMS[form], blob.text):
        groups = match.groupdict()
        group = next(name for name in ("hash", "quoted", "bare") if groups.get(name) is not None)
        name = groups.get("name") or ("the hash of a password" if group == "hash" else "the password")
        if group == "hash" or is_literal(match[group]):
            yield Match(
                LOGIN,
                Rank.PLACE,
                *match.span(group),
                f"{name} is in plain text",
                "encrypt it (`fluxsecrets encrypt FILE`), or take it out of the repository",
                name=name,
                parts=(name,),
                severity=Severity.MEDIUM if group == "hash" else None,
            )
