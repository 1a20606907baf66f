"""Run a command with a file's values: in its environment, or as a file that is on no disk."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from pathlib import Path

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.files.content import OpenedFile, open_file
from fluxsecrets.ops.policy.manifest import is_manifest
from fluxsecrets.ops.run.session import Session
from fluxsecrets.records import dataclass, replace
from fluxsecrets.sops.document import Data, Leaf, to_data
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.values import Value, format_float, scalar_text

from .child import Command, User, child_environment, passing_signals, replace_process
from .variables import allowed_names, refuse_risky

PLACEHOLDER = "{}"
"""The placeholder for the file's path in a command."""

_USE_FILE = "`fluxsecrets exec-file FILE -- COMMAND {}` hands over the file as it is"


@dataclass(frozen=True, slots=True)
class EnvOptions:
    """How a command gets values in its environment.

    Attributes:
        pristine: it gets nothing of this process's environment.
        same_process: it replaces this process.
    """

    pristine: bool = False
    same_process: bool = False


def file_values(
    session: Session, data: bytes, format_name: str, allowed: Collection[str] = ()
) -> dict[str, bytes]:
    """The values of an encrypted file by name, as they go into an environment.

    Taken from sops 3.13.2 (cmd/sops/main.go, `exec-env`): the first document counts, its keys are the
    names. Beyond sops, a Kubernetes Secret gives the keys of `data` (decoded) and `stringData`, and null
    is the empty text rather than `<nil>`. The MAC is checked first. `allowed` are variables that the file
    may set although they decide which code runs.

    Raises:
        UsageError: a key whose value is a map or a list, that cannot be the name of a variable, or that
            decides which code runs; a file without keys.
        DataKeyError, IntegrityError, NotEncryptedError, ...: see `content.open_file`.
    """
    opened = open_file(make_format(format_name), data, session.providers, session.limits)
    return opened_values(opened, allowed_names(session.environ, allowed))


def opened_values(opened: OpenedFile, allowed: Collection[str]) -> dict[str, bytes]:
    """The values of an opened file by name; see `file_values`.

    Raises:
        UsageError: see `file_values`.
    """
    if opened.format.single_value:
        raise UsageError("the file is one value without a name", hint=_USE_FILE)
    values = _secret_values(opened) if _is_secret(opened.parts[0]) else _flat_values(opened)
    for name, value in values.items():
        _check(name, value)
    refuse_risky(values, allowed)
    return values


def _is_secret(part: MapNode) -> bool:
    kind = part.get("kind")
    return is_manifest(part) and isinstance(kind, Leaf) and kind.value == "Secret"


def _flat_values(opened: OpenedFile) -> dict[str, bytes]:
    return {name: _bytes_of(name, value) for name, value in _first(opened).items()}


def _secret_values(opened: OpenedFile) -> dict[str, bytes]:
    part = _first(opened)
    data, texts = part.get("data") or {}, part.get("stringData") or {}
    if not isinstance(data, dict) or not isinstance(texts, dict):
        raise UsageError("data or stringData of the Secret is not a map", hint="fix the manifest")
    values = {name: _decoded(name, _bytes_of(name, value)) for name, value in data.items()}
    # Kubernetes: stringData wins over data.
    return values | {name: _bytes_of(name, value) for name, value in texts.items()}


def _first(opened: OpenedFile) -> dict[str, Data]:
    part = to_data(opened.parts[0])
    return part if isinstance(part, dict) else {}


def _bytes_of(name: str, value: Data) -> bytes:
    if isinstance(value, dict | list):
        what = "map" if isinstance(value, dict) else "list"
        raise UsageError(f"the value of {name!a} is a {what}, which no variable can hold", hint=_USE_FILE)
    return value if isinstance(value, bytes) else _text_of(value).encode()


def _text_of(value: Value) -> str:
    return format_float(value) if isinstance(value, float) and not isfinite(value) else scalar_text(value)


def _decoded(name: str, value: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(value.split()), validate=True)
    except binascii.Error:
        raise UsageError(
            f"the value of data.{name} is not base64",
            hint="move it to stringData, where it is taken as it is",
        ) from None


def _check(name: str, value: bytes) -> None:
    if not name or "=" in name or any(sign < " " or sign == "\x7f" for sign in name):
        raise UsageError(f"the key {name!a} cannot be the name of a variable", hint=_USE_FILE)
    if b"\0" in value:
        raise UsageError(f"the value of {name!a} holds a null byte, which no variable can", hint=_USE_FILE)


def run_with_values(
    session: Session, command: Command, values: Mapping[str, bytes], options: EnvOptions
) -> int:
    """Run a command with values in its environment.

    The values win over variables of the same name.

    Returns:
        The command's exit code, see `Child.run`.

    Raises:
        FluxsecretsError: it cannot be started; with a shell's exit code for that.
    """
    environ = {} if options.pristine else dict(session.environ)
    if options.pristine and "SYSTEMROOT" in session.environ:
        environ["SYSTEMROOT"] = session.environ["SYSTEMROOT"]  # Windows starts no process without it
    environ |= command.user.environ if command.user is not None else {}
    environment = child_environment(environ, values)
    if options.same_process:
        replace_process(command, session.environ, environment)
    with passing_signals(session.environ) as child:
        return child.run(command, environment)


def run_with_file(session: Session, command: Command, data: bytes, name: str, *, fifo: bool) -> int:
    """Run a command that reads a content from a path, which stands for `{}` in its arguments.

    With `fifo`, the path is a named pipe instead of a file in memory.

    Returns:
        The command's exit code, see `Child.run`.

    Raises:
        FluxsecretsError: it cannot be started; with a shell's exit code for that.
        FileAccessError: the file or pipe cannot be made.
        UsageError: the name is not a file name.
    """
    # Here, as values in an environment need no file.
    from fluxsecrets.files.private import private_directory

    from .fifo import has_fifos

    _check_file_name(name)
    if fifo and not has_fifos() and session.warn is not None:
        session.warn("this system has no named pipes: the command gets a temporary file")
    environ = {**session.environ, **(command.user.environ if command.user is not None else {})}
    # Signals come first: from here on, none of them can end this process before everything is deleted.
    with passing_signals(session.environ) as child, private_directory() as folder:
        path = folder / name
        owner = _owner(command.user)
        with _offered(path, data, owner, fifo=fifo):
            if owner is not None:
                os.chown(folder, owner, -1)
            return child.run(_with_path(command, path), child_environment(environ, {}))


def _owner(user: User | None) -> int | None:
    return user.uid if user is not None and user.uid != os.geteuid() else None


@contextmanager
def _offered(path: Path, data: bytes, owner: int | None, *, fifo: bool) -> Iterator[None]:
    from fluxsecrets.files.writing import write_new

    from .fifo import has_fifos, served

    if fifo and has_fifos():
        with served(path, data, owner):
            yield
        return
    write_new(path, data)
    if owner is not None:
        os.chown(path, owner, -1)
    yield


def _with_path(command: Command, path: Path) -> Command:
    text = str(path)
    if command.shell:
        import shlex

        text = shlex.quote(text)
    arguments = tuple(argument.replace(PLACEHOLDER, text) for argument in command.arguments)
    return replace(command, arguments=arguments)


def _check_file_name(name: str) -> None:
    if name in ("", ".", "..") or "\0" in name or any(sign in name for sign in ("/", "\\", ":")):
        raise UsageError(
            f"{name!a} is not a file name", hint="give a plain name without a folder, such as config.yaml"
        )
