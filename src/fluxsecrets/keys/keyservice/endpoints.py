"""Addresses of key services, as sops reads them (cmd/sops/main.go, `keyservices`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from fluxsecrets.errors import UsageError

from . import LOCAL_VARIABLE, SERVICES_VARIABLE, AskedServices

UNIX, TCP = "unix", "tcp"

_URI = re.compile(r"(unix|tcp):(.*)", re.DOTALL)
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):([0-9]{1,5})", re.ASCII)
_LOOPBACK = re.compile(r"localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|::1", re.ASCII)
_LONGEST_PATH = 103  # bytes; of `sun_path` on macOS, without its end. Linux takes 107
_HINT = "write tcp://HOST:PORT or unix:///PATH"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a key service listens.

    Attributes:
        network: `unix` or `tcp`.
        address: the socket's path, or `HOST:PORT`; an IPv6 address is in brackets.
    """

    network: str
    address: str

    def __str__(self) -> str:
        """Return the address for people, with control characters escaped."""
        return f"{self.network}://{self.address}".encode("unicode_escape").decode("ascii")

    @property
    def target(self) -> str:
        """The address for gRPC."""
        return f"unix:{quote(self.address)}" if self.network == UNIX else self.address

    @property
    def exposed(self) -> bool:
        """Whether what is sent there leaves this machine; a key service has no encryption of its own."""
        host = self.address.rpartition(":")[0].strip("[]").lower()
        return self.network == TCP and _LOOPBACK.fullmatch(host) is None


def parse_uri(text: str) -> Endpoint:
    """Read `tcp://HOST:PORT` or `unix:///PATH`.

    Raises:
        UsageError: neither.
    """
    match = _URI.fullmatch(text.strip())
    if match is None:
        raise UsageError("not the address of a key service", hint=_HINT)  # the text may hold credentials
    network, rest = match.groups()
    if network == TCP:
        if not rest.startswith("//") or rest.startswith("//:"):
            raise UsageError("the address of a key service has no host and port", hint=_HINT)
        return endpoint_of(TCP, rest.removeprefix("//").removesuffix("/"))
    if rest.startswith("//") and not rest.startswith("///"):
        raise UsageError(
            "the address of a Unix socket names a host", hint="write unix:///PATH, with three slashes"
        )
    return endpoint_of(UNIX, unquote(rest.removeprefix("//")))


def endpoint_of(network: str, address: str) -> Endpoint:
    """Return the endpoint at `HOST:PORT` or a path.

    Raises:
        UsageError: an unknown network, or an address that is malformed.
    """
    if network == UNIX:
        if not address or "\0" in address:
            raise UsageError("the Unix socket of a key service has no path", hint=_HINT)
        if len(address.encode("utf-8", "surrogateescape")) > _LONGEST_PATH:
            raise UsageError(
                "the path of the key service's Unix socket is too long",
                hint=f"the system allows {_LONGEST_PATH} bytes; choose a shorter one",
            )
        return Endpoint(UNIX, address)
    if network != TCP:
        raise UsageError(f"the network of a key service is tcp or unix, not {network[:20]!a}")
    match = _HOST_AND_PORT.fullmatch(address)
    if match is None or int(match[2]) > 65535:
        raise UsageError(
            "a key service's address is not a host and a port",
            hint=f"{_HINT}; an IPv6 address is in brackets",
        )
    return Endpoint(TCP, address)


def from_environment(environ: Mapping[str, str]) -> AskedServices:
    """Return what the two variables of sops say.

    Raises:
        UsageError: one of them is malformed.
    """
    uris = [part.strip() for part in environ.get(SERVICES_VARIABLE, "").split(",")]
    local = environ.get(LOCAL_VARIABLE, "") or "true"
    if local not in _BOOLEANS:
        raise UsageError(f"{LOCAL_VARIABLE} is not true or false")
    try:
        return services_of([uri for uri in uris if uri], local=_BOOLEANS[local])
    except UsageError as error:
        raise error.in_file(SERVICES_VARIABLE) from None


def services_of(uris: list[str] | tuple[str, ...], *, local: bool) -> AskedServices:
    """Return the key services at some addresses, each once.

    Raises:
        UsageError: an address is malformed.
    """
    return AskedServices(local, tuple(dict.fromkeys(parse_uri(uri) for uri in uris)))


_BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
"""Go's words for a boolean (strconv.ParseBool)."""
