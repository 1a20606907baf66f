"""The decrypted values of a repository's secrets, for the rules that judge them; never shown to anybody."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field

from fluxsecrets.repo.discover import SecretKind
from fluxsecrets.repo.manifests import child, text_of
from fluxsecrets.shell import word
from fluxsecrets.sops.document import Leaf, Mapping, Path, leaves_of, show_path
from fluxsecrets.sops.formats import make_format

from .facts import Facts
from .model import Secret
from .selection import DATA_FIELDS

FILE = "the file"
"""The name of a value that is a whole file."""


@dataclass(frozen=True, slots=True)
class SecretValue:
    """One value.

    Attributes:
        owner: the Secret's name, or "".
        path: where it stands in the file.
        encoded: it stands under `data`, in base64; `data` below is what that means.
        text: as it stands in the file.
        data: what an application sees.
        line: 1-based.
    """

    secret: Secret
    owner: str
    path: Path
    key: str
    encoded: bool
    text: str = field(repr=False)
    data: bytes = field(repr=False)
    line: int

    @property
    def shown(self) -> str:
        """Where it stands, for a message."""
        place = FILE if make_format(self.secret.file.format).single_value else show_path(self.path)
        return f"{place} of Secret {self.owner}" if self.owner else place

    @property
    def argument(self) -> str:
        """Its key as a word of a command line, for `set`."""
        return key_argument(self.path)

    @property
    def plain(self) -> str | None:
        """The value as text, or None if it is not text."""
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            return None


def key_argument(path: Path) -> str:
    """The key of a value as a word of a command line, for `set`."""
    dotted = all(isinstance(step, str) and step and not set(step) & set("[]\"'") for step in path)
    if dotted:
        return word(".".join(str(step) for step in path))
    return word("".join(f"[{json.dumps(step)}]" for step in path))


def secret_values(facts: Facts) -> tuple[SecretValue, ...]:
    """The values of all files that were opened."""
    return facts.once("values", lambda: tuple(_all(facts)))


def _all(facts: Facts) -> Iterator[SecretValue]:
    for secret in facts.secrets:
        for part in secret.opened or ():
            yield from _of_part(secret, part)


def _of_part(secret: Secret, part: Mapping) -> Iterator[SecretValue]:
    manifest = secret.file.kind is SecretKind.MANIFEST or text_of(part.get("kind")) is not None
    if manifest and text_of(part.get("kind")) != "Secret":
        return
    owner = text_of(child(part, "metadata", "name")) or "" if manifest else ""
    for leaf in leaves_of(part):
        inside = not manifest or leaf.path[0] in DATA_FIELDS
        if not inside or not isinstance(leaf.value, (str, bytes)) or not leaf.value:
            continue
        encoded = manifest and leaf.path[0] == "data"
        raw = leaf.value if isinstance(leaf.value, bytes) else leaf.value.encode("utf-8", "surrogatepass")
        yield SecretValue(
            secret=secret,
            owner=owner,
            path=leaf.path,
            key=_key(leaf),
            encoded=encoded,
            text=raw.decode("utf-8", "replace"),
            data=_decoded(raw) if encoded else raw,
            line=leaf.line,
        )


def _key(leaf: Leaf) -> str:
    return next((step for step in reversed(leaf.path) if isinstance(step, str)), "")


def _decoded(raw: bytes) -> bytes:
    try:
        return b64decode(b"".join(raw.split()), validate=True)
    except binascii.Error:
        return raw
