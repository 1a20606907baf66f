"""Write files, have every program at hand read them, and say what was skipped: `make interop`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from fluxsecrets.ops.run.session import Session

from .readers import Reader, make_readers
from .written import KEYS, Written, write_all

_AGE_KEYS = ("alice", "bob", "cluster", "postquantum")


def main() -> int:
    """Print a table; 1 where a program reads something else than was written, or cannot read it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fs-interop-")))
        environ = _environment(folder, stack)
        session = Session(environ, folder)
        readers = make_readers(environ, _identities(), folder)
        versions = {reader.name: reader.version() for reader in readers}
        present = [reader for reader in readers if versions[reader.name] is not None]
        files = list(write_all(session))
        rows, failures, skipped = _read_all(files, present, folder)
    _print_table(
        [
            ["written by fluxsecrets", *(f"{each.name} {versions[each.name]}".strip() for each in present)],
            *rows,
        ]
    )
    print()
    for text in failures:
        print(f"FAILED  {text}")
    for reader in readers:
        if versions[reader.name] is None:
            print(f"skipped {reader.name}: it is not at hand ({reader.get})")
        for reason, count in skipped[reader.name].items():
            print(f"skipped {reader.name}: {count} {'file' if count == 1 else 'files'} with {reason}")
    if "GNUPGHOME" not in environ:
        print("skipped files for PGP keys: gpg is not on PATH")
    checks = sum(cell in ("reads", "FAILS") for row in rows for cell in row[1:])
    print(f"{len(files)} files, {checks} readings, {len(failures)} failed")
    if not present:
        print("error: there is no other program at hand, so nothing was checked", file=sys.stderr)
    return 1 if failures or not present else 0


def _read_all(
    files: list[Written], readers: list[Reader], folder: Path
) -> tuple[list[list[str]], list[str], dict[str, Counter[str]]]:
    rows, failures = [], []
    skipped: dict[str, Counter[str]] = {
        name: Counter() for name in ("sops", "age", "gpg", "sops-age", "rops")
    }
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
            problem = _problem(reader, file, path)
            row.append("FAILS" if problem else "reads")
            if problem:
                failures.append(f"{file.name} by {reader.name}: {problem}")
        rows.append(row)
    return rows, failures, skipped


def _problem(reader: Reader, file: Written, path: Path) -> str | None:
    try:
        found = reader.reads(file, path)
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        return str(error) or type(error).__name__
    # As text: Python holds 1, 1.0 and True for the same.
    return None if _typed(found) == _typed(file.holds) else f"it reads {found!r}"


def _typed(data: object) -> object:
    if isinstance(data, dict):
        return {key: _typed(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_typed(item) for item in data]
    return (type(data).__name__, data)


def _environment(folder: Path, stack: ExitStack) -> dict[str, str]:
    """Throw-away identities of every kind, and nothing of whoever runs this."""
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
        # Sockets of gpg-agent have short paths only.
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
