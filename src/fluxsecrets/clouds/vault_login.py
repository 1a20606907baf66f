"""HashiCorp Vault and OpenBao: what the environment says, and which servers may get the user's token.

Vault's variables start with VAULT_, OpenBao's with BAO_ (Vault: api/client.go, `ReadEnvironment`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping

from fluxsecrets.errors import FluxsecretsError, ServiceError
from fluxsecrets.files.reading import read_file

from . import refusal
from .endpoints import endpoint, is_among
from .home import home_folder

VAULT, OPENBAO = "Vault", "OpenBao"
PROGRAMS: Mapping[str, str] = {VAULT: "vault", OPENBAO: "bao"}
_PREFIXES: Mapping[str, str] = {VAULT: "VAULT", OPENBAO: "BAO"}
_TOKEN_FILE = ".vault-token"  # noqa: S105 - a file's name
_MAX_TOKEN = 64 * 2**10
_YES, _NO = ("1", "t", "T", "true", "TRUE", "True"), ("", "0", "f", "F", "false", "FALSE", "False")

_ALLOWLIST = "SOPS_HC_VAULT_ALLOWLIST"
_URIS = "SOPS_VAULT_URIS"
_EVERYWHERE, _NOWHERE = "all", "none"


def variable(product: str, name: str) -> str:
    """Return the name of a variable, such as BAO_ADDR for `ADDR` of OpenBao."""
    return f"{_PREFIXES[product]}_{name}"


def read_variable(environ: Mapping[str, str], product: str, name: str) -> str:
    """Return what a product's variable says, or an empty text.

    Each product reads the other's variables, too, but not if the other's address is set: those belong to that
    address, and a token for one server is not sent to the other.
    """
    other = OPENBAO if product == VAULT else VAULT
    text = environ.get(variable(product, name))
    if not text and not environ.get(variable(other, "ADDR")):
        text = environ.get(variable(other, name))
    return text or ""


def choose_product(environ: Mapping[str, str], product: str = VAULT) -> str:
    """Return the product whose address is set: the given one if both are or neither is."""
    other = OPENBAO if product == VAULT else VAULT
    named, also = (environ.get(variable(each, "ADDR")) for each in (product, other))
    return other if also and not named else product


def product_at(environ: Mapping[str, str], address: str) -> str:
    """Return the product whose variables belong to an address."""
    for product in (VAULT, OPENBAO):
        if is_among(address, [environ.get(variable(product, "ADDR"), "")]):
            return product
    return choose_product(environ)


def check_trusted(
    environ: Mapping[str, str], address: str, named: Callable[[], Collection[str]], service: str
) -> None:
    """Refuse an address that may not get the user's token.

    SOPS_HC_VAULT_ALLOWLIST decides alone if it is set, as in sops (hcvault/keysource.go, `getAllowlist`).
    Without it, sops sends the token anywhere. Here, the environment or the configuration names the address.

    Args:
        environ: the environment.
        address: of the server.
        named: returns the addresses that the configuration or the command line names; asked only at need.
        service: its name for people.

    Raises:
        ServiceError: nothing names the address, or the allowlist leaves it out or is invalid.
    """
    allowed = environ.get(_ALLOWLIST, "")
    if allowed == _EVERYWHERE:
        return
    if allowed:
        entries = [] if allowed == _NOWHERE else [entry.strip() for entry in allowed.split(",")]
        for number, entry in enumerate(entries, 1):
            if endpoint(entry) is None:
                raise ServiceError(
                    f"entry {number} of {_ALLOWLIST} is not the address of a server",
                    hint="separate addresses by commas, such as https://vault.example.com:8200",
                    reason=refusal.UNTRUSTED,
                )
        if not is_among(address, entries):
            raise ServiceError(
                f"{_ALLOWLIST} does not name {address}, so no token is sent there",
                hint="add the address there if you know this server",
                reason=refusal.UNTRUSTED,
            )
        return
    if agent_address(environ, product_at(environ, address)):
        return  # the token goes there
    uris = (uri.strip().partition("/v1/")[0] for uri in environ.get(_URIS, "").split(","))
    if is_among(address, [*(environ.get(variable(each, "ADDR"), "") for each in PROGRAMS), *uris]):
        return
    if not is_among(address, named()):
        raise refusal.refusal(
            refusal.UNTRUSTED,
            service,
            detail=address,
            hint="if you know this server, set VAULT_ADDR, or add it to trusted_servers in .fluxsecrets.yaml",
        )


def agent_address(environ: Mapping[str, str], product: str) -> str:
    """Return the address of a Vault Agent that gets all requests instead of the server, or an empty text.

    Raises:
        ServiceError: the variable is not an address.
    """
    address = read_variable(environ, product, "AGENT_ADDR")
    if address and endpoint(address) is None:
        raise ServiceError(
            f"{variable(product, 'AGENT_ADDR')} is not the address of a server",
            hint="it looks like http://127.0.0.1:8100; sockets are not supported",
            reason=refusal.FAILED,
        )
    return address


def find_token(environ: Mapping[str, str], product: str) -> str:
    """Return the user's token, from the variable or from `~/.vault-token`; empty if an agent has one instead.

    Raises:
        ServiceError: there is no token, or it has a form that can't be sent. The token is not in the message.
    """
    token = read_variable(environ, product, "TOKEN").strip() or _token_file(environ)
    name = variable(product, "TOKEN")
    if not token:
        if agent_address(environ, product):
            return ""
        raise ServiceError(
            f"no token for {product} was found",
            hint=f"run `{PROGRAMS[product]} login`, or set {name}",
            reason=refusal.NO_CREDENTIALS,
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ServiceError(
            f"the token for {product} has a blank, a line break or another character that no token has",
            hint=f"check {name} and ~/{_TOKEN_FILE}",
            reason=refusal.NO_CREDENTIALS,
        )
    return token


def has_token(environ: Mapping[str, str], product: str) -> bool:
    """Return whether there is a token that can be sent, or an agent that has one."""
    try:
        find_token(environ, product)
    except ServiceError:
        return False
    return True


def token_places(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return where a token is looked for, for people."""
    names = [variable(each, "TOKEN") for each in PROGRAMS]
    return (
        *(f"{name} ({'set' if environ.get(name) else 'not set'})" for name in names),
        f"~/{_TOKEN_FILE} ({'there' if _token_file(environ) else 'missing'})",
    )


