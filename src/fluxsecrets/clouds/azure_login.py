"""Azure's credentials: the default chain of azure-identity, as in sops, and where it looks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any

from fluxsecrets.errors import FluxsecretsError, ServiceError
from fluxsecrets.files.reading import read_file

from . import refusal
from .azure import LOGIN_HINT, SERVICE, TIMEOUT, refused, transport
from .home import home_folder


class Credential:
    """The user's credential: the first one of azure-identity's default chain that has a token, as in sops.

    The chain is gone through here, since azure-identity makes one text of all failures. Each token is asked
    for once, and so are the programs that print one. Threads share it.
    """

    def __init__(
        self, environ: Mapping[str, str], *, service: str = SERVICE, timeout: float = TIMEOUT
    ) -> None:
        """Take the environment.

        azure-identity reads the process's own environment for what it needs, which is usually the same.

        Args:
            environ: for certificates and tenants.
            service: its name for people, in errors.
            timeout: seconds, for a connection, an answer or a program.
        """
        self._environ = environ
        self._service = service
        self._timeout = timeout
        self._lock = threading.Lock()
        self._tokens: dict[object, Any] = {}
        self._missing: dict[object, ServiceError] = {}
        self._chain: tuple[Any, ...] | None = None

    def get_token_info(self, *scopes: str, options: Mapping[str, Any] | None = None) -> Any:
        """Return a token, as azure-core's protocol `SupportsTokenInfo` wants it.

        Raises:
            ServiceError: there is no credential, or it was refused.
        """
        options = options or {}
        place = (scopes, options.get("tenant_id"))
        with self._lock:
            known = self._tokens.get(place)
            # Claims are what the vault wants of a new token, since it does not take the one that it got.
            if known is None or options.get("claims") or known.expires_on - time.time() < _TOKEN_REST:
                known = self._tokens[place] = self._ask(place, scopes, options)
            return known

    def _ask(self, place: object, scopes: tuple[str, ...], options: Mapping[str, Any]) -> Any:
        from azure.core.exceptions import AzureError, ClientAuthenticationError
        from azure.identity import CredentialUnavailableError

        if place in self._missing:
            raise copy(self._missing[place])
        if self._chain is None:
            self._chain = self._make_chain()
        for credential in self._chain:
            try:
                return credential.get_token_info(*scopes, options=options)
            except CredentialUnavailableError:
                continue
            except ClientAuthenticationError as error:
                if not _is_tool(credential):
                    raise refused(error, self._service) from None
            except (AzureError, ValueError) as error:
                raise refused(error, self._service) from None
        self._missing[place] = refusal.refusal(refusal.NO_CREDENTIALS, self._service, hint=LOGIN_HINT)
        raise copy(self._missing[place])

    def _make_chain(self) -> tuple[Any, ...]:
        from azure.identity import DefaultAzureCredential

        tenants = self._environ.get("AZURE_ADDITIONALLY_ALLOWED_TENANTS", "")
        try:
            chain = DefaultAzureCredential(
                # sops does not have these three.
                exclude_visual_studio_code_credential=True,
                exclude_shared_token_cache_credential=True,
                exclude_broker_credential=True,
                additionally_allowed_tenants=[each for each in tenants.split(";") if each],
                process_timeout=round(self._timeout),
                **transport(self._environ, self._timeout),
            )
        except ValueError:
            raise refusal.refusal(
                refusal.NO_CREDENTIALS,
                self._service,
                hint="check AZURE_TENANT_ID, AZURE_AUTHORITY_HOST and AZURE_TOKEN_CREDENTIALS",
            ) from None
        return tuple(chain.credentials)


_TOKEN_REST = 300.0
"""Seconds that a token must still be valid for."""


def _is_tool(credential: object) -> bool:
    """Whether a program of the developer's gives the tokens. If it fails, sops tries the next one, too."""
    from azure.identity import (
        AzureCliCredential,
        AzureDeveloperCliCredential,
        AzurePowerShellCredential,
    )

    return isinstance(
        credential, AzureCliCredential | AzureDeveloperCliCredential | AzurePowerShellCredential
    )


_VARIABLES = (
    ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"),
    ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH"),
    ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"),
    ("AZURE_CLIENT_ID", "AZURE_USERNAME", "AZURE_PASSWORD"),
    ("IDENTITY_ENDPOINT",),
    ("MSI_ENDPOINT",),
)
"""Variables that make a credential together."""

_PROGRAMS = (
    ("az", "AZURE_CONFIG_DIR", ".azure", "azureProfile.json"),
    ("azd", "AZD_CONFIG_DIR", ".azd", "auth.json"),
    ("pwsh", "", ".Azure", "AzureRmContext.json"),
)
"""Programs that log in: name, the variable with their folder, the folder at home, and the file of a login."""

_LIMIT = 1 << 20
_ASSET_TAG = Path("/sys/devices/virtual/dmi/id/chassis_asset_tag")
_AZURES_TAG = b"7783-7084-3265-9085-8269-3286-77"
"""The same on all of Azure's machines, whose identity would otherwise have to be asked for."""


def has_credentials(environ: Mapping[str, str]) -> bool:
    """Return whether there may be credentials. No program runs, and no service is asked."""
    if any(all(environ.get(name) for name in names) for names in _VARIABLES):
        return True
    return any(_is_logged_in(environ, each) for each in _PROGRAMS) or _is_on_azure()


def looked_in(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return where credentials are looked for, one line per place."""
    found = dict.fromkeys(name for names in _VARIABLES for name in names if environ.get(name))
    return (
        f"Azure's variables ({', '.join(found) or 'none is set'})",
        *(
            f"{each[0]} ({'logged in' if _is_logged_in(environ, each) else 'not logged in'})"
            for each in _PROGRAMS
        ),
    )


def _is_logged_in(environ: Mapping[str, str], program: tuple[str, str, str, str]) -> bool:
    _, variable, folder, name = program
    path = Path(environ.get(variable) or home_folder(environ) / folder) / name
    try:
        text = read_file(path, limit=_LIMIT, follow_links=True).data.decode("utf-8-sig")
        return bool(json.loads(text).get("subscriptions", True))  # empty after `az logout`
    except (FluxsecretsError, ValueError, AttributeError, RecursionError):
        return False


def _is_on_azure() -> bool:
    try:
        return _ASSET_TAG.read_bytes().strip() == _AZURES_TAG
    except OSError:
        return False
