"""Bitwarden Secrets Manager: manifests only. Its secrets have a name and one value.

The operator (providers/v1/bitwarden/client.go) ignores `property`, takes a key in the form of a UUID for an
identifier, and fails if a project has two secrets of one name.
"""

from __future__ import annotations

import re

from .model import StoreKind

KIND = StoreKind(
    name="bitwarden",
    title="Bitwarden Secrets Manager",
    providers=("bitwardensecretsmanager",),
    template="{namespace}/{name}/{key}",
    key=re.compile(r"(?![0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$)[!-~](?:[ -~]*[!-~])?"),
    key_words="printable ASCII characters, and not a UUID",
    single=True,
    ignored=frozenset({"property", "version"}),
    required=("organizationID", "projectID"),
)