def certificates_to_trust(environ: Mapping[str, str], product: str) -> bool | str:
    """Return whether certificates are checked, or what they are checked with: a file goes before a folder."""
    text = read_variable(environ, product, "SKIP_VERIFY")
    if text in _YES:
        return False
    if text not in _NO:
        raise ServiceError(
            f"{variable(product, 'SKIP_VERIFY')} is neither true nor false",
            hint="unset it, so that certificates are checked",
            reason=refusal.FAILED,
        )
    for name in ("CACERT", "CAPATH"):
        if path := read_variable(environ, product, name):
            _require_path(path, variable(product, name))
            return path
    return True


def own_certificate(environ: Mapping[str, str], product: str) -> tuple[str, str] | None:
    """Return the files of the user's certificate and its key, or None.

    Raises:
        ServiceError: one of the two is missing.
    """
    names = ("CLIENT_CERT", "CLIENT_KEY")
    paths = [read_variable(environ, product, name) for name in names]
    if not any(paths):
        return None
    for name, path in zip(names, paths, strict=True):
        _require_path(path, variable(product, name))
    return paths[0], paths[1]


def _require_path(path: str, name: str) -> None:
    if not path or not os.path.exists(path):  # noqa: PTH110 - one answer for any text
        raise ServiceError(
            f"{name} does not name a file" + (f": {path}" if path else ""),
            hint=f"set {name} to an existing file",
            reason=refusal.FAILED,
        )


def _token_file(environ: Mapping[str, str]) -> str:
    try:
        data = read_file(home_folder(environ) / _TOKEN_FILE, limit=_MAX_TOKEN, follow_links=True).data
    except FluxsecretsError:
        return ""
    return data.decode("utf-8", "replace").strip()
