"""HashiCorp Vault's KV version 2, through hvac (`pip install fluxsecrets[vault]`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fluxsecrets.errors import FluxsecretsError, StoreError
from fluxsecrets.files.reading import read_file

from . import Stored

_TIMEOUT = 15
_TOKEN_FILE = ".vault-token"  # noqa: S105 - a file's name
_MAX_TOKEN = 64 * 2**10
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class VaultStore:
    """One mount of KV version 2."""

    address: str
    mount: str
    _client: Any = field(repr=False)

    @property
    def shown(self) -> str:
        """The store, for messages."""
        return f"Vault {self.address}, {self.mount}"

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
        number = data.get("metadata", {}).get("version") if isinstance(data, dict) else None
        return Stored(values, json.dumps(values, separators=(",", ":")), number)

    def write(self, key: str, values: Mapping[str, object], expected: Stored | None) -> None:
        """See `StoreClient.write`."""
        number = expected.version if expected is not None else 0
        self._call(
            key,
            lambda: self._client.secrets.kv.v2.create_or_update_secret(
                path=self.path_of(key), secret=dict(values), mount_point=self.mount, cas=number
            ),
        )

    def path_of(self, key: str) -> str:
        """Return the path below the mount for a key of an ExternalSecret (`buildPath` in the operator)."""
        if not key or ".." in key.split("/") or not key.isprintable() or any(mark in key for mark in "?#%\\"):
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
        return Stored({}, "", number) if number else None

    def _call(self, key: str, call: Callable[[], Result]) -> Result:
        import requests
        from hvac import exceptions

        place = f"{self.shown}: {key}"
        try:
            return call()
        except exceptions.InvalidPath:
            raise
        except (exceptions.Forbidden, exceptions.Unauthorized):
            raise StoreError(
                "Vault refused the request",
                path=place,
                hint="log in again, or ask for a policy that allows this path",
            ) from None
        except exceptions.InvalidRequest as error:
            if "check-and-set" in str(error):
                raise StoreError(
                    "was changed in the store meanwhile", path=place, hint="run the command again"
                ) from None
            raise StoreError("Vault rejected the request", path=place, hint=_V2) from None
        except (exceptions.VaultError, ValueError) as error:
            raise StoreError(f"Vault failed ({type(error).__name__})", path=place) from None
        except requests.RequestException as error:
            raise StoreError(
                f"can't be reached ({type(error).__name__})", path=place, hint="check VAULT_ADDR"
            ) from None


_V2 = "check with `vault secrets list` that the mount is KV version 2"


def open_vault(environ: Mapping[str, str], mount: str, *, namespace: str | None = None) -> VaultStore:
    """Open the Vault in VAULT_ADDR with VAULT_TOKEN, like Vault's own command.

    `namespace` applies if VAULT_NAMESPACE is not set.

    Raises:
        StoreError: no address or token, or hvac is not installed.
    """
    address = environ.get("VAULT_ADDR", "")
    if urlsplit(address).scheme not in ("https", "http"):
        raise StoreError(
            "VAULT_ADDR is not the address of a Vault",
            hint="set it: a token is never sent to an address that only a file names",
        )
    token = environ.get("VAULT_TOKEN") or _token_file(environ)
    if not token:
        raise StoreError("no token for Vault was found", hint="run `vault login`, or set VAULT_TOKEN")
    try:
        import hvac
    except ImportError:
        raise StoreError(
            "Vault needs the library hvac", hint="install fluxsecrets with the extra: fluxsecrets[vault]"
        ) from None
    client = hvac.Client(
        url=address.rstrip("/"),
        token=token,
        namespace=environ.get("VAULT_NAMESPACE") or namespace or None,
        timeout=_TIMEOUT,
        # A redirect would carry the token to wherever it leads.
        allow_redirects=False,
        verify=environ.get("VAULT_CACERT") or True,
    )
    return VaultStore(address.rstrip("/"), mount.strip("/"), client)


def _token_file(environ: Mapping[str, str]) -> str:
    home = environ.get("HOME") or environ.get("USERPROFILE")
    if not home:
        return ""
    try:
        data = read_file(Path(home) / _TOKEN_FILE, limit=_MAX_TOKEN, follow_links=True).data
    except FluxsecretsError:
        return ""
    return data.decode("utf-8", "replace").strip()
