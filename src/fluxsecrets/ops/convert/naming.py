"""Names of files that tell their form, and their new names after a conversion.

`db.sops.yaml` becomes `db.sealed.yaml`, `db-sealed.yaml` becomes `db-external.yaml`; for SOPS and plain text,
a marker with a dash is dropped. A name without a marker stays.
"""

from __future__ import annotations

import re

from .forms import Form

_MARKERS = {
    Form.SOPS: ("sops", "enc", "encrypted"),
    Form.SEALED: ("sealed", "sealedsecret", "sealed-secret"),
    Form.EXTERNAL: ("external", "externalsecret", "external-secret"),
    Form.PLAIN: ("plain", "dec"),
}


def renamed(path: str, to: Form) -> str:
    """Return a file's path after its Secrets take another form."""
    folder, slash, name = path.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    others = sorted((text for form, texts in _MARKERS.items() if form is not to for text in texts), key=len)
    marker = _MARKERS[to][0]
    new = stem
    for text in reversed(others):
        quoted = re.escape(text)
        new, count = re.subn(rf"\.{quoted}$", "" if to is Form.PLAIN else f".{marker}", stem)
        if count:
            break
        short = to in (Form.PLAIN, Form.SOPS)
        new, count = re.subn(rf"-{quoted}$", "" if short else f"-{marker}", stem)
        if count:
            break
        new, count = re.subn(rf"^{quoted}-", "" if short else f"{marker}-", stem)
        if count:
            break
        new = stem
    return f"{folder}{slash}{new}{dot}{suffix}"


def with_sops_marker(path: str) -> str:
    """Return the path as `*.sops.*`, which many creation rules expect."""
    stem, dot, suffix = path.rpartition(".")
    return f"{stem}.{_MARKERS[Form.SOPS][0]}{dot}{suffix}"
