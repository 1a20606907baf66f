"""The command lines that the agent answers: they read, and write to standard output only.

The client and the agent both look here. Every command pays for the client, so nothing is imported.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MAIN = "fluxsecrets"
DROPIN = "fluxsecrets-sops"

_QUIET = ("-q", "--quiet")
_READING = ("--output-type", "--input-type", "--decryption-order")
_SOPS = ("--extract", "--input-type", "--output-type", "--ignore-mac", "--verbose", "--disable-version-check")

_OPTIONS = {
    MAIN: {
        "decrypt": frozenset((*_QUIET, *_READING, "--extract")),
        "get": frozenset((*_QUIET, *_READING, "--raw", "--document")),
        "status": frozenset((*_QUIET, "--env", "--input-type", "--format")),
        "textconv": frozenset(),
    },
    DROPIN: {
        "decrypt": frozenset(_SOPS),
        "-d": frozenset(_SOPS),
        "--decrypt": frozenset(_SOPS),
    },
}
"""Program -> its first argument -> the options that may follow. All others go the long way."""

_STREAMS = ("/dev/", "/proc/")
"""Names of open files and of the process itself. They mean something else in another process."""


def may_answer(program: str, arguments: Sequence[str]) -> bool:
    """Return whether the agent may answer a command line, without the program's name.

    It takes no part of a value for an option by mistake: then it only says no. Standard input is not read by
    the agent, since what was read could not be given back.
    """
    allowed = _OPTIONS.get(program, {}).get(arguments[0]) if arguments else None
    if allowed is None or (len(arguments) < 2 and arguments[0] != "status"):
        return False
    for text in arguments[1:]:
        if text.startswith(_STREAMS) or "\0" in text:
            return False
        if text.startswith("-") and text.partition("=")[0] not in allowed:
            return False
    return True
