"""Tries the self-contained archive: unpacked elsewhere, with an empty home and nothing from outside."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from pathlib import Path

from steps import DistError, run, say

_MANY = 64
"""Files; from 48 on, worker processes encrypt them."""

_OUTSIDE = """
import os, sys
import cryptography.hazmat.bindings._rust, hyperscan, re2, ssl, yaml, fluxsecrets
root = sys.argv[1]
lines = [line.rstrip().split(maxsplit=5) for line in open("/proc/self/maps")]
loaded = [line[5] for line in lines if len(line) == 6 and line[5].startswith("/")]
system = ("libc", "libm", "ld-linux", "libdl", "libpthread", "libgcc_s", "libstdc++", "librt")
loaded = [each for each in loaded if ".so" in each and not os.path.basename(each).startswith(system)]
print(*{each for each in (*sys.path, *loaded) if not os.path.realpath(each).startswith(root)}, end="")
"""


def check_portable(archive: Path, example: Path) -> None:
    """Run what users run.

    Args:
        archive: the archive.
        example: a Flux repository with secrets in plain text.

    Raises:
        DistError: something is not as it has to be.
    """
    say("trying the self-contained archive")
    # A blank and a quote in the path: the place is the user's to choose.
    with tempfile.TemporaryDirectory(prefix="fluxsecrets's smoke ") as name:
        room = Path(name).resolve()
        with tarfile.open(archive) as opened:
            opened.extractall(room, filter="data")
        (folder,) = room.iterdir()
        _Smoke(folder, room).check(example)


class _Smoke:
    def __init__(self, folder: Path, room: Path) -> None:
        self._folder = folder
        self._room = room
        self._repository = room / "repository"
        home = room / "home"
        home.mkdir()
        # Links to the commands, as in /usr/local/bin.
        (room / "links").mkdir()
        for name in ("fluxsecrets", "fluxsecrets-sops"):
            (room / "links" / name).symlink_to(Path("..") / folder.name / "bin" / name)
        git = shutil.which("git")
        if git is None:
            raise DistError("git is not on PATH")
        self._environ = {
            "HOME": str(home),
            "PATH": f"{room / 'links'}:{Path(git).parent}:/usr/bin:/bin",
            "SOPS_AGE_KEY_FILE": str(home / "key.txt"),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    def check(self, example: Path) -> None:
        python = self._folder / "python" / "bin" / "python3"
        outside = run([python, "-I", "-c", _OUTSIDE, str(self._folder)], environ=self._environ)
        if outside:
            raise DistError(f"the archive uses what is outside of it: {outside}")
        self._expect("fluxsecrets", ["fluxsecrets", "--version"], cwd=self._room)
        self._expect("fluxsecrets-sops", ["fluxsecrets-sops", "--version"], cwd=self._room)
        shutil.copytree(example, self._repository)
        self._git("init", "--quiet")
        self._encrypt()
        self._commit()

    def _encrypt(self) -> None:
        """Encrypt more files than one process does, with a key of our own, and read one back."""
        self._run("fluxsecrets", "keys", "generate")
        text = (self._room / "home" / "key.txt").read_text(encoding="ascii")
        recipient = text.partition("public key: ")[2].split()[0]
        rules = f"creation_rules:\n  - encrypted_regex: ^(data|stringData)$\n    age: {recipient}\n"
        (self._repository / ".sops.yaml").write_text(rules, encoding="ascii")
        many = self._repository / "many"
        many.mkdir()
        for number in range(_MANY):
            manifest = f"kind: Secret\nmetadata:\n  name: s{number}\nstringData:\n  a: throwaway{number}\n"
            (many / f"{number}-secret.yaml").write_text(f"apiVersion: v1\n{manifest}", encoding="ascii")
        self._expect(f"many/{_MANY - 1}-secret.yaml   encrypted", ["fluxsecrets", "encrypt", "many"])
        self._expect("throwaway7", ["fluxsecrets", "decrypt", "many/7-secret.yaml"])
        self._expect("throwaway7", ["fluxsecrets-sops", "decrypt", "many/7-secret.yaml"])

    def _commit(self) -> None:
        """The hook lets encrypted files pass, and nothing else."""
        self._run("fluxsecrets", "hook", "install")
        self._git("add", "many", ".sops.yaml")
        self._git("commit", "--quiet", "--message", "encrypted")
        self._run("fluxsecrets", "scan", expected=1)
        self._git("add", ".")
        self._git("commit", "--quiet", "--message", "plain text", expected=1)

    def _git(self, *arguments: str, expected: int = 0) -> None:
        who = ("-c", "user.name=smoke", "-c", "user.email=smoke@waddle.example")
        self._run("git", *who, *arguments, expected=expected)

    def _run(self, *command: str, expected: int = 0) -> str:
        # By `env`, which looks on the PATH that users would have.
        words = ["/usr/bin/env", *command]
        return run(words, cwd=self._repository, environ=self._environ, expected=expected)

    def _expect(self, text: str, command: list[str], cwd: Path | None = None) -> None:
        words = ["/usr/bin/env", *command]
        shown = run(words, cwd=cwd or self._repository, environ=self._environ)
        if text not in shown:
            raise DistError(f"{' '.join(command)} does not show {text!r}\n{shown}")
