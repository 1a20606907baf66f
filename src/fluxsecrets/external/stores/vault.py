"""KV version 2 of HashiCorp Vault or OpenBao, through hvac (`pip install fluxsecrets[vault]`)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fluxsecrets.clouds import refusal, vault, vault_login
from fluxsecrets.clouds.calling import Caller
from fluxsecrets.errors import ConfigError, ServiceError, StoreError

from .asking import ask
from .content import JsonText, exact_then_path
from .model import Opening, Stored, StoreKind

Result = TypeVar("Result")
_ENGINES = frozenset(
    (
        "aws",
        "azure",
        "cubbyhole",
        "database",
        "gcp",
        "kubernetes",
        "ldap",
        "nomad",
        "pki",
        "ssh",
        "totp",
        "transit",
    )
)
"""Names of Vault's other engines."""


@dataclass(frozen=True, slots=True)
class VaultStore:
    """One mount of KV version 2.

    Attributes:
        product: Vault or OpenBao, for messages.
        variable: the environment variable with the address.
    """

    address: str
    mount: str
    _client: Any = field(repr=False)
    product: str = "Vault"
    variable: str = "VAULT_ADDR"
    _caller: Caller = field(default_factory=lambda: Caller("Vault"), repr=False)

    @property
    def shown(self) -> str:
        """The store, for messages."""
        return f"{self.product} {self.address}, {self.mount}"

    def check_mount(self) -> None:
        """Ask which engine the mount has, as `vault kv` does before it reads or writes.

        KV version 1 accepts the requests of version 2, stores the values one level deeper under `data/`, and
        returns them from there. The operator would not find them.

        Raises:
            StoreError: the mount is not KV version 2, or the server does not say what it is.
            ServiceError: the server can't be reached, or refuses.
        """
        answer = self._call("", lambda: self._client.read(f"sys/internal/ui/mounts/{self.mount}"))
        data = answer.get("data") if isinstance(answer, dict) else None
        engine, options = (data.get("type"), data.get("options")) if isinstance(data, dict) else (None, None)
        if engine not in ("kv", "generic"):
            # Other names are not shown: a server can repeat what was sent.
            named = isinstance(engine, str) and engine in _ENGINES
            what = f"is a mount of the engine {engine!a}" if named else "is not a mount that can be checked"
            raise StoreError(f"{what}, not of KV version 2", path=self.shown, hint=_V2)
        path = str(data.get("path", "")).strip("/") if isinstance(data, dict) else ""
        if path and path != self.mount:
            mount = path if self.mount.startswith(f"{path}/") else "another one"
            raise StoreError(
                f"the mount is {mount}, and the rest is a path in it",
                path=self.shown,
                hint="name the mount alone, and put the rest into --key-template",
            )
        if not isinstance(options, dict) or options.get("version") != "2":
            raise StoreError(
                "the mount is KV version 1, which can't tell whether someone else wrote first",
                path=self.shown,
                hint="upgrade it with `vault kv enable-versioning MOUNT`, and set `version: v2` in its "
                "SecretStore",
            )

    def read(self, key: str, version: str | None = None) -> Stored | None:
        """See `StoreClient.read`."""
        from hvac.exceptions import InvalidPath

        path = self.path_of(key)
        try:
            answer = self._call(
                key,
                lambda: self._client.secrets.kv.v2.read_secret_version(
                    path=path,
                    mount_point=self.mount,
                    version=version,
                    raise_on_deleted_version=True,
                ),
            )
        except InvalidPath:
            return self._deleted(key)
        data = answer.get("data") if isinstance(answer, dict) else None
        values = data.get("data") if isinstance(data, dict) else None
        if not isinstance(values, dict):
            raise StoreError("the answer does not come from KV version 2", path=self.shown, hint=_V2)
        metadata = data.get("metadata") if isinstance(data, dict) else None
        number = metadata.get("version") if isinstance(metadata, dict) else None
        if not isinstance(number, int):
            raise StoreError("the answer does not come from KV version 2", path=self.shown, hint=_V2)
        return Stored(JsonText(_go_json(values), exact_then_path), number)

    def check(self, key: str, values: Mapping[str, str], now: Stored | None) -> None:
        """See `StoreClient.check`. The operator looks for the exact name first, so nothing is in the way."""

    def write(self, key: str, values: Mapping[str, str], expected: Stored | None) -> None:
        """See `StoreClient.write`."""
        known = expected.content if expected is not None else None
        kept = json.loads(known.text) if isinstance(known, JsonText) else {}
        number = expected.version if expected is not None else 0
        self._call(
            key,
            lambda: self._client.secrets.kv.v2.create_or_update_secret(
                path=self.path_of(key), secret={**kept, **values}, mount_point=self.mount, cas=number
            ),
            writes=True,
        )

    def path_of(self, key: str) -> str:
        """Return the path below the mount for a key of an ExternalSecret (`buildPath` in the operator)."""
        if not key or ".." in key.split("/") or not _is_path(key):
            # The key comes from a file, and must not lead out of the mount.
            raise StoreError("is not a path in this store", path=f"{self.shown}: {ascii(key)[1:-1]}")
        inside = key.removeprefix(f"{self.mount}/")
        return inside.removeprefix("data/") if inside != key else key

    def _deleted(self, key: str) -> Stored | None:
        """Return a deleted key. It has no content, but still a version number, which the next write needs."""
        from hvac.exceptions import InvalidPath

        try:
            answer = self._call(
                key,
                lambda: self._client.secrets.kv.v2.read_secret_metadata(
                    path=self.path_of(key), mount_point=self.mount
                ),
            )
        except InvalidPath:
            return None
        number = answer.get("data", {}).get("current_version") if isinstance(answer, dict) else None
        return Stored(None, number) if number else None

    def _call(self, key: str, call: Callable[[], Result], *, writes: bool = False) -> Result:
        import requests
        from hvac import exceptions

        place = f"{self.shown}: {key}" if key else self.shown

        def request() -> Result:
            try:
                answer = call()
            except exceptions.InvalidPath:
                raise
            except exceptions.InvalidRequest as error:
                if "check-and-set" in str(error):
                    raise StoreError("was changed in the store meanwhile", path=place) from None
                raise StoreError(f"{self.product} rejected the request", path=place, hint=_V2) from None
            except (exceptions.VaultError, requests.RequestException, ValueError) as error:
                raise self._refused(vault.refused(error, self.product)) from None
            if isinstance(answer, requests.Response) and not 200 <= answer.status_code < 300:
                # hvac returns a redirect as if the request had succeeded.
                raise vault.redirected(self.product)
            return answer

        return ask(self._caller, self.address, place, request, writes=writes)

    def _refused(self, error: ServiceError) -> ServiceError:
        if error.reason == refusal.SEALED:
            program = vault_login.PROGRAMS[self.product]
            error.hint = (
                f"ask its operators to run `{program} operator unseal`; `{program} status` shows its state"
            )
        elif error.reason == refusal.OFFLINE:
            error.hint = f"check {self.variable}"
        return error


