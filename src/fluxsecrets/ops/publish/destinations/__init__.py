"""Where files are published: one file per kind of destination, with a row in `DESTINATIONS`.

A destination's file has `make(environ, place)`, which returns a `Destination`. Nothing is sent and no library
is imported before it is asked for something.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple, Protocol, cast

from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.clouds.refusal import CONFLICT, refusal
from fluxsecrets.errors import ServiceError
from fluxsecrets.sops.destinations import GcsPlace, Place, S3Place, VaultPlace

LIMITS = CallLimits(per_second=200.0, at_once=8, deadline=120.0)
"""A file may have many megabytes, and the connection be slow. Buckets take a thousand requests a second."""

MARK = "fluxsecrets-source"
"""The metadata of an object that was encrypted again for its destination: what it was made from."""


class Upload(NamedTuple):
    """What goes to a destination.

    Attributes:
        data: the encrypted file; for a destination that takes values, their canonical JSON.
        mark: what the data was made from, see `MARK`; empty for a file that is published as it is.
    """

    data: bytes
    mark: str = ""

    def __repr__(self) -> str:
        return f"<upload of {len(self.data)} bytes>"


class Found(NamedTuple):
    """What is at a destination under a name.

    Attributes:
        data: as in `Upload`; None if nothing is there.
        version: what `write` makes sure of: nothing is replaced that came after it.
        mark: as in `Upload`.
        readable: False if the credentials may not read there, so that it is unknown what is there.
    """

    data: bytes | None
    version: object = None
    mark: str = ""
    readable: bool = True

    def __repr__(self) -> str:
        return f"<version {self.version!r}>"


UNREADABLE = Found(None, readable=False)


class Destination(Protocol):
    """One place of the rules."""

    takes_values: bool
    """It gets the plain values, and not the encrypted file."""

    keeps_integers: bool
    """It keeps any integer among the values; else it takes numbers for floats of 64 bits."""

    title: str
    """The service's name for people."""

    def shown(self, name: str) -> str:
        """Return the address of a name, for people."""

    def check(self, name: str) -> None:
        """Raise ConfigError if nothing can have this name there."""

    def read(self, name: str) -> Found:
        """Return what is there.

        Raises:
            ServiceError: it can't be read; if a bucket's credentials only may not, `UNREADABLE` is returned.
        """

    def write(self, name: str, upload: Upload, found: Found) -> None:
        """Put an upload in place of what was found.

        Raises:
            ServiceError: it was refused, or somebody else wrote there meanwhile.
        """


DESTINATIONS: Mapping[type, str] = MappingProxyType({S3Place: "s3", GcsPlace: "gcs", VaultPlace: "vault"})
"""By the kind of place: the module of the destination, which is imported when it is first used."""


def make_destination(environ: Mapping[str, str], place: Place) -> Destination:
    """Return the destination of a place."""
    module = import_module(f".{DESTINATIONS[type(place)]}", __name__)
    return cast("Destination", module.make(environ, place))


def conflict(title: str) -> ServiceError:
    """Return the error where something newer than what was compared is at the destination."""
    return refusal(CONFLICT, title)
