"""What a kind of store is: the shape of one row of the table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fluxsecrets.errors import StoreError
from fluxsecrets.sops.document import Data


class Content(Protocol):
    """What a store holds under a key, as the operator reads it."""

    def whole(self) -> bytes:
        """Return the value of a reference without a property.

        Raises:
            StoreError: a reference needs a property here.
        """

    def part(self, name: str) -> bytes | None:
        """Return the value of a property, or None.

        Raises:
            FormatError: only the operator can find it.
            StoreError: it is there more than once, or can't be read.
        """

    def members(self) -> Mapping[str, bytes] | None:
        """Return all properties, for `extract`, or None if the content has no properties.

        Raises:
            StoreError: one is there more than once, or can't be read.
        """


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store has under a key.

    Attributes:
        content: not in the repr. None if it was deleted and the next version continues the count.
        version: identifies this state; `write` compares it.
    """

    content: Content | None = field(repr=False)
    version: str | int | None = None


class StoreClient(Protocol):
    """Reads and writes keys of one store."""

    @property
    def shown(self) -> str:
        """The store's kind and address, for messages."""

    def read(self, key: str, version: str | None = None) -> Stored | None:
        """Return what is under a key, or None.

        Raises:
            StoreError, ServiceError: the store can't be reached, or refuses.
        """

    def check(self, key: str, values: Mapping[str, str], now: Stored | None) -> None:
        """Check that the store can hold values beside what it has, and that the operator would find them.

        Raises:
            StoreError: too large, or in the way of others. The error contains no value.
        """

    def write(self, key: str, values: Mapping[str, str], expected: Stored | None) -> None:
        """Set properties of a key. Other properties stay. The key must still be as in `expected`.

        Raises:
            StoreError, ServiceError: someone else wrote first, or the store can't be reached or refuses.
                The error contains no value.
        """


@dataclass(frozen=True, slots=True)
class Opening:
    """What a client is made of.

    Attributes:
        environ: the user's environment, which alone has addresses and credentials.
        name: the store's name, for messages.
        provider: the name under `spec.provider`, which tells Vault from OpenBao.
        options: what the user gave, by the name of the option.
        settings: of the manifest, or empty.
        note: takes a line for the user.
    """

    environ: Mapping[str, str]
    name: str
    provider: str
    options: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Data] = field(default_factory=dict, repr=False)
    note: Callable[[str], None] = field(default=lambda _line: None, repr=False)

    def setting(self, name: str) -> str:
        """Return a setting of the manifest that is a text, or "". Flux's `${VAR}` in it is not known here."""
        value = self.settings.get(name)
        return value if isinstance(value, str) and "${" not in value else ""


@dataclass(frozen=True, slots=True)
class StoreKind:
    """One kind of store.

    Attributes:
        name: as `--provider` takes it.
        title: its name for people.
        providers: its names under `spec.provider` of a SecretStore, in external-secrets' API.
        options: the command's options that say more about a store, with what they are.
        template: the default of `--key-template`.
        key: what a key must match.
        key_words: the same for people, such as "letters, digits and -, at most 127".
        fit: makes the name of a namespace, Secret or value fit into a key.
        single: a key holds one value, not a map; the template has `{key}` then.
        property: makes the property in an ExternalSecret of a Secret's key.
        as_base64: whether the store would not return a text as it is.
        binary: the store holds any bytes, so nothing is in base64.
        ignored: fields of `remoteRef` that the operator ignores or refuses.
        readable: what a key in a manifest must match, or None for anything.
        required: settings that a manifest needs, as paths, such as `secretsScope.projectSlug`.
        open: makes a client, or None if fluxsecrets only writes manifests for it.
    """

    name: str
    title: str
    providers: tuple[str, ...]
    template: str
    key: re.Pattern[str]
    key_words: str
    options: Mapping[str, str] = field(default_factory=dict)
    fit: Callable[[str], str] = str
    single: bool = False
    property: Callable[[str], str] = str
    as_base64: Callable[[str], bool] = field(default=lambda _text: False)
    binary: bool = False
    ignored: frozenset[str] = frozenset()
    readable: re.Pattern[str] | None = None
    required: tuple[str, ...] = ()
    open: Callable[[Opening], StoreClient] | None = None

    def problem_with(self, key: str) -> str | None:
        """Return what is wrong with a key, or None."""
        if self.key.fullmatch(key) and not {".", ".."} & set(key.split("/")):
            return None
        return f"{key!a} is not a key for {self.title}: {self.key_words}"


def refused_manifest(kind: StoreKind) -> StoreError:
    """Return the error for reading or pushing to a store that has manifests only."""
    return StoreError(
        f"fluxsecrets can't read or write {kind.title}",
        hint="convert without --push, and create the keys that it lists; for the way back, take the Secret "
        "from the cluster with `kubectl get secret NAME --namespace NAMESPACE --output yaml`",
    )
