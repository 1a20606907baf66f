"""Read each other's files with every program that is installed, and say which are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.run.session import Session

from .readers import Reader, make_readers
from .writers import Writer, make_writers
from .written import KEYS, Written, write_all

_AGE_KEYS = ("alice", "bob", "cluster", "postquantum")


def main() -> int:
    """Print two tables and the peers; 1 if one side does not read what the other one wrote."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fs-interop-")))
        environ = _environment(folder, stack)
        session = Session(environ, folder)
        readers, writers = make_readers(environ, _identities(), folder), make_writers(session, folder)
        versions = {peer.name: peer.version() for peer in (*readers, *writers)}
        present = [reader for reader in readers if versions[reader.name] is not None]
        files = list(write_all(session))
        rows, failures, skipped = _read_all(files, present, folder)
        theirs = [writer for writer in writers if versions[writer.name] is not None]
        written, misread = _read_theirs(theirs)
    _print_table(
        [
            ["written by fluxsecrets", *(f"{each.name} {versions[each.name]}".strip() for each in present)],
            *rows,
        ]
    )
    print()
    if written:
        _print_table([["written by", "", "fluxsecrets"], *written])
        print()
    for text in (*failures, *misread):
        print(f"FAILED  {text}")
    for reader in present:
        for reason, count in skipped[reader.name].items():
            print(f"skipped {reader.name}: {count} {'file' if count == 1 else 'files'} with {reason}")
    if "GNUPGHOME" not in environ:
        print("skipped files for PGP keys: gpg is not on PATH")
    checks = sum(cell in ("reads", "FAILS") for row in (*rows, *written) for cell in row[1:])
    failed = len(failures) + len(misread)
    print(f"{len(files)} files and {len(written)} of others, {checks} readings, {failed} failed")
    missing = {peer.name: peer.get for peer in (*readers, *writers) if versions[peer.name] is None}
    met = [f"{name} {version}".strip() for name, version in versions.items() if version is not None]
    print(
        f"peers met: {', '.join(met) or 'none'}; missing: "
        + (", ".join(f"{name} ({get})" for name, get in missing.items()) or "none")
    )
    if not met:
        print("warning: no other program is installed, so nothing was checked", file=sys.stderr)
    return 1 if failed else 0


def _read_theirs(writers: list[Writer]) -> tuple[list[list[str]], list[str]]:
    rows, failures = [], []
    for writer in writers:
        for case in writer.cases():
            problem = _problem(case.read, case.holds)
            rows.append([writer.name, case.name, "FAILS" if problem else "reads"])
            if problem:
                failures.append(f"{case.name} of {writer.name} by fluxsecrets: {problem}")
    return rows, failures


def _read_all(
    files: list[Written], readers: list[Reader], folder: Path
) -> tuple[list[list[str]], list[str], dict[str, Counter[str]]]:
    rows, failures = [], []
    skipped: dict[str, Counter[str]] = {reader.name: Counter() for reader in readers}
    for number, file in enumerate(files):
        path = folder / f"{number:03}.{file.suffix}"
        path.write_bytes(file.data)
        row = [file.name]
        for reader in readers:
            reason = reader.skips(file)
            if reason is not None:
                skipped[reader.name][reason] += 1
                row.append("-")
                continue
            problem = _problem(partial(reader.reads, file, path), file.holds)
            row.append("FAILS" if problem else "reads")
            if problem:
                failures.append(f"{file.name} by {reader.name}: {problem}")
        rows.append(row)
    return rows, failures, skipped


def _problem(read: Callable[[], object], holds: object) -> str | None:
    """What is wrong with what a read returns, or None."""
    try:
        found = read()
    except (OSError, ValueError, KeyError, subprocess.SubprocessError, FluxsecretsError) as error:
        return str(error) or type(error).__name__
    # With their types: in Python 1, 1.0 and True are equal.
    return None if _typed(found) == _typed(holds) else f"it reads {found!r}"


def _typed(data: object) -> object:
    if isinstance(data, dict):
        return {key: _typed(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_typed(item) for item in data]
    return (type(data).__name__, data)


def _environment(folder: Path, stack: ExitStack) -> dict[str, str]:
    """An environment with throw-away identities of every kind, and without the user's own."""
    age = "\n".join((KEYS / f"{name}.agekey").read_text(encoding="utf-8") for name in _AGE_KEYS)
    ssh = folder / ".ssh"
    ssh.mkdir()
    for name, target in (("ssh_ed25519", "id_ed25519"), ("ssh_rsa", "id_rsa")):
        shutil.copy(KEYS / name, ssh / target)
        (ssh / target).chmod(0o600)
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "SOPS_AGE_KEY": "\n".join(line for line in age.splitlines() if line.startswith("AGE-SECRET-KEY-")),
        "SOPS_DISABLE_VERSION_CHECK": "1",
    }
    if shutil.which("gpg") and shutil.which("gpgconf"):
        # A path of gpg-agent's socket must be short.
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="fs-gpg-", ignore_cleanup_errors=True))
        environ["GNUPGHOME"] = home
        imported = ["gpg", "--batch", "--quiet", "--import", str(KEYS / "pgp.asc")]
        subprocess.run(imported, env=environ, capture_output=True, check=True, timeout=60)
        stack.callback(
            subprocess.run, ["gpgconf", "--kill", "all"], env=environ, capture_output=True, check=False
        )
    return environ


def _identities() -> dict[str, Path]:
    return {
        "age": KEYS / "alice.agekey",
        "post-quantum": KEYS / "postquantum.agekey",
        "ssh-ed25519": KEYS / "ssh_ed25519",
        "ssh-rsa": KEYS / "ssh_rsa",
    }


def _print_table(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
