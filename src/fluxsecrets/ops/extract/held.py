"""What Secrets and ConfigMaps hold, for the objects that refer to them; ciphertexts are unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fluxsecrets.marks import is_ciphertext
from fluxsecrets.repo.helmvalues import Resolve, ValuesReference
from fluxsecrets.repo.manifests import Plain, pairs
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.secretrules import decode_base64

from .applied import reference_names


@dataclass(frozen=True)
class Held:
    """The Secrets and ConfigMaps among some objects, by namespace, kind and name."""

    data: Mapping[tuple[str | None, str, str], Plain] = field(repr=False)

    @classmethod
    def by(cls, objects: Iterable[Object]) -> Held:
        """Take objects; of two with one name, the last one counts."""
        return cls(
            {
                (item.namespace, item.kind, name): item.data
                for item in objects
                if item.kind in ("Secret", "ConfigMap")
                for name in reference_names(item)
            }
        )

    def find(self, reader: Object, kind: str, name: str) -> Plain | None:
        """Return what an object may refer to; None if nothing has the name."""
        return self.data.get((reader.namespace, kind, name))

    def resolver(self, reader: Object) -> Resolve:
        """Return what references of an object read; ciphertexts are unknown."""

        def resolve(reference: ValuesReference) -> str | None:
            found = self.find(reader, reference.kind, reference.name)
            return value_in(found or {}, reference.key)

        return resolve


def value_in(data: Plain, key: str) -> str | None:
    """What a Secret or ConfigMap holds under a key; None if it is encrypted, not text, or not there."""
    text = pairs(data, "stringData").get(key) if data.get("kind") == "Secret" else None
    if text is None:
        text = pairs(data, "data").get(key)
        if text is not None and data.get("kind") == "Secret" and not is_ciphertext(text):
            decoded = decode_base64(text)
            text = None if decoded is None else decoded.decode("utf-8", "surrogateescape")
    return None if text is None or is_ciphertext(text) else text


def all_in(data: Plain) -> dict[str, str] | None:
    """What a Secret or ConfigMap holds; None if some of it is encrypted or not text."""
    keys = {**pairs(data, "data"), **(pairs(data, "stringData") if data.get("kind") == "Secret" else {})}
    found = {key: value_in(data, key) for key in keys}
    known = {key: value for key, value in found.items() if value is not None}
    return known if len(known) == len(found) else None
