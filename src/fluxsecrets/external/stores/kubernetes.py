"""Secrets of another namespace or cluster: manifests only. A key is a Secret, a property one of its values.

The operator (providers/v1/kubernetes/client.go) returns the bytes of a value as they are.
"""

from __future__ import annotations

import re

from .model import StoreKind

KIND = StoreKind(
    name="kubernetes",
    title="Kubernetes",
    providers=("kubernetes",),
    template="{name}",
    key=re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?"),
    key_words="the name of a Secret: small letters, digits, - and ., at most 253",
    binary=True,
    ignored=frozenset({"version"}),
)
