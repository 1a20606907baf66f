"""Files that hold other files: archives and compressed files, read in memory up to fixed limits.

`CONTAINERS` is the table: how a container begins, and what reads it. A reader yields names and contents, and
never writes anything. Whatever is not read is an error, so that no scan passes over it; a file that expands
to more than the limits ends early with one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fluxsecrets.errors import ArchiveError
from fluxsecrets.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_BYTES = 64 * 2**20
"""Bytes that one file of the repository may expand to, with all that is in it."""

MOST_MEMBERS = 10_000
"""Members of one file of the repository, at all levels."""

MOST_LEVELS = 4
"""Containers within each other."""

TRIGGER = (
    r"\A(?:PK\x03\x04|\x1f\x8b\x08|BZh[1-9]1AY&SY|\xfd7zXZ\x00|\x28\xb5\x2f\xfd|7z\xbc\xaf\x27\x1c|Rar!\x1a\x07"
    r"|(?s:.{257})ustar)"
)
KEYWORDS = (b"pk\x03\x04", b"\x1f\x8b\x08", b"bzh", b"\xfd7zxz", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"rar!")

_BLOCK = 512
_CHUNK = 2**14
_XZ_MEMORY = 2**27
_MANY = "has more than {:,} files in it, so the rest was not scanned"
_LARGE = "expands to more than {:,} MiB, so the rest was not scanned"


class Member(NamedTuple):
    """A file in a container; without content, why it could not be read."""

    name: str
    data: bytes
    problem: str = ""

    def __repr__(self) -> str:
        """Without the content."""
        return f"Member({self.name!r}, {len(self.data)} bytes, {self.problem!r})"


class Budget:
    """What may still be read of one file of the repository.

    Attributes:
        bytes, members: how many are left.
        levels: how many containers may still be within each other; each level has its own budget object.
    """

    def __init__(self) -> None:
        """Start with the limits."""
        self.bytes = MOST_BYTES
        self.members = MOST_MEMBERS
        self.levels = MOST_LEVELS

    def take(self, data: bytes) -> bytes:
        """Count a member that was read.

        Raises:
            ArchiveError: it is one too many, or too large.
        """
        self.members -= 1
        self.bytes -= len(data)
        if self.members < 0:
            raise ArchiveError(_MANY.format(MOST_MEMBERS))
        if self.bytes < 0:
            raise ArchiveError(_LARGE.format(MOST_BYTES >> 20))
        return data


Reader = Callable[[bytes, Budget], Iterator[Member]]


class Container(NamedTuple):
    """How a kind of container begins and is read.

    Attributes:
        stream: it is one compressed file, whose name is the container's without these suffixes.
    """

    name: str
    magic: bytes
    read: Reader
    at: int = 0
    stream: tuple[str, ...] = ()


def _zip(data: bytes, budget: Budget) -> Iterator[Member]:
    from io import BytesIO
    from zipfile import ZipFile

    if data.count(b"PK\x01\x02") > budget.members:  # before each becomes an object
        raise ArchiveError(_MANY.format(MOST_MEMBERS))
    with ZipFile(BytesIO(data)) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if info.flag_bits & 1:
                yield Member(info.filename, b"", "is encrypted")
                continue
            try:
                with archive.open(info) as stream:
                    content = stream.read(budget.bytes + 1)
            except NotImplementedError:
                yield Member(info.filename, b"", "is compressed in an unknown way")
                continue
            yield Member(info.filename, budget.take(content))


def _tar(data: bytes, budget: Budget) -> Iterator[Member]:
    """Read the headers here: `tarfile` loops or recurses without end for some that are made up."""
    at, name = 0, ""
    while at + _BLOCK <= len(data):
        header = data[at : at + _BLOCK]
        at += _BLOCK
        if not header.strip(b"\0"):
            continue
        size, kind = _number(header[124:136]), header[156:157]
        content = data[at : at + size]
        at += size + -size % _BLOCK
        if kind == b"L":  # GNU: the name of the next one
            name = _text(content)
        elif kind in b"xX":  # POSIX: its attributes
            name = _path_in(content) or name
        elif kind in (b"0", b"\0", b"7", b"S"):
            if len(content) < size:
                raise ArchiveError("ends before its last file does")
            prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
            own = _text(header[:100])
            yield Member(name or (f"{prefix}/{own}" if prefix else own), budget.take(content))
            name = ""
        elif kind != b"g":
            name = ""


def _number(field: bytes) -> int:
    if field[:1] in (b"\x80", b"\xff"):  # binary, as GNU writes what is too large for octal digits
        return int.from_bytes(field[1:], "big") if field[0] == 0x80 else 0
    digits = field.strip(b"\0 ")
    if not digits.isdigit():
        if digits:
            raise ArchiveError("is damaged")
        return 0
    try:
        return int(digits, 8)
    except ValueError:
        raise ArchiveError("is damaged") from None


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def _path_in(attributes: bytes) -> str:
    """The path in records of `LENGTH KEY=VALUE`."""
    while attributes:
        length, _, _ = attributes.partition(b" ")
        if not length.isdigit() or not 0 < int(length[:9]) <= len(attributes):
            return ""
        key, _, value = attributes[len(length) + 1 : int(length)].partition(b"=")
        if key == b"path":
            return value.removesuffix(b"\n").decode("utf-8", "replace")
        attributes = attributes[int(length) :]
    return ""


def _expand(data: bytes, budget: Budget, magic: bytes, make: Callable[[], Any]) -> Iterator[Member]:
    """Read compressed streams, of which several may follow each other."""
    found, at, streams, problem = bytearray(), 0, 0, ""
    while data.startswith(magic, at) and not problem:
        streams += 1
        if streams > MOST_MEMBERS:
            raise ArchiveError(_MANY.format(MOST_MEMBERS))
        stream = make()
        while not stream.eof and at < len(data) and len(found) <= budget.bytes:
            # In pieces: what follows a stream is copied.
            chunk = data[at : at + _CHUNK]
            found += stream.decompress(chunk, budget.bytes + 1 - len(found))
            at += len(chunk)
        problem = "" if stream.eof else "is cut off"
        at -= len(stream.unused_data)
    yield Member("", budget.take(bytes(found)), problem)


def _gzip(data: bytes, budget: Budget) -> Iterator[Member]:
    import zlib

    return _expand(data, budget, b"\x1f\x8b", lambda: zlib.decompressobj(31))


def _bzip2(data: bytes, budget: Budget) -> Iterator[Member]:
    from bz2 import BZ2Decompressor

    return _expand(data, budget, b"BZh", BZ2Decompressor)


def _xz(data: bytes, budget: Budget) -> Iterator[Member]:
    from lzma import LZMADecompressor

    return _expand(data, budget, b"\xfd7zXZ", lambda: LZMADecompressor(memlimit=_XZ_MEMORY))


def _unknown(_data: bytes, _budget: Budget) -> Iterator[Member]:
    raise ArchiveError("is an archive of a kind that is not opened")


CONTAINERS = (
    Container("zip", b"PK\x03\x04", _zip),
    Container("gzip", b"\x1f\x8b\x08", _gzip, stream=(".gz", ".gzip")),
    Container("tar", b"ustar", _tar, at=257),
    Container("bzip2", b"BZh", _bzip2, stream=(".bz2",)),
    Container("xz", b"\xfd7zXZ\0", _xz, stream=(".xz",)),
    Container("zstandard", b"\x28\xb5\x2f\xfd", _unknown),
    Container("7z", b"7z\xbc\xaf\x27\x1c", _unknown),
    Container("rar", b"Rar!\x1a\x07", _unknown),
)


def container_of(data: bytes) -> Container | None:
    """The kind of container that some bytes are, or None."""
    return next((each for each in CONTAINERS if data.startswith(each.magic, each.at)), None)


def read_members(data: bytes, container: Container, budget: Budget) -> Iterator[Member]:
    """The files in a container.

    Raises:
        ArchiveError: it is damaged, encrypted as a whole, of an unknown kind, or beyond the limits.
    """
    import struct
    import zlib
    from lzma import LZMAError
    from zipfile import BadZipFile

    try:
        yield from container.read(data, budget)
    except MemoryError:
        raise ArchiveError("needs too much memory to be opened") from None
    except (
        *(BadZipFile, LZMAError, zlib.error, struct.error, EOFError, OSError, RuntimeError),
        *(LookupError, ValueError, OverflowError, NotImplementedError),
    ):
        raise ArchiveError("is damaged") from None
