"""last-applied-secret: the copy of a Secret that `kubectl apply` keeps in an annotation.

It comes into repositories with `kubectl get secret -o yaml`, and stays plain when the file is encrypted,
since annotations are not.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import RuleInfo, Severity
from fluxsecrets.scan.match import Match

from .page import Object, Page, objects_in
from .reader import Map, Scalar, Value, child, parse
from .secret import secret_values

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"

RULE = RuleInfo(
    id="last-applied-secret",
    title="Secret in the last-applied annotation",
    severity=Severity.HIGH,
    explanation=(
        "`kubectl apply` keeps what it applied in the annotation "
        f"`{ANNOTATION}`, values included. Encrypting the file leaves annotations as they are."
    ),
    fix="Remove the annotation, and change the values if it was ever pushed.",
    docs="scan.md#last-applied-secret",
)


def judge(page: Page, owner: Object) -> Iterator[Match]:
    """The annotation, where it holds a Secret with values."""
    annotations = child(owner.node, "metadata", "annotations")
    if type(annotations) is not Map:
        return
    for key, scalar in annotations.pairs:
        if type(key) is not Scalar or type(scalar) is not Scalar or key.text != ANNOTATION:
            continue
        inner = [each for node in parse(scalar.text).documents for each in objects_in(node)]
        count = sum(1 for each in inner if each.is_secret for _ in secret_values(each))
        if count:
            path = (*owner.prefix, "metadata", "annotations", ANNOTATION)
            values = f"{count} value" if count == 1 else f"{count} values"
            message = f"{owner.label}: the annotation of `kubectl apply` holds {values} in plain text"
            hint = "remove the annotation; encrypting the file does not cover it"
            yield page.match(RULE, Value(path, scalar, key, annotations), owner, message, hint)
