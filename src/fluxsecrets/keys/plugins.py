"""age plugins: programs `age-plugin-NAME` that hold keys on devices or elsewhere (age: plugin/client.go).

Both sides send stanzas: first ours, up to `done`, then the plugin's, each of which we answer.
"""

from __future__ import annotations

import os
import queue
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from fluxsecrets.errors import FluxsecretsError, LockedError, RecipientError
from fluxsecrets.programs import child_environment, find_program
from fluxsecrets.sops import bech32

from .agefile import FILE_KEY_SIZE, Stanza, decode_base64, read_stanza, write_stanza
from .host import Host, PassphrasePrompt
from .processes import start_program, stop_program
from .unlocked import PLUGIN, keep, kept_for

_MAX_ANSWERS = 256
_NAME = re.compile(r"[A-Za-z0-9+._-]+")
_MAX_TEXT = 200
_PRIVATE = re.compile(r"age-(?:secret-key|plugin)-\S*1", re.IGNORECASE)


class PluginError(Exception):
    """The plugin could not do it, said why, or broke the protocol.

    Attributes:
        fatal: it would fail with other files too, such as a missing program.
    """

    def __init__(self, reason: str, *, fatal: bool = False) -> None:
        """Take what goes behind the plugin's name."""
        super().__init__(reason)
        self.reason = reason
        self.fatal = fatal


def recipient_plugin(text: str) -> str:
    """Return the name of the plugin that an `age1NAME1…` recipient is for.

    Raises:
        ValueError: malformed.
    """
    prefix, _ = bech32.decode(text)
    if text != text.lower() or not prefix.startswith("age1"):
        raise ValueError("it does not begin with age1 and the name of a plugin")
    return _checked(prefix.removeprefix("age1"))


def identity_plugin(text: str) -> str:
    """Return the name of the plugin that an `AGE-PLUGIN-NAME-1…` identity is for.

    Raises:
        ValueError: malformed.
    """
    prefix, _ = bech32.decode(text)
    if not prefix.startswith("age-plugin-") or not prefix.endswith("-"):
        raise ValueError("it does not begin with AGE-PLUGIN- and the name of a plugin")
    return _checked(prefix.removeprefix("age-plugin-").removesuffix("-"))


def is_installed(host: Host, name: str) -> bool:
    """Whether the plugin's program is on PATH."""
    return find_program(f"age-plugin-{name}", host.environment()) is not None


def wrap_with_plugin(host: Host, recipient: str, file_key: bytes) -> tuple[Stanza, ...]:
    """Let a plugin wrap a file key for one of its recipients.

    Raises:
        RecipientError: the program is missing, took too long, or failed.
    """
    name = recipient_plugin(recipient)
    request = [
        Stanza("add-recipient", (recipient,)),
        Stanza("wrap-file-key", (), file_key),
        Stanza("extension-labels"),
        Stanza("done"),
    ]
    stanzas: list[Stanza] = []

    def take(stanza: Stanza) -> bool:
        if stanza.type == "labels":
            return True
        if stanza.type != "recipient-stanza":
            return False
        if len(stanza.args) < 2 or stanza.args[0] != "0":
            raise PluginError("it broke the plugin protocol")
        stanzas.append(Stanza(stanza.args[1], stanza.args[2:], stanza.body))
        return True

    try:
        _converse(host, name, "recipient-v1", request, take)
        if not stanzas:
            raise PluginError("it gave no result")  # noqa: TRY301
        if any(stanza.type == "scrypt" for stanza in stanzas):
            raise PluginError("it wanted to use a passphrase")  # noqa: TRY301
    except PluginError as error:
        reason = error.reason
    else:
        return tuple(stanzas)
    raise RecipientError(f"cannot encrypt with age-plugin-{name}: {reason}", hint=_hint(name))


def unwrap_with_plugin(host: Host, identity: str, stanzas: Sequence[Stanza]) -> bytes | None:
    """Let a plugin find the file key with one of its identities; None where no stanza is for it.

    Raises:
        PluginError: the program is missing, took too long, or failed.
    """
    name = identity_plugin(identity)
    request = [
        Stanza("add-identity", (identity,)),
        *(Stanza("recipient-stanza", ("0", one.type, *one.args), one.body) for one in stanzas),
        Stanza("done"),
    ]
    # The program, too: one that is not installed any more opens nothing.
    program = find_program(f"age-plugin-{name}", host.environment()) or ""
    parts = (os.fsencode(program), *(write_stanza(one) for one in request))
    if program and (kept := kept_for(PLUGIN, *parts)) is not None:
        return kept or None
    found: list[bytes] = []

    def take(stanza: Stanza) -> bool:
        if stanza.type != "file-key":
            return False
        if stanza.args != ("0",) or len(stanza.body) != FILE_KEY_SIZE or found:
            raise PluginError("it broke the plugin protocol")
        found.append(stanza.body)
        return True

    _converse(host, name, "identity-v1", request, take)
    keep(found[0] if found else b"", PLUGIN, *parts)
    return found[0] if found else None


def plugin_problem(name: str, error: PluginError) -> LockedError:
    """The error to show when an identity's plugin failed and nothing else opens the file."""
    return LockedError(f"cannot decrypt with age-plugin-{name}: {error.reason}", hint=_hint(name))


