"""What passes between a client and the agent: small frames, and no plain text.

A frame is its kind, the length of its content, and the content. Every command pays for the client, so nothing
is imported here.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

RUN, STATUS, STOP, LOCK, KEEP = b"r", b"s", b"q", b"l", b"k"
"""Kinds of frames that a client sends: run a command line; the rest is for the agent itself."""

CONTROL = (STATUS, STOP, LOCK, KEEP)

READY, BEGUN, DONE, DECLINED = b"A", b"W", b"=", b"D"
"""Answers to `RUN`: it can be run, and waits for `GO`; its output begins; its exit code follows; the client
has to run it, and nothing was printed."""

GO = b"\0"
"""What the client sends after `READY`, with its descriptors; after that, numbers of signals that it got."""

HEAD = 5
MOST_RUN = 8 * 1024 * 1024


class Request:
    """A command line, and the surroundings to run it in.

    Attributes:
        program: `fluxsecrets` or `fluxsecrets-sops`.
        interpreter: what decides which code runs, see `interpreter`.
        path: `sys.path`, which decides, too.
        umask: of the client.
        streams: encoding, errors, line buffering and write-through of standard output and standard error.
        argv: `sys.argv`.
        environ: the environment, as bytes.
    """

    __slots__ = ("argv", "environ", "interpreter", "path", "program", "streams", "umask")

    def __init__(
        self,
        program: str,
        interpreter: bytes,
        path: Sequence[bytes],
        umask: int,
        streams: Sequence[str],
        argv: Sequence[bytes],
        environ: Mapping[bytes, bytes],
    ) -> None:
        self.program = program
        self.interpreter = interpreter
        self.path = path
        self.umask = umask
        self.streams = streams
        self.argv = argv
        self.environ = environ


def frame(kind: bytes, content: bytes = b"") -> bytes:
    """Return a frame."""
    return frame_head(kind, content) + content


def frame_head(kind: bytes, content: bytes | bytearray) -> bytes:
    """Return what goes before the content of a frame."""
    return kind + len(content).to_bytes(4, "big")


def length_in(head: bytes | bytearray) -> int:
    """Return the length of the content that follows the head of a frame."""
    return int.from_bytes(head[1:HEAD], "big")


def encoded(request: Request) -> bytes:
    """Return the content of a `RUN` frame. The system keeps null characters out of all these texts."""
    numbers = (request.umask, len(request.argv), len(request.path))
    fields = (request.program.encode(), request.interpreter, *(str(each).encode() for each in numbers))
    streams = (text.encode() for text in request.streams)
    return b"\0".join((*fields, *streams, *request.argv, *request.path, *_assignments(request.environ)))


def decoded(content: bytes) -> Request:
    """Return the request in the content of a `RUN` frame.

    Raises:
        ValueError: it is malformed.
    """
    program, interpreter, umask, *rest = content.split(b"\0")
    arguments, places = (int(text) for text in rest[:2])
    streams, rest = rest[2 : 2 + _STREAM_FIELDS], rest[2 + _STREAM_FIELDS :]
    if arguments < 1 or places < 0 or len(streams) != _STREAM_FIELDS or len(rest) < arguments + places:
        raise ValueError("fields are missing")
    argv, path = rest[:arguments], rest[arguments : arguments + places]
    assignments = rest[arguments + places :]
    environ: dict[bytes, bytes] = {}
    for text in assignments:
        name, equals, value = text.partition(b"=")
        if not name or not equals:
            raise ValueError("not a variable")
        environ[name] = value
    return Request(
        program.decode(), interpreter, path, int(umask), [text.decode() for text in streams], argv, environ
    )


_STREAM_FIELDS = 8


def _assignments(environ: Mapping[bytes, bytes]) -> Iterable[bytes]:
    return [name + b"=" + value for name, value in environ.items()]
