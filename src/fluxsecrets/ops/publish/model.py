"""What `publish` is asked for, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock

from fluxsecrets.ops.run.results import FileResult

from .destinations import Destination, Found, Upload


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """Which files are published, and how: the parameters of `publish`.

    Attributes:
        omit_extensions: for all files, whatever their rules say.
        accept_recipients: publish files that are encrypted for others than their creation rules name.
    """

    paths: tuple[str, ...] = ()
    environment: str | None = None
    omit_extensions: bool = False
    accept_recipients: bool = False
    input_type: str | None = None


class State(StrEnum):
    """What is at a destination, compared with the file."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    UNKNOWN = "not readable"


@dataclass(frozen=True, slots=True)
class PublishResult(FileResult):
    """One file's result.

    Attributes:
        state: what is there before it is published; None if that was not found out.
        reencrypted: the published copy has a data key of its own.
    """

    state: State | None = None
    reencrypted: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """A file that can be published.

    Attributes:
        name: at the destination.
        result: what to report once it is there.
        upload: None if the same is there already.
    """

    name: str
    destination: Destination
    found: Found
    upload: Upload | None
    result: PublishResult


@dataclass(frozen=True, slots=True)
class Publication:
    """What publishing would do.

    Attributes:
        items: in the order of the files: one to upload, or a result that stands already.
        notes: about files that are left out.
    """

    items: tuple[Ready | PublishResult, ...]
    notes: tuple[str, ...] = ()

    @property
    def to_upload(self) -> tuple[Ready, ...]:
        """The files that are not at their destinations yet."""
        return tuple(each for each in self.items if isinstance(each, Ready) and each.upload is not None)


@dataclass(slots=True)
class Uploading:
    """How far uploads got, several at once; for what is said if they are interrupted."""

    _done: list[str] = field(default_factory=list)
    _under_way: dict[str, None] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def start(self, path: str) -> None:
        """Note that a file is being uploaded."""
        with self._lock:
            self._under_way[path] = None

    def end(self, path: str, *, published: bool) -> None:
        """Note what became of it."""
        with self._lock:
            del self._under_way[path]
            self._done += [path] * published

    def seen(self) -> tuple[list[str], list[str]]:
        """Return the files that were published, and those under way, which may be published or not."""
        with self._lock:
            return list(self._done), list(self._under_way)
