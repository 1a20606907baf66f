"""Files that sops encrypted as one value, and that Flux decrypts as JSON."""

from __future__ import annotations

import json

from fluxsecrets.repo.unknown import SIGN


def is_envelope(path: str, read_as: str, data: bytes | None) -> bool:
    """Whether what Flux writes is the JSON object around a value, `{"data": …}`, instead of the value.

    Args:
        path: of the file; one that ends in `.json` is an envelope only if its value is JSON itself.
        read_as: the format in which Flux decrypts it.
        data: what Flux writes.
    """
    if read_as != "json" or data is None:
        return False
    try:
        root = json.loads(data)
    except ValueError:
        return False
    if not isinstance(root, dict) or set(root) != {"data"} or not isinstance(root["data"], str):
        return False
    return not path.endswith(".json") or (SIGN not in root["data"] and _is_object(root["data"]))


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
