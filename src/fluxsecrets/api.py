"""The library's functions. Import them from `fluxsecrets`, which re-exports them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from fluxsecrets import __version__
from fluxsecrets.errors import FluxsecretsError, FormatError, RecipientError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.policy.given import GivenRecipients
from fluxsecrets.ops.policy.policy import Policy, make_overrides, policy_for
from fluxsecrets.ops.run.logged import Call, logged
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.document import Data, to_data
from fluxsecrets.sops.formats import format_for_path, make_format
from fluxsecrets.sops.values import Timestamp


def load(path: str | os.PathLike[str], *, format: str | None = None) -> Any:  # noqa: A002
    """Decrypt a file and return its data as Python objects.

    Args:
        path: an encrypted file.
        format: `yaml`, `json`, `dotenv`, `ini` or `binary`; by default from the name's suffix.

    Returns:
        Dicts, lists, strings, numbers, booleans and None; times as RFC 3339 strings. For a binary file, a
        dict with its bytes under `data`.

    Raises:
        FluxsecretsError: the file can't be read or decrypted with your identities, or was tampered with.
            Nothing is returned before the MAC is checked.
        FormatError: the file has several YAML documents; use `load_all`.
    """
    return _only(load_all(path, format=format), os.fspath(path))


def load_all(path: str | os.PathLike[str], *, format: str | None = None) -> list[Any]:  # noqa: A002
    """Decrypt a file and return the data of each of its YAML documents; see `load`."""
    session = _session()
    file = session.cwd / path
    try:
        with _logged(session, "load", path):
            data = read_file(file, limit=session.limits.size, follow_links=True).data
            return _load(session, data, format or format_for_path(file.name))
    except FluxsecretsError as error:
        raise error.in_file(os.fspath(path)) from None


def loads(data: bytes | str, *, format: str = "yaml") -> Any:  # noqa: A002
    """Decrypt text or bytes and return the data as Python objects; see `load`."""
    return _only(loads_all(data, format=format), None)


def loads_all(data: bytes | str, *, format: str = "yaml") -> list[Any]:  # noqa: A002
    """Decrypt text or bytes and return the data of each YAML document; see `load`."""
    session = _session()
    with _logged(session, "loads"):
        return _load(session, data, format)


def decrypt(data: bytes | str, *, format: str = "yaml") -> bytes:  # noqa: A002
    """Decrypt a file's content into its own format, with layout and comments kept.

    Args:
        data: the encrypted content.
        format: `yaml`, `json`, `dotenv`, `ini` or `binary`.

    Raises:
        FluxsecretsError: the content can't be parsed or decrypted with your identities, or was tampered with.
    """
    session = _session()
    with _logged(session, "decrypt"):
        return open_file(make_format(format), _bytes(data), session.providers, session.limits).text()


def encrypt(
    data: bytes | str,
    *,
    path: str | os.PathLike[str] | None = None,
    age: Sequence[str] = (),
    encrypted_regex: str | None = None,
    format: str | None = None,  # noqa: A002
) -> bytes:
    """Encrypt a file's content.

    Args:
        data: the plain content.
        path: the path to match against the creation rules of `.sops.yaml`; the file is not touched and need
            not exist.
        age: recipients to use instead of a creation rule's.
        encrypted_regex: the keys whose values to encrypt, instead of the rule's selector. A Kubernetes
            manifest without either gets `^(data|stringData)$`.
        format: `yaml`, `json`, `dotenv`, `ini` or `binary`; by default from `path`, or else `yaml`.

    Returns:
        The encrypted content, after it was decrypted and compared with the input.

    Raises:
        RecipientError: neither `path` nor `age` is given.
        ConfigError: no creation rule matches `path`.
        FluxsecretsError: the content can't be parsed or protected.
    """
    session = _session()
    if path is None and not age:
        raise RecipientError(
            "no recipients to encrypt for", hint="pass age=[...], or path= for a creation rule"
        )
    overrides = make_overrides(
        GivenRecipients({"age": age}), {"encrypted_regex": encrypted_regex} if encrypted_regex else {}
    )
    file = None if path is None else session.cwd / path
    name = format or ("yaml" if file is None else format_for_path(file.name))
    try:
        policy = (
            Policy(groups=(overrides.recipients,), selector=overrides.selector)
            if file is None
            else policy_for(session, file, overrides)
        )
        format_ = make_format(name, policy.stores)
        with _logged(session, "encrypt", path):
            return encrypt_content(
                format_, _bytes(data), policy, session.providers, now=session.now(), limits=session.limits
            ).data
    except FluxsecretsError as error:
        if path is not None:
            error.in_file(os.fspath(path))
        raise


def verify(environment: str | None = None, *, keys: bool = True) -> list[dict[str, Any]]:
    """Say what Flux would do with the Kustomizations of the repository that the working directory is in.

    Args:
        environment: its name; None for all.
        keys: whether to decrypt; without, encrypted values are unknown.

    Returns:
        The verdicts in the order in which Flux applies them, as `kustomizations` of `verify --format json`:
        `verdict` is `applied`, `ciphertext`, `fails` or `unknown`, and `outcomes` says why. No values.

    Raises:
        ConfigError: `.fluxsecrets.yaml` is invalid, there is no such environment, or none at all.
        FluxsecretsError: the repository can't be read.
    """
    from fluxsecrets.ops.checks.verify import verify as verify_all
    from fluxsecrets.report.verify import verdict_data

    found = verify_all(_session(), environment, with_keys=keys)
    return [{**verdict_data(one, told)} for one, told in found.told]


def _session() -> Session:
    return Session(dict(os.environ), Path.cwd())


def _logged(
    session: Session, command: str, path: str | os.PathLike[str] | None = None
) -> AbstractContextManager[None]:
    paths = () if path is None else (os.fspath(path),)
    return logged(session.environ, session.cwd, Call(f"python {__version__}", command, paths))


def _load(session: Session, data: bytes | str, format_name: str) -> list[Any]:
    opened = open_file(make_format(format_name), _bytes(data), session.providers, session.limits)
    return [_plain(to_data(part)) for part in opened.parts]


def _bytes(data: bytes | str) -> bytes:
    return data.encode("utf-8") if isinstance(data, str) else data


def _only(parts: list[Any], path: str | None) -> Any:
    if len(parts) != 1:
        raise FormatError(
            f"there are {len(parts)} YAML documents",
            path=path,
            hint="use load_all or loads_all, which return a list",
        )
    return parts[0]


def _plain(data: Data) -> Any:
    if isinstance(data, Timestamp):
        return data.text
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_plain(item) for item in data]
    return data
