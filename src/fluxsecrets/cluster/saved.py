"""A dump without values: what was read of a cluster, as a file that may leave it.

Values are keyed hashes, and the key is in a file of its own. Objects are cut down to the fields that are
compared. What could not be read is in the file too, so that it stays unknown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fluxsecrets.errors import ClusterError
from fluxsecrets.files.reading import read_file
from fluxsecrets.flux.common import OWNER
from fluxsecrets.repo.manifests import Plain, dig, maps, texts
from fluxsecrets.sops.recipients import Recipient

from .collecting import LARGEST, read_object
from .hasher import Hasher
from .kinds import DEPLOYMENT, KINDS, SECRET, Kind
from .model import (
    ClusterKeys,
    Gap,
    Listing,
    LiveCluster,
    LiveObject,
    LiveSecret,
    LiveSecrets,
    Name,
    Origin,
    Wanted,
    Why,
    by_name,
)

FILE: Final = "fluxsecrets-dump.json"
"""The dump's file in its folder."""

KEY_FILE: Final = "hashes.sops.json"
"""The file with the key of the hashes, encrypted."""

_FORM: Final = "fluxsecrets-cluster-dump"
_VERSION: Final = 1

_SPEC = frozenset(
    {
        "decryption", "encryptedData", "interval", "kubeConfig", "path", "prune", "ref", "refreshInterval",
        "refreshPolicy", "serviceAccountName", "sourceRef", "suspend", "targetNamespace", "url",
    }
)  # fmt: skip
_STATUS = frozenset(
    {
        "artifact", "lastAppliedOriginRevision", "lastAppliedRevision", "lastAttemptedRevision",
        "observedGeneration", "readyReplicas", "refreshTime",
    }
)  # fmt: skip
_METADATA = frozenset(
    {
        "annotations", "creationTimestamp", "deletionTimestamp", "generation", "labels", "managedFields",
        "name", "namespace", "ownerReferences",
    }
)  # fmt: skip
_ANNOTATIONS = (
    f"{OWNER}/",
    "sealedsecrets.bitnami.com/",
    "eks.amazonaws.com/",
    "azure.workload.identity/",
    "iam.gke.io/",
)
"""What annotations that are compared start with. Other tools write whole objects into theirs."""

_FLAGS = (
    "--feature-gates",
    "--sops-age-secret",
    "--no-cross-namespace-refs",
    "--default-decryption-service-account",
)

_OTHER: Final = ""
"""In the place of a hash: the value is another one than the repository's."""

Mask = Callable[[str], str]
"""Makes a controller's message fit to be shown."""

KnownHashes = Mapping[str, Set[str | None]]
"""By key, the hashes that a value may have by the repository; None is one that is not known here."""


def to_dump(cluster: LiveCluster, mask: Mask, compared: Mapping[Name, KnownHashes]) -> bytes:
    """Return the file of a cluster that was read.

    Args:
        cluster: it. Its values are hashes already.
        mask: hides values in the messages of conditions.
        compared: the Secrets whose hashes are kept, with those of the repository.
    """
    secrets = cluster.secrets
    data = {
        "form": _FORM,
        "version": _VERSION,
        "hashes_of": _sign(cluster.hasher),
        "origin": {"context": cluster.origin.context, "server": cluster.origin.server},
        "listings": [
            {
                "kind": kind.argument,
                "gap": _gap_data(listing.gap),
                "items": [_cut(kind, each.data, mask) for each in listing.objects],
            }
            for kind, listing in cluster.listings.items()
        ],
        "secrets": {
            "items": [_secret_data(each, mask, compared.get(each.item.key)) for each in secrets],
            "gaps": {namespace: _gap_data(gap) for namespace, gap in sorted(secrets.gaps.items())},
            "owned_gap": _gap_data(secrets.owned_gap),
            "asked": sorted(map(list, secrets.asked)) if secrets.asked is not None else None,
        },
    }
    return json.dumps(data, indent=1, sort_keys=True).encode() + b"\n"


def from_dump(content: bytes, folder: str, hasher: Hasher | None) -> LiveCluster:
    """Return the cluster of a dump.

    Args:
        content: of its file.
        folder: where it is, for messages.
        hasher: with the key of its hashes; None if that can't be opened. The hashes are then unknown.

    Raises:
        ClusterError: it is not such a file, or of a newer version.
    """
    try:
        data = json.loads(content)
        if data["form"] != _FORM or data["version"] != _VERSION:
            raise ClusterError("the dump is of another version of fluxsecrets", hint="save it again")
        if hasher is not None and data["hashes_of"] != _sign(hasher):
            raise ClusterError(f"{KEY_FILE} is not the key of this dump", path=folder, hint="save it again")
        secrets = data["secrets"]
        listings = {_kind(each["kind"]): _listing(each) for each in data["listings"]}
        asked = secrets["asked"]
        found = LiveSecrets(
            by_name(_secret(each, known=hasher is not None) for each in secrets["items"]),
            {namespace: _gap(gap) for namespace, gap in secrets["gaps"].items()},
            _maybe_gap(secrets["owned_gap"]),
            frozenset((namespace, name) for namespace, name in asked) if asked is not None else None,
        )
        origin = Origin(data["origin"]["context"], data["origin"]["server"], folder)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ClusterError("the dump is damaged", hint="save it again") from None
    return LiveCluster(origin, hasher if hasher is not None else Hasher(), listings, found)