class _Plugin:
    """A running plugin: stanzas in, stanzas out."""

    def __init__(self, process: subprocess.Popen[bytes], timeout: float) -> None:
        self._process = process
        self._timeout = timeout
        self._stanzas: queue.SimpleQueue[Stanza | None] = queue.SimpleQueue()
        self._stuck = False
        # A blocked pipe cannot be given up on; a thread can.
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, stanzas: Sequence[Stanza]) -> None:
        data = b"".join(write_stanza(stanza) for stanza in stanzas)
        writer = threading.Thread(target=self._write, args=(data,), daemon=True)
        writer.start()
        writer.join(self._timeout)
        if writer.is_alive():
            self._stuck = True
            raise self._too_slow()

    def receive(self) -> Stanza:
        try:
            stanza = self._stanzas.get(timeout=self._timeout)
        except queue.Empty:
            raise self._too_slow() from None
        if stanza is None:
            raise PluginError("it ended before it was done")
        return stanza

    def close(self) -> None:
        """Let it end by itself, for it may have a device to put away; end it where it does not."""
        self._close_input()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(2)

    def stop(self) -> None:
        """End it."""
        stop_program(self._process)
        self._close_input()

    def _close_input(self) -> None:
        # A thread that is stuck in writing has the pipe locked.
        if self._process.stdin is not None and not self._stuck:
            with suppress(OSError, ValueError):
                self._process.stdin.close()

    def _too_slow(self) -> PluginError:
        return PluginError(f"it did not answer within {self._timeout:g} seconds", fatal=True)

    def _write(self, data: bytes) -> None:
        # A plugin that ended is noticed when its answer is missing.
        with suppress(OSError, ValueError):
            if self._process.stdin is not None:
                self._process.stdin.write(data)
                self._process.stdin.flush()

    def _read(self) -> None:
        output = self._process.stdout
        if output is not None:
            with output as stream, suppress(ValueError, OSError):
                for _ in range(_MAX_ANSWERS):
                    stanza = read_stanza(stream)
                    self._stanzas.put(stanza)
                    if stanza.type == "done":
                        break
        self._stanzas.put(None)


def _converse(
    host: Host, name: str, protocol: str, request: Sequence[Stanza], take: Callable[[Stanza], bool]
) -> None:
    """Send a request and answer the plugin until it is done.

    Raises:
        PluginError: it failed.
    """
    environ = host.environment()
    program = find_program(f"age-plugin-{name}", environ)
    if program is None:
        raise PluginError("it is not installed", fatal=True)
    try:
        process = start_program(
            [program, f"--age-plugin={protocol}"],
            child_environment(environ),
            stdin=subprocess.PIPE,
            folder=tempfile.gettempdir(),  # whatever it does must not depend on ours
        )
    except OSError:
        raise PluginError("it cannot be started", fatal=True) from None
    plugin = _Plugin(process, host.plugin_timeout)
    try:
        plugin.send(request)
        while (stanza := plugin.receive()).type != "done":
            if stanza.type == "error":
                plugin.send([Stanza("ok")])
                plugin.close()
                raise PluginError(_shown(stanza.body) or "it failed, and did not say why")
            plugin.send([Stanza("ok") if take(stanza) else _answer(host, name, stanza)])
        plugin.close()
    finally:
        plugin.stop()


def _answer(host: Host, name: str, stanza: Stanza) -> Stanza:
    """Answer what a plugin wants of the user; `fail` where there is nobody to ask."""
    if stanza.type not in ("msg", "request-secret", "request-public", "confirm"):
        return Stanza("unsupported")
    words = f"age-plugin-{name}: {_shown(stanza.body)}"
    if stanza.type == "msg" and host.notify is not None:
        host.notify(words)
        return Stanza("ok")
    if stanza.type == "msg" or host.ask is None:
        return Stanza("fail")
    try:
        if stanza.type == "confirm":
            return _confirm(host.ask, words, stanza)
        return Stanza("ok", (), host.ask(words).encode("utf-8", "surrogateescape"))
    except (FluxsecretsError, ValueError):
        return Stanza("fail")


def _confirm(ask: PassphrasePrompt, question: str, stanza: Stanza) -> Stanza:
    """Ask to choose between one or two answers, by their number."""
    choices = [_shown(decode_base64(choice.encode("ascii"))) for choice in stanza.args]
    numbered = ", ".join(f"{number}: {choice}" for number, choice in enumerate(choices, start=1))
    chosen = ask(f"{question} ({numbered})").strip()
    if len(choices) in (1, 2) and chosen in ("1", "2")[: len(choices)]:
        return Stanza("ok", ("yes" if chosen == "1" else "no",))
    return Stanza("fail")


def _shown(text: bytes) -> str:
    """A plugin's words for people: one line, printable, bounded, and without keys."""
    line = text.decode("utf-8", "replace").strip().partition("\n")[0]
    if _PRIVATE.search(line):
        return "(its message is not shown, since it holds a key)"
    return "".join(char if char.isprintable() else " " for char in line)[:_MAX_TEXT]


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("it holds no name that a plugin may have")
    return name


def _hint(name: str) -> str:
    return f"check that age-plugin-{name} is on PATH, and that its device is there"