def _go_json(values: Mapping[str, object]) -> str:
    """Return a map as Go's `json.Marshal` writes it: that is what the operator reads without a property."""
    text = json.dumps(values, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)


_V2 = "check with `vault secrets list -detailed` that the mount is KV version 2"


def open_vault(
    environ: Mapping[str, str], mount: str, *, namespace: str | None = None, product: str = "Vault"
) -> VaultStore:
    """Open the Vault in VAULT_ADDR with VAULT_TOKEN, like Vault's own command. Nothing is sent yet.

    OpenBao's variables start with BAO_ instead. Address and token come from the same product's variables: a
    token for one is not sent to the address of the other.

    Args:
        environ: the environment.
        mount: the path of the mount.
        namespace: applies if VAULT_NAMESPACE is not set.
        product: the product whose variables count if those of both are set.

    Raises:
        StoreError: no address, or the mount is not a path.
        ServiceError: no token, or hvac is not installed.
    """
    mount = mount.strip("/")
    if not mount or ".." in mount.split("/") or not _is_path(mount):
        raise StoreError(f"{mount!a} is not the path of a mount", hint="give it with --mount PATH")
    product = vault_login.choose_product(environ, product)
    variable = vault_login.variable(product, "ADDR")
    address = environ.get(variable, "")
    if urlsplit(address).scheme not in ("https", "http") or "@" in address:  # addresses are shown
        raise StoreError(
            f"{variable} is not the address of a Vault",
            hint="set it: a token is never sent to an address that only a file names",
        )
    client = vault.make_client(address, environ, product=product, namespace=namespace or "")
    return VaultStore(address.rstrip("/"), mount, client, product, variable, Caller(product))


def _is_path(text: str) -> bool:
    return text.isprintable() and not any(mark in text for mark in "?#%\\")


def _open(opening: Opening) -> VaultStore:
    product = _PRODUCTS[opening.provider]
    mount = opening.options.get("mount") or opening.setting("path")
    if not mount:
        raise ConfigError(f"the mount of {opening.name} is not known", hint="give it with --mount PATH")
    if opening.setting("version") == "v1":
        raise StoreError(
            f"the store {opening.name} is KV version 1, which can't tell whether someone else wrote first",
            hint="upgrade the mount with `vault kv enable-versioning MOUNT`, and set `version: v2`",
        )
    client = open_vault(
        opening.environ, mount, namespace=opening.setting("namespace") or None, product=product
    )
    client.check_mount()
    server = opening.setting("server").rstrip("/")
    if server and server != client.address:
        opening.note(f"the store {opening.name} is at {server}, {client.variable} says {client.address}")
    return client


_PRODUCTS = {"vault": "Vault", "openBao": "OpenBao"}


def _kind(name: str, title: str, provider: str) -> StoreKind:
    return StoreKind(
        name=name,
        title=title,
        providers=(provider,),
        options={"mount": "mount"},
        template="{namespace}/{name}",
        key=re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_./+=@-]*[A-Za-z0-9_.+=@-])?"),
        key_words="letters, digits and _./+=@-",
        open=_open,
    )


VAULT = _kind("vault", "Vault", "vault")
OPENBAO = _kind("openbao", "OpenBao", "openBao")