@dataclass(frozen=True, slots=True)
class SavedDump:
    """A folder with such a file.

    Attributes:
        shown: the folder, for messages.
        hasher: with the key of the hashes; None if that can't be opened.
    """

    folder: Path
    shown: str
    hasher: Hasher | None

    def read(self, _wanted: Wanted) -> LiveCluster:
        """Read all of it: it says itself what it was asked for.

        Raises:
            ClusterError: it is damaged, or of a newer version.
            FileAccessError, LimitError: it can't be read.
        """
        data = read_file(self.folder / FILE, limit=LARGEST).data
        return from_dump(data, self.shown, self.hasher)


def _sign(hasher: Hasher) -> str:
    """Tells whether two hashers have the same key."""
    return hasher.digest("", "", "", _FORM.encode())


# What is kept of an object.


def _cut(kind: Kind, data: Plain, mask: Mask) -> Plain:
    kept: Plain = {"apiVersion": data.get("apiVersion"), "kind": kind.name, "metadata": _metadata(data)}
    spec, status = dig(data, "spec"), dig(data, "status")
    if kind == DEPLOYMENT:
        kept["spec"] = {
            "template": {"spec": {"containers": [_container(each) for each in _containers(data)]}}
        }
    elif isinstance(spec, dict):
        kept["spec"] = {key: value for key, value in spec.items() if key in _SPEC}
    if isinstance(status, dict):
        conditions = [_condition(each, mask) for each in maps(status, "conditions")]
        kept["status"] = {
            **{key: value for key, value in status.items() if key in _STATUS},
            "conditions": conditions,
        }
    return kept


def _metadata(data: Plain) -> Plain:
    found = dig(data, "metadata")
    kept = {key: value for key, value in found.items() if key in _METADATA} if isinstance(found, dict) else {}
    annotations = kept.get("annotations")
    if isinstance(annotations, dict):
        kept["annotations"] = {
            key: value for key, value in annotations.items() if key.startswith(_ANNOTATIONS)
        }
    return kept


def _containers(data: Plain) -> list[Plain]:
    return maps(data, "spec", "template", "spec", "containers")


def _container(container: Plain) -> Plain:
    args = [each for each in texts(container, "args") if each.startswith(_FLAGS)]
    return {"name": container.get("name"), "image": container.get("image"), "args": args}


def _condition(condition: Plain, mask: Mask) -> Plain:
    message = condition.get("message")
    return {**condition, "message": mask(message) if isinstance(message, str) else ""}


# Secrets.


def _kept(secret: LiveSecret, known: KnownHashes | None) -> Mapping[str, str | None]:
    """The hashes of values that the repository has. That of another one would let its readers guess it."""
    if known is None:
        return dict.fromkeys(secret.digests)
    return {
        key: digest if digest is None or not known.get(key, {_OTHER}).isdisjoint({digest, None}) else _OTHER
        for key, digest in secret.digests.items()
    }


def _secret_data(secret: LiveSecret, mask: Mask, known: KnownHashes | None) -> Plain:
    keys = secret.keys
    return {
        "item": {
            **_cut(SECRET, secret.item.data, mask),
            **{key: secret.item.data[key] for key in ("type", "immutable") if key in secret.item.data},
        },
        "hashes": _kept(secret, known),
        "ciphertexts": sorted(secret.ciphertexts),
        "copies": list(secret.copies),
        "keys": {
            "recipients": {
                key: [[one.kind, one.id] for one in found] for key, found in keys.recipients.items()
            },
            "unusable": dict(keys.unusable),
            "ignored": list(keys.ignored),
            "services": list(keys.services),
            "unread": dict(keys.unread),
        },
    }


def _secret(data: Any, *, known: bool) -> LiveSecret:
    keys = data["keys"]
    return LiveSecret(
        _object(SECRET, data["item"]),
        {str(key): digest if known else None for key, digest in data["hashes"].items()},
        frozenset(data["ciphertexts"]),
        tuple(data["copies"]),
        ClusterKeys(
            {
                key: tuple(Recipient(str(kind), str(text)) for kind, text in found)
                for key, found in keys["recipients"].items()
            },
            dict(keys["unusable"]),
            tuple(keys["ignored"]),
            tuple(keys["services"]),
            dict(keys["unread"]),
        ),
    )


def _object(kind: Kind, data: Any) -> LiveObject:
    return read_object(kind, data)


# Listings and gaps.


def _listing(data: Any) -> Listing:
    kind = _kind(data["kind"])
    return Listing(tuple(_object(kind, each) for each in data["items"]), _maybe_gap(data["gap"]))


def _kind(argument: str) -> Kind:
    return {each.argument: each for each in KINDS}[argument]


def _gap_data(gap: Gap | None) -> Mapping[str, str] | None:
    return {"why": gap.why.value, "what": gap.what, "hint": gap.hint} if gap is not None else None


def _gap(data: Any) -> Gap:
    return Gap(Why(data["why"]), str(data["what"]), str(data["hint"]))


def _maybe_gap(data: Any) -> Gap | None:
    return _gap(data) if data is not None else None
