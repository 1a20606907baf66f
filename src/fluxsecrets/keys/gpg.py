"""The `gpg` executable: found without surprises, run without a shell, bounded, its status lines read.

What gpg says to people depends on its version and the user's language. Only the machine-readable status
lines (GnuPG: doc/DETAILS) are ever judged, so that the user's locale can stay as it is: pinentry
needs it, for a passphrase may hold any character.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

from fluxsecrets.errors import IdentityError
from fluxsecrets.files.reasons import reason_of
from fluxsecrets.programs import child_environment, find_program

from .unlocked import needs_person

EXECUTABLE = "SOPS_GPG_EXEC"
"""Names another executable, by path or by name (sops: pgp/keysource.go)."""

DECRYPT_TIMEOUT = 120.0
"""Seconds for gpg to use a secret key; pinentry may be waiting for a person."""

_VERSION_TIMEOUT = 10.0
_STATUS = "[GNUPG:] "
_LOG_LIMIT = 256 * 1024
_LOG_LINES = 8
_LOG_COLUMNS = 200
_GRACE = 2.0


@dataclass(frozen=True, slots=True)
class GpgRun:
    """How one run of gpg ended.

    Attributes:
        code: exit code; negative where it was killed or could not be started.
        output: standard output, at most as much as was allowed and a bit.
        status: the status lines, split into words, without their prefix.
        log: the last lines that gpg wrote for people, escaped and cut.
        timed_out: it was ended because it took too long.
        overflowed: it was ended because it wrote too much.
    """

    code: int
    output: bytes = field(default=b"", repr=False)
    status: tuple[tuple[str, ...], ...] = ()
    log: tuple[str, ...] = ()
    timed_out: bool = False
    overflowed: bool = False

    def said(self, keyword: str) -> bool:
        """Whether there is a status line of this kind."""
        return any(words[0] == keyword for words in self.status)

    def error_codes(self, place: str) -> Iterator[int]:
        """The codes of libgpg-error (without their source) that `ERROR` lines give for a place."""
        for words in self.status:
            if words[:2] == ("ERROR", place) and len(words) > 2 and words[2].isdigit():
                yield int(words[2]) & 0xFFFF


@dataclass(frozen=True, slots=True)
class KeyBlock:
    """One key of a keyring with its subkeys, from `--with-colons`.

    Attributes:
        validity: `r` revoked, `e` expired, `i` invalid; other letters do not matter here.
        capabilities: upper-case letters are about the whole key: `E` encrypts, `D` is disabled.
        expires: seconds since 1970, or None.
        fingerprints: upper-case, the primary key's first.
        lost: letters of validity of subkeys that would encrypt but are not valid any more.
        secret: at least one of its secret keys is at hand, or on a card.
    """

    validity: str
    capabilities: str
    expires: int | None
    fingerprints: tuple[str, ...]
    lost: str
    secret: bool

    @property
    def key_ids(self) -> frozenset[str]:
        """The long key ids of all its keys."""
        return frozenset(_long_id(fingerprint) for fingerprint in self.fingerprints)


def find_gpg(environ: Mapping[str, str], platform: str = sys.platform) -> str | None:
    """Find the executable that sops would run, or None.

    A bare name is looked for in the absolute folders of `PATH` only: a `gpg` in the working directory,
    which may be a stranger's repository, must not be run.
    """
    found = find_program(environ.get(EXECUTABLE) or "gpg", environ, platform)
    return found if found is not None and os.path.isfile(found) and os.access(found, os.X_OK) else None  # noqa: PTH113


def run_gpg(
    executable: str,
    arguments: Sequence[str],
    data: bytes = b"",
    *,
    environ: Mapping[str, str],
    timeout: float,
    limit: int,
) -> GpgRun:
    """Run gpg once; nothing is raised for what goes wrong in it.

    Status lines share standard error with the text for people: the only way that works on
    Windows too and through wrapper scripts. gpg escapes line breaks in whatever it quotes there.

    Args:
        executable: absolute path.
        arguments: without `--status-fd`; nothing unchecked may be in them.
        data: for standard input.
        environ: the user's environment.
        timeout: seconds.
        limit: bytes of standard output.
    """
    needs_person(executable)
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell; callers check what goes into the arguments
            [executable, "--status-fd", "2", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_gpg_environment(environ),
        )
    except OSError as error:
        return GpgRun(-1, log=(f"it could not be started: {reason_of(error).text}",))
    output = _Collector(process.stdout, limit, process.kill)
    errors = _Collector(process.stderr, _LOG_LIMIT)
    feeder = threading.Thread(target=_feed, args=(process.stdin, data), daemon=True)
    deadline = time.monotonic() + timeout
    try:
        feeder.start()
        # Both streams end with the process; waiting for them needs no polling.
        ended = [stream.finished(deadline) for stream in (output, errors)]
    finally:
        if process.poll() is None and not (output.ended and errors.ended):
            process.kill()
        # A grandchild that holds a pipe open is left behind, with the daemon threads that read from it.
        feeder.join(_GRACE)
        for stream in (output, errors):
            stream.close(time.monotonic() + _GRACE)
        code = _wait(process)
    status, log = _split(bytes(errors.data))
    return GpgRun(code, bytes(output.data), status, log, not all(ended), output.overflowed)


def gpg_version(executable: str, environ: Mapping[str, str]) -> str | None:
    """Return the version of a gpg, such as `2.4.4`; None if it does not print one."""
    run = run_gpg(executable, ["--version"], environ=environ, timeout=_VERSION_TIMEOUT, limit=_LOG_LIMIT)
    words = run.output.split(b"\n", 1)[0].decode("ascii", "replace").split()
    return words[-1] if run.code == 0 and words and words[-1][:1].isdigit() else None


def parse_key_blocks(listing: bytes) -> tuple[KeyBlock, ...]:
    """Read what `--list-keys` or `--list-secret-keys` printed with `--with-colons`."""
    groups: list[list[list[str]]] = []
    for line in listing.decode("utf-8", "replace").split("\n"):
        fields = line.split(":")
        if fields[0] in ("pub", "sec") and len(fields) > 11:
            groups.append([fields])
        elif groups and len(fields) > (9 if fields[0] == "fpr" else 11):
            groups[-1].append(fields)
    return tuple(_key_block(records) for records in groups)


def _key_block(records: Sequence[list[str]]) -> KeyBlock:
    primary = records[0]
    keys = [record for record in records if record[0] in ("pub", "sec", "sub", "ssb")]
    return KeyBlock(
        validity=primary[1],
        capabilities=primary[11],
        expires=int(primary[6]) if primary[6].isdecimal() else None,
        fingerprints=tuple(record[9].upper() for record in records if record[0] == "fpr"),
        lost="".join(record[1] for record in keys[1:] if "e" in record[11] and record[1] in ("e", "r", "i")),
        # `#` in field 15 stands for a secret key that is kept elsewhere, as offline primary keys are.
        secret=any(
            record[0] in ("sec", "ssb") and (len(record) < 15 or record[14] != "#") for record in keys
        ),
    )


def _long_id(fingerprint: str) -> str:
    # Version 5 keys, whose fingerprints are longer, have their id at the other end.
    return fingerprint[:16] if len(fingerprint) == 64 else fingerprint[-16:]


class _Collector:
    """Reads a stream in a thread, up to a limit; beyond it the rest is dropped, or `overflow` is called."""

    def __init__(
        self, stream: IO[bytes] | None, limit: int, overflow: Callable[[], None] | None = None
    ) -> None:
        self.data = bytearray()
        self.overflowed = False
        self._stream = stream
        self._limit = limit
        self._overflow = overflow
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def finished(self, deadline: float) -> bool:
        self._thread.join(max(0.0, deadline - time.monotonic()))
        return self.ended

    def close(self, deadline: float) -> None:
        if self.finished(deadline) and self._stream is not None:
            self._stream.close()

    def _run(self) -> None:
        if self._stream is None:
            return
        while chunk := os.read(self._stream.fileno(), 65536):
            self.data += chunk[: max(0, self._limit - len(self.data))]
            if self._overflow is not None and not self.overflowed and len(self.data) >= self._limit:
                self.overflowed = True
                self._overflow()


def _feed(stream: IO[bytes] | None, data: bytes) -> None:
    if stream is None:
        return
    # gpg may end without reading everything; its exit code and status say why.
    with suppress(OSError):
        stream.write(data)
    with suppress(OSError):
        stream.close()


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _split(errors: bytes) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    status, log = [], []
    for raw in errors.decode("utf-8", "replace").split("\n"):
        line = raw.rstrip("\r")
        if line.startswith(_STATUS):
            words = tuple(line[len(_STATUS) :].split(" "))
            status.append(words)
        elif line.strip():
            log.append(_printable(line.strip()))
    return tuple(status), tuple(log[-_LOG_LINES:])


def _printable(line: str) -> str:
    shown = line if line.isprintable() else line.encode("unicode_escape").decode("ascii")
    return shown if len(shown) <= _LOG_COLUMNS else shown[: _LOG_COLUMNS - 1] + "…"


def _gpg_environment(environ: Mapping[str, str]) -> dict[str, str]:
    # gpg starts gpg-agent, which lives on with the environment that it was given.
    kept = child_environment(environ)
    terminal = None if kept.get("GPG_TTY") else _terminal()
    if terminal is not None:
        # Standard input is a pipe, so that gpg could not tell pinentry by itself where to ask.
        kept["GPG_TTY"] = terminal
    return kept


def _terminal() -> str | None:
    if sys.platform == "win32":
        return None
    for descriptor in (0, 1, 2):
        try:
            return os.ttyname(descriptor)
        except OSError:
            continue
    return None


_EXPORT_LIMIT = 1024 * 1024
_BEGIN = b"-----BEGIN PGP PRIVATE KEY BLOCK-----"

# How `gpg --list-packets` marks a secret key packet that needs a passphrase.
_PROTECTED = (b"protected]", b" protection,")


def export_secret_key(environ: Mapping[str, str], fingerprint: str) -> tuple[str, bool]:
    """Export a secret key; gpg-agent may ask for its passphrase.

    Args:
        environ: in which gpg is found and run.
        fingerprint: hexadecimal digits, checked.

    Returns:
        The key, and whether a passphrase still protects it.

    Raises:
        IdentityError: gpg is missing or failed, or the secret key is not in its keyring.
    """
    gpg = find_gpg(environ)
    if gpg is None:
        raise IdentityError("gpg is not installed", hint="install GnuPG, or name it with SOPS_GPG_EXEC")
    run = run_gpg(
        gpg,
        ["--batch", "--no-tty", "--armor", "--export-secret-keys", fingerprint],
        environ=environ,
        timeout=DECRYPT_TIMEOUT,
        limit=_EXPORT_LIMIT,
    )
    if not run.output.startswith(_BEGIN):
        raise IdentityError(
            f"gpg did not export the secret key {fingerprint}",
            details=run.log,
            hint="`gpg --list-secret-keys` lists the keys",
        )
    packets = run_gpg(
        gpg,
        ["--batch", "--no-tty", "--list-packets"],
        run.output,
        environ=environ,
        timeout=DECRYPT_TIMEOUT,
        limit=_EXPORT_LIMIT,
    )
    return run.output.decode("ascii", "replace"), _is_protected(packets)


def _is_protected(packets: GpgRun) -> bool:
    if b":secret key packet:" not in packets.output:
        return True  # what cannot be told counts as protected
    return any(mark in packets.output for mark in _PROTECTED)
