"""KV of HashiCorp Vault or OpenBao, which gets the plain values (sops: publish/vault.go).

sops writes even if it can't read what is there, never finds an unchanged secret of version 1, and replaces
what somebody else wrote meanwhile. Here a secret that can't be read is not written. Version 2 compares
versions when it writes. Version 1 has nothing like it, so what is there is read again right before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote

from fluxsecrets.clouds import refusal, vault, vault_login
from fluxsecrets.clouds.calling import Caller
from fluxsecrets.clouds.endpoints import endpoint
from fluxsecrets.errors import ConfigError, ServiceError
from fluxsecrets.ops.publish.values import canonical
from fluxsecrets.sops.destinations import VaultPlace, is_vault_path

from . import LIMITS, Destination, Found, Upload, conflict

Result = TypeVar("Result")
_MOUNTS = "sys/internal/ui/mounts"


class VaultKv:
    """One path of a KV mount."""

    takes_values = True

    def __init__(self, environ: Mapping[str, str], place: VaultPlace) -> None:
        """Take the environment and the place."""
        self._environ = environ
        self._place = place
        self.title = (
            vault_login.product_at(environ, place.address)
            if place.address
            else vault_login.choose_product(environ)
        )
        self._address = place.address or vault_login.read_variable(environ, self.title, "ADDR").rstrip("/")
        self._caller = Caller(self.title, LIMITS)
        # Version 2 keeps the values as protobuf's JSON, with floats alone.
        self.keeps_integers = place.version == 1

    def shown(self, name: str) -> str:
        """See `Destination.shown`."""
        return f"{self._address or self.title}/v1/{self._path(name)}"

    def check(self, name: str) -> None:
        """See `Destination.check`."""
        if endpoint(self._address) is None:
            raise ConfigError(
                f"the address of {self.title} is not known",
                hint=f"set {vault_login.variable(self.title, 'ADDR')}, or vault_address in the rule",
            )
        if not is_vault_path(name):
            raise ConfigError(
                f"the name can't be a path in {self.title}", hint="rename the file, without % ? # and \\"
            )

    def read(self, name: str) -> Found:
        """See `Destination.read`."""
        self._call(lambda: self._checked_mount)
        return self._call(lambda: self._read(name))

    def write(self, name: str, upload: Upload, found: Found) -> None:
        """See `Destination.write`."""
        values = json.loads(upload.data)
        if self._place.version == 1:
            if self._call(lambda: self._read(name)).data != found.data:
                raise conflict(self.title)
            body = values
        else:
            body = {"data": values, "options": {"cas": found.version}}
        self._call(lambda: vault.put(self._client, quote(self._path(name)), body, self.title))

    def _read(self, name: str) -> Found:
        there, answer = vault.get(self._client, quote(self._path(name)), self.title)
        if self._place.version == 1:
            return Found(canonical(answer) if there else None)
        metadata = answer.get("metadata")
        version = metadata.get("version") if isinstance(metadata, dict) else 0
        values = answer.get("data")
        if not isinstance(version, int) or (there and (not version or not isinstance(values, dict))):
            raise vault.not_an_answer(self.title)
        # A deleted secret has no values, but still a version number, which the next write needs.
        return Found(canonical(values) if there else None, version)

    @cached_property
    def _checked_mount(self) -> None:
        """Ask which engine the mount has: version 1 takes requests of version 2, and keeps them elsewhere.

        Raises:
            ServiceError: it is another engine or version than the rule says, or the server doesn't say.
        """
        place = self._place
        there, mount = vault.get(self._client, f"{_MOUNTS}/{quote(place.mount)}", self.title)
        options = mount.get("options")
        version = options.get("version") if isinstance(options, dict) else None
        if not there or mount.get("type") not in ("kv", "generic"):
            raise self._rejected(
                f"{place.mount} is not a mount of the KV engine", "check vault_kv_mount_name"
            )
        if str(mount.get("path", "")).strip("/") != place.mount:
            raise self._rejected(
                f"{place.mount} is a path within a mount", "put the rest of it into vault_path"
            )
        actual = 2 if version == "2" else 1
        if actual != place.version:
            raise self._rejected(
                f"the mount {place.mount} is KV version {actual}, and the rule says {place.version}",
                f"set vault_kv_version: {actual} in the rule",
            )

    def _rejected(self, message: str, hint: str) -> ServiceError:
        return ServiceError(message, hint=hint, reason=refusal.REJECTED)

    @cached_property
    def _client(self) -> Any:
        # The rule is configuration, which may name an address if no allowlist in the environment forbids it.
        vault_login.check_trusted(self._environ, self._address, lambda: (self._address,), self.title)
        return vault.make_client(self._address, self._environ, product=self.title, service=self.title)

    def _path(self, name: str) -> str:
        data = ("data",) if self._place.version == 2 else ()
        return "/".join(filter(None, (self._place.mount, *data, self._place.path, name)))

    def _call(self, request: Callable[[], Result]) -> Result:
        return self._caller.call(self._address, request)


def make(environ: Mapping[str, str], place: VaultPlace) -> Destination:
    """Make the destination."""
    return VaultKv(environ, place)
