"""Secrets in Azure Key Vault (`pip install fluxsecrets[azure]`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fluxsecrets.clouds import azure, azure_login, refusal
from fluxsecrets.clouds.calling import Caller
from fluxsecrets.errors import ConfigError, ServiceError, StoreError

from .asking import ask
from .content import JsonText, check_readable, path_then_dots
from .model import Opening, Stored, StoreKind

SERVICE = azure.SERVICE
_NAME = re.compile(r"[0-9A-Za-z-]{1,127}", re.ASCII)
_VERSION = re.compile(r"[0-9A-Za-z]{1,64}", re.ASCII)
_OBJECT = re.compile(r"(?:(?:secret|key|cert)/)?[0-9A-Za-z-]{1,127}", re.ASCII)
_LONGEST = 25_600
"""Bytes of a value: "25k" in Azure's documentation."""

_KEPT = ("exp", "nbf", "enabled")
"""Attributes of a version that the next one takes over, if nothing else is said."""


@dataclass(frozen=True, slots=True)
class AzureStore:
    """The secrets of a vault."""

    origin: str
    _vault: azure.Vault = field(repr=False)
    _caller: Caller = field(default_factory=lambda: Caller(SERVICE), repr=False)

    @property
    def shown(self) -> str:
        """The store, for messages."""
        return f"{SERVICE} {self.origin}"

    def read(self, key: str, version: str | None = None) -> Stored | None:
        """See `StoreClient.read`."""
        answer = self._get(key, version)
        return None if answer is None else self._stored(answer, key)

    def check(self, key: str, values: Mapping[str, str], now: Stored | None) -> None:
        """See `StoreClient.check`."""
        text = _text_of(values, now)
        check_readable(JsonText(text, path_then_dots), values, {}, self._place(key))
        if len(text.encode("utf-8", "surrogateescape")) > _LONGEST:
            raise StoreError(
                "the values are larger than 25 KiB together", path=self._place(key), hint="divide the Secret"
            )

    def write(self, key: str, values: Mapping[str, str], expected: Stored | None) -> None:
        """See `StoreClient.write`.

        Key Vault has no check-and-set, so this reads the version again right before it writes.
        """
        known = self._get(key, None)
        now = None if known is None else self._stored(known, key)
        if (now.version if now is not None else None) != (expected.version if expected is not None else None):
            raise StoreError("was changed in the store meanwhile", path=self._place(key))
        body = {"contentType": "application/json", **_carried(known), "value": _text_of(values, now)}
        try:
            self._ask("PUT", f"/secrets/{self._name_of(key)}", key, body)
        except ServiceError as error:
            if error.reason != refusal.EXISTS:
                raise
            vault = self.origin.removeprefix("https://").partition(".")[0]
            raise StoreError(
                "a deleted secret of this name can still be recovered, and keeps the name",
                path=self._place(key),
                hint=f"run `az keyvault secret recover --vault-name {vault} --name {self._name_of(key)}`, "
                "or purge it",
            ) from None

    def _get(self, key: str, version: str | None) -> Mapping[str, Any] | None:
        name = self._name_of(key)
        if version is not None and not _VERSION.fullmatch(version):
            raise StoreError(f"{version!a} is not a version", path=self._place(key))
        try:
            return self._ask("GET", f"/secrets/{name}/{version or ''}", key)
        except ServiceError as error:
            if error.reason == refusal.NOT_FOUND:
                return None
            if error.reason == refusal.DISABLED:
                raise StoreError(
                    "is disabled in the vault", path=self._place(key), hint="enable it, or set a new version"
                ) from None
            raise

    def _stored(self, answer: Mapping[str, Any], key: str) -> Stored:
        value, identifier = answer.get("value"), answer.get("id")
        version = identifier.rpartition("/")[2] if isinstance(identifier, str) else ""
        if not isinstance(value, str) or not _VERSION.fullmatch(version):
            raise refusal.refusal(refusal.FAILED, SERVICE, detail="malformed answer", path=self._place(key))
        return Stored(JsonText(value, path_then_dots), version)

    def _ask(
        self, method: str, path: str, key: str, body: Mapping[str, object] | None = None
    ) -> Mapping[str, Any]:
        return ask(
            self._caller,
            self.origin,
            self._place(key),
            lambda: self._vault.ask(method, path, body),
            writes=body is not None,
        )

    def _name_of(self, key: str) -> str:
        """Return the name of a secret. A key in a manifest may start with what it is (`getObjType`)."""
        kind, slash, name = key.rpartition("/")
        if slash and kind in ("key", "cert"):
            raise StoreError(
                f"is a {kind}, of which the operator reads the public part; only secrets can be read here",
                path=self._place(key),
                hint="get the Secret from the cluster",
            )
        if (slash and kind != "secret") or not _NAME.fullmatch(name):
            raise StoreError("is not the name of a secret", path=self._place(key))
        return name

    def _place(self, key: str) -> str:
        return f"{self.shown}: {ascii(key)[1:-1]}"


def _carried(known: Mapping[str, Any] | None) -> dict[str, object]:
    """Return what a new version takes over from the last one: it starts without all of it."""
    if known is None:
        return {}
    attributes = known.get("attributes")
    kept = {name: each for name, each in (attributes or {}).items() if name in _KEPT}
    return {
        **{name: known[name] for name in ("contentType", "tags") if known.get(name) is not None},
        **({"attributes": kept} if kept else {}),
    }


def _text_of(values: Mapping[str, str], now: Stored | None) -> str:
    known = now.content if now is not None else None
    return (known if isinstance(known, JsonText) else JsonText("{}", path_then_dots)).joined(values)


def _open(opening: Opening) -> AzureStore:
    """Open a vault.

    The user may name any; a manifest only one of Azure's own, since the token for a vault goes there.
    """
    given = opening.options.get("vault")
    url = given if given is not None else opening.setting("vaultUrl")
    if not url:
        raise ConfigError(f"the vault of {opening.name} is not known", hint="give it with --vault URL")
    origin = azure.vault_origin(url)
    if origin is None:
        raise ConfigError(
            f"{url!a} is not the address of a vault", hint="it looks like https://VAULT.vault.azure.net"
        )
    if given is None and not azure.is_azures(origin):
        raise refusal.refusal(
            refusal.UNTRUSTED,
            SERVICE,
            detail=origin,
            hint=f"if you know this vault, add `--vault {origin}`",
        )
    credential = azure_login.Credential(opening.environ)
    return AzureStore(origin, azure.Vault(origin, credential, opening.environ))


KIND = StoreKind(
    name="azure",
    title=SERVICE,
    providers=("azurekv",),
    options={"vault": "address of the vault"},
    template="{namespace}-{name}",
    key=_NAME,
    key_words="letters, digits and -, at most 127",
    fit=lambda name: re.sub(r"[^0-9A-Za-z-]", "-", name),
    readable=_OBJECT,
    required=("vaultUrl",),
    open=_open,
)
