"""sealed-secret-template: a SealedSecret whose template carries values in plain text."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import RuleInfo, Severity
from fluxsecrets.scan.match import Match
from fluxsecrets.scan.mixed import is_written
from fluxsecrets.scan.valuekey import unpacked

from .page import Object, Page
from .reader import Value, child, is_null, show, walk
from .secret import decoded

RULE = RuleInfo(
    id="sealed-secret-template",
    title="plain value in the template of a SealedSecret",
    severity=Severity.HIGH,
    explanation=(
        "`spec.encryptedData` of a SealedSecret is encrypted; `spec.template.data` is not: it is copied into "
        "the Secret as it stands. Templates that put sealed values together are fine, literal values are not."
    ),
    fix="Seal the value with the others (fluxsecrets seal), and refer to it in the template.",
    docs="scan.md#sealed-secret-template",
)

_HINT = "seal it with the other values (fluxsecrets seal), and refer to it in the template"


def judge(page: Page, owner: Object) -> Iterator[Match]:
    """Literal values in `spec.template`."""
    if owner.kind != "SealedSecret":
        return
    for field in ("data", "stringData"):
        node = child(owner.node, "spec", "template", field)
        for value in walk(node, (*owner.prefix, "spec", "template", field)) if node is not None else ():
            if _is_plain(value):
                message = f"{owner.label}: {show(value.path)} is in plain text"
                plain = unpacked(value.scalar.text) if field == "data" else None
                yield page.match(RULE, value, owner, message, _HINT, secret=plain)


def _is_plain(value: Value) -> bool:
    text = value.scalar.text
    if value.key is None or is_null(value.scalar):
        return False
    return is_written(value.key.text, text) and is_written(value.key.text, decoded(text))
