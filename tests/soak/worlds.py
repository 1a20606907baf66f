"""The repositories that commands change, and the commands that change many files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

from sealing import VECTORS, key_file

FILES = 12
EXAMPLE = Path(__file__).parents[2] / "examples" / "waddle-infra"


def value(number: int) -> str:
    """The secret of a file; no other text holds it."""
    return f"soak-throwaway-{number:03}-kV7q"


@dataclass(frozen=True, slots=True)
class Command:
    """A command that changes many files.

    Attributes:
        world: the repository that it starts in.
        plain: files of the work tree are plain before or after it.
    """

    world: str
    words: tuple[str, ...]
    plain: bool = False

    @property
    def name(self) -> str:
        """Its words without options."""
        return " ".join(word for word in self.words if not word.startswith("-") and word != ".")


_SEALING = ("--cert", "sealing.crt", "--private-key", "sealing.key")
COMMANDS = (
    Command("sops", ("rotate", "--all")),
    Command("sops", ("recipients", "add", "bob", "--all")),
    Command("shared", ("recipients", "remove", "bob", "--yes", "--no-report")),
    Command("drifted", ("recipients", "sync", "--all")),
    Command("plain", ("encrypt", "."), plain=True),
    Command("sops", ("decrypt", "-i", "apps"), plain=True),
    Command("plain", ("seal", "--cert", "sealing.crt", "--for-others", "apps"), plain=True),
    Command("sealed", ("reseal", "--all", "--cert", "sealing-new.crt", "--private-key", "sealing.key")),
    Command("plain", ("convert", "apps", "--to", "sops"), plain=True),
    Command("sops", ("convert", "apps", "--to", "sealed", *_SEALING)),
    Command("sealed", ("convert", "apps", "--to", "sops", "--private-key", "sealing.key")),
    Command("sops", ("convert", "apps", "--to", "plain"), plain=True),
    Command("waddle", ("env", "add", "dr", "--from", "production", "--yes")),
    Command("waddle", ("rotate", "--env", "staging", "--identity")),
    Command("waddle", ("extract", "clusters/staging/infrastructure/cilium-helmrelease.yaml", "operator")),
)


def make_worlds(folder: Path) -> None:
    """Make the repositories, each with a key file and a state folder of its own beside it."""
    for name in dict.fromkeys(command.world for command in COMMANDS):
        world = folder / name
        (world / "state").mkdir(parents=True)
        shutil.copy(VECTORS / "keys" / "alice.agekey", world / "keys.txt")
        (world / "keys.txt").chmod(0o600)
        root = world / "tree"
        enter(world)
        if name == "waddle":
            shutil.copytree(EXAMPLE, root)
            os.chdir(root)
        else:
            _write(root)
            os.chdir(root)
        _git("init", "--quiet")
        _commit()
        for words in _PREPARED[name]:
            code, _, said = run(words)
            if code:
                raise RuntimeError(f"{name}: {' '.join(words)}: {said}")
        _commit()


_PREPARED: dict[str, tuple[tuple[str, ...], ...]] = {
    "plain": (),
    "sops": (("encrypt", "."),),
    "shared": (("encrypt", "."), ("recipients", "add", "bob", "--all")),
    "drifted": (("encrypt", "."), ("recipients", "add", "bob", "--all"), ("rotate", "apps/app0")),
    "sealed": (("seal", "--cert", "sealing.crt", "--for-others", "apps"),),
    "waddle": (("encrypt", "."),),
}


def enter(world: Path) -> None:
    """Let this process, and those that it starts, work in a world."""
    os.environ.update(
        HOME=str(world),
        XDG_STATE_HOME=str(world / "state"),
        XDG_CONFIG_HOME=str(world / "config"),
        SOPS_AGE_KEY_FILE=str(world / "keys.txt"),
        TMPDIR=str(world / "state"),
        GIT_CONFIG_GLOBAL=os.devnull,
        GIT_CONFIG_NOSYSTEM="1",
    )
    os.environ.pop("XDG_RUNTIME_DIR", None)


def _write(root: Path) -> None:
    keys = json.loads((VECTORS / "keys" / "recipients.json").read_text(encoding="utf-8"))
    (root / "keys").mkdir(parents=True)
    (root / "keys" / "bob.pub").write_text(f"{keys['bob']}\n", encoding="utf-8")
    (root / ".sops.yaml").write_text(
        "creation_rules:\n"
        "  - path_regex: apps/.*\\.yaml$\n"
        "    encrypted_regex: ^(data|stringData)$\n"
        f"    age: {keys['alice']}\n",
        encoding="utf-8",
    )
    for name in ("sealing.crt", "sealing.key", "sealing-new.crt", "sealing-new.key"):
        (root / name).write_bytes(key_file(name))
    (root / ".gitignore").write_text("*.key\n", encoding="utf-8")
    for number in range(FILES):
        path = secret_path(root, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: s{number}\n  namespace: apps\n"
            f"stringData:\n  user: u{number}\n  password: {value(number)}\n",
            encoding="utf-8",
        )


def secret_path(root: Path, number: int) -> Path:
    """Where the Secret of a number is."""
    return root / "apps" / f"app{number % 3}" / f"s{number}.yaml"


def secret_files(root: Path) -> Iterator[Path]:
    """The Secrets of a world, or in the example all encrypted files."""
    if (root / "apps" / "app0").exists():
        yield from (secret_path(root, number) for number in range(FILES))
        return
    for path in sorted(root.rglob("*.yaml")):
        if ".git" not in path.parts and path.name != ".sops.yaml" and b"\n    mac: ENC[" in path.read_bytes():
            yield path


def run(words: tuple[str, ...]) -> tuple[int, str, str]:
    """Run a command line in this process; its exit code, its output and its messages."""
    from fluxsecrets.cli.entry import run as run_command

    out = TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True)
    err = StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run_command(words)
    out.flush()
    return code, out.buffer.getvalue().decode(), err.getvalue()  # type: ignore[attr-defined]


def _git(*words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _commit() -> None:
    _git("add", "--all")
    _git("commit", "--quiet", "--allow-empty", "--message", "soak")
