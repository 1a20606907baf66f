"""What Flux makes of an object before it applies it: fields that its kind does not have drop out.

Follows `UnstructuredWithScheme` of fluxcd/pkg's ssa/normalize and `IsEncryptedSecret` of
kustomize-controller. The `sops` block is such a field: a Secret that nothing decrypts loses it and is applied
as ciphertext. Only where the conversion fails, such as for ciphertexts in `data`, which are not base64, the
block stays, and Flux refuses the Secret.
"""

from __future__ import annotations

import operator
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, Final

from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.manifests import Plain, dig, text
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.sops.values import Timestamp

from .decrypting import decrypts, is_disabled
from .model import Cluster
from .unknown import UNKNOWN, is_unknown, unknown_kind
from .validity.shapes import converts
from .values import decoded
from .wording import formatted

BUILT_IN: Final = frozenset(
    {
        "", "admissionregistration.k8s.io", "apps", "authentication.k8s.io", "authorization.k8s.io",
        "autoscaling", "batch", "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io",
        "events.k8s.io", "extensions", "flowcontrol.apiserver.k8s.io", "internal.apiserver.k8s.io",
        "networking.k8s.io", "node.k8s.io", "policy", "rbac.authorization.k8s.io", "resource.k8s.io",
        "scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io",
    }
)  # fmt: skip
"""The API groups whose kinds Flux knows (client-go's scheme)."""

_LEFT_ALONE = frozenset({"Role", "ClusterRole"})


def normalise(data: Plain) -> Plain:
    """An object as Flux sends it to the API server."""
    data = _with_labels(_with_times_as_texts(data))
    if not _is_typed(data) or not _converts(data):
        return data
    kept = {key: value for key, value in data.items() if key != "sops"}
    if _is_secret(data):
        return _in_one_line(_merged(kept), "data")
    return _in_one_line(kept, "binaryData") if data.get("kind") == "ConfigMap" else kept


def check_encrypted(applied: Applied, item: Object, data: Plain, cluster: Cluster) -> Iterator[Outcome]:
    """What Flux says about a Secret that still has its `sops` block when it is applied.

    Args:
        applied: the Kustomization.
        item: the Secret.
        data: as `normalise` returns it.
        cluster: what is known of it.
    """
    if _is_secret(data) and "sops" in data and not is_disabled(data, cluster):
        yield Outcome(
            Effect.FAILS,
            "decryption-required",
            f"{formatted(item)} is SOPS encrypted, configuring decryption is required for this secret to be "
            "reconciled",
            item.file,
            item.line_at(("sops",)),
            "add `decryption: {provider: sops, secretRef: {name: sops-age}}` to the Kustomization's spec"
            if not decrypts(applied)
            else "the sops block has no MAC, by which Flux knows it: encrypt the file again",
        )


def _with_times_as_texts(value: Any) -> Any:
    """Data as JSON has it, which knows no times; the same data where it has none."""
    if isinstance(value, Timestamp):
        return value.text
    if isinstance(value, dict):
        changed = {key: _with_times_as_texts(item) for key, item in value.items()}
        return changed if any(changed[key] is not item for key, item in value.items()) else value
    if isinstance(value, list):
        items = [_with_times_as_texts(item) for item in value]
        return items if any(map(operator.is_not, items, value)) else value
    return value


def _with_labels(data: Plain) -> Plain:
    """Without labels that are not a map of texts: Flux reads none, and adds its own to that."""
    labels = dig(data, "metadata", "labels")
    if labels is None or (isinstance(labels, dict) and all(map(_is_text, labels.values()))):
        return data
    return {**data, "metadata": {key: value for key, value in data["metadata"].items() if key != "labels"}}


def _is_typed(data: Plain) -> bool:
    api_version = text(data, "apiVersion") or ""
    if api_version == "rbac.authorization.k8s.io/v1" and data.get("kind") in _LEFT_ALONE:
        return False
    return api_version.rpartition("/")[0] in BUILT_IN


def _is_secret(data: Plain) -> bool:
    return data.get("kind") == "Secret" and data.get("apiVersion") == "v1"


def _converts(data: Plain) -> bool:
    """Whether an object can be read as its type."""
    values = dig(data, "data") if _is_secret(data) else None
    return converts(data) and all(map(_is_data, values.values() if isinstance(values, dict) else ()))


def _is_data(value: object) -> bool:
    return not isinstance(value, str) or is_unknown(value) or decoded(value) is not None


def _is_text(value: object) -> bool:
    return value is None or (isinstance(value, str) and unknown_kind(value) in ("str", "bytes", "time"))


def _in_one_line(data: Plain, field: str) -> Plain:
    """An object whose base64 is without the line breaks that kustomize puts into long values."""
    values = dig(data, field)
    if not isinstance(values, dict) or not any(map(_is_folded, values.values())):
        return data
    joined = {
        key: value.replace("\n", "").replace("\r", "") if _is_folded(value) else value
        for key, value in values.items()
    }
    return {**data, field: joined}


def _is_folded(value: object) -> bool:
    return isinstance(value, str) and not is_unknown(value) and ("\n" in value or "\r" in value)


def _merged(data: Plain) -> Plain:
    """A Secret with its `stringData` in its `data`."""
    texts = dig(data, "stringData")
    kept = {key: value for key, value in data.items() if key != "stringData"}
    if not texts:  # the typed form of a Secret leaves it out
        return kept
    if not isinstance(texts, dict):
        return data
    values = dig(data, "data")
    encoded = {key: _encoded(value) for key, value in texts.items()}
    return {**kept, "data": {**(values if isinstance(values, dict) else {}), **encoded}}


def _encoded(value: object) -> str:
    if is_unknown(value):
        return UNKNOWN
    if isinstance(value, Timestamp):
        value = value.text
    return b64encode(str(value).encode("utf-8", "surrogatepass") if value is not None else b"").decode()
