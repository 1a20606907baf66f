"""plain-secret: a value in a Kubernetes Secret that is not encrypted.

Any literal counts, whatever it looks like: what it is worth is known to its owner only. References that
another tool resolves, templates, placeholders and empty values do not. Base64 under `data` is decoded
before that is asked. What is public by its form counts with a low severity: `encrypt` encrypts it as well.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator

from fluxsecrets.findings import Confidence, RuleInfo, Severity
from fluxsecrets.marks import MANIFEST_SUFFIXES, TEMPLATE_SUFFIXES
from fluxsecrets.scan.match import Match
from fluxsecrets.scan.mixed import has_secret, is_written
from fluxsecrets.scan.names import Telling, telling
from fluxsecrets.scan.publicforms import is_folder, is_small_number, public_form
from fluxsecrets.scan.references import is_reference, rest_of
from fluxsecrets.scan.template import is_template
from fluxsecrets.scan.valuekey import unpacked

from .page import ENCRYPT_HINT, Object, Page
from .reader import List, Map, Node, Value, child, is_null, show, walk

RULE = RuleInfo(
    id="plain-secret",
    title="value of a Secret in plain text",
    severity=Severity.HIGH,
    explanation=(
        "A Kubernetes Secret with a value that is not encrypted. Base64 hides nothing. Anyone who can read "
        "the repository, now or in its history, can read the value."
    ),
    fix="Encrypt the file with `fluxsecrets encrypt`, and change the value if it was ever pushed.",
    docs="scan.md#plain-secret",
)

_MIXED = r"[A-Za-z]\d|\d[A-Za-z]"
"""A word of letters and digits."""


def judge(page: Page, owner: Object) -> Iterator[Match]:
    """The literal values of a Secret."""
    if not owner.is_secret:
        return
    template = _is_template(page)
    for value in secret_values(owner):
        if template and _says_nothing(value):
            continue
        if not _left_plain(owner, value):
            field = value.path[len(owner.prefix)]
            hint, text = _hint(owner), value.scalar.text
            form = public_form(value.name, decoded(text) if field == "data" else text)
            message = f"{owner.label}: {show(value.path)} is in plain text" + (f" ({form})" if form else "")
            severity = Severity.LOW if form else None
            confidence = Confidence.HIGH if owner.sops is None else Confidence.MEDIUM
            plain = unpacked(text) if field == "data" else text
            yield page.match(
                RULE, value, owner, message, hint, severity=severity, confidence=confidence, secret=plain
            )


def only_refers(page: Page) -> bool:
    """Whether a file holds Secrets alone, and each of their values is filled in later."""
    values = [*_values(page)]
    template = _is_template(page)
    return (
        page.parsed.fault is None
        and bool(values)
        and all(owner.is_secret and owner.sops is None for owner in page.objects)
        and all(is_reference(value.scalar.text) or (template and _says_nothing(value)) for value in values)
    )


def _values(page: Page) -> Iterator[Value]:
    for owner in page.objects:
        for field in ("data", "stringData"):
            node = child(owner.node, field)
            for value in walk(node) if owner.is_secret and node is not None else ():
                if value.key is not None and not is_null(value.scalar):
                    yield value


def _is_template(page: Page) -> bool:
    """Whether a file is a template by name and content: what is made of it is encrypted, not itself."""
    path = page.blob.path.lower()
    if path.endswith(TEMPLATE_SUFFIXES):
        return is_template(page.blob.text)
    # Under a name that no tool applies, as a source for envsubst.
    return not path.endswith(MANIFEST_SUFFIXES) and any(
        is_reference(each.scalar.text) for each in _values(page)
    )


def _says_nothing(value: Value) -> bool:
    """Whether neither the key nor the text of a value looks like a secret: `username: admin`."""
    text = value.scalar.text
    rest = rest_of(text)
    written = text if rest is None else rest
    if public_form(value.name, text):
        return True
    if telling(value.name) is not Telling.NOTHING or has_secret(written):
        return False
    if is_small_number(value.name, written) or is_folder(written):
        return True
    return "\n" in text or (re.search(_MIXED, written) is None and re.fullmatch(r"\d{4,}", written) is None)


def secret_values(owner: Object) -> Iterator[Value]:
    """The values of a Secret that are literal, and not encrypted."""
    for field, node in _fields(owner.node):
        for value in walk(node, (*owner.prefix, field)):
            scalar = value.scalar
            if value.key is None or is_null(scalar):
                continue
            name = value.key.text
            if is_written(name, scalar.text) and (field != "data" or is_written(name, decoded(scalar.text))):
                yield value


def _fields(node: Node) -> Iterator[tuple[str, Node]]:
    """The maps of values of a Secret, also those that it has by a YAML merge key."""
    for field in ("data", "stringData"):
        found = child(node, field)
        if found is not None:
            yield field, found
    merged = child(node, "<<")
    for each in merged.items if type(merged) is List else (merged,):
        if type(each) is Map:
            yield from _fields(each)


def decoded(text: str) -> str:
    """Decode base64 to text; anything that is not the base64 of a text stays as it is."""
    packed = "".join(text.split())
    try:
        return b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode()
    except ValueError:
        return text


def _left_plain(owner: Object, value: Value) -> bool:
    """Whether the file's own selector leaves the value plain because somebody asked for just that."""
    block = owner.sops
    if block is None:
        return False
    if not any(block.get(name) is not None for name in ("encrypted_regex", "encrypted_suffix")):
        # What such a selector encrypts is judged by the rules for sops files. What it does not encrypt
        # was named to stay plain.
        return True
    return _chosen(block, value)


def _chosen(block: Map, value: Value) -> bool:
    from .sops import selector_of

    selector = selector_of(block)
    names = tuple(step for step in value.path if isinstance(step, str))
    # Another rule judges what it would encrypt. What it leaves out counts if the name is telling.
    return selector is None or selector.encrypts(names) or telling(value.name) is Telling.NOTHING


def _hint(owner: Object) -> str:
    if owner.sops is not None:
        return (
            "the selector of this file leaves it out: widen it to ^(data|stringData)$ in .sops.yaml, then "
            "decrypt and encrypt the file again: `fluxsecrets encrypt FILE`"
        )
    if owner.prefix:
        return "encrypt it: `fluxsecrets encrypt --split-lists FILE`"
    return ENCRYPT_HINT
