"""A Git repository with many realistic Secrets, and one throw-away age key for all of them."""

import os
import random
import string
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pyrage import x25519

_SERVICES = ("billing", "search", "mail", "ingest", "gateway", "reports", "sessions", "catalogue")


@dataclass(frozen=True, slots=True)
class Repository:
    """Its folder, the files' plain content by their path in it, and the environment to work in."""

    folder: Path
    plain: dict[str, bytes]
    environment: dict[str, str]

    def restore(self) -> None:
        """Put every file back as it was before any encryption."""
        for path, content in self.plain.items():
            (self.folder / path).write_bytes(content)

    def read(self) -> dict[str, bytes]:
        return {path: (self.folder / path).read_bytes() for path in self.plain}


def make_repository(parent: Path, count: int) -> Repository:
    """Write and commit `count` Secrets; the same ones for the same count, but for the key."""
    folder = parent / f"repository-{count}"
    folder.mkdir()
    identity = x25519.Identity.generate()
    key_file = parent / f"key-{count}.txt"
    key_file.touch(mode=0o600)
    key_file.write_text(f"# throw-away key of a benchmark\n{identity}\n", encoding="ascii")
    (folder / ".sops.yaml").write_text(
        "creation_rules:\n"
        "  - path_regex: \\.yaml$\n"
        "    encrypted_regex: ^(data|stringData)$\n"
        f"    age: {identity.to_public()}\n",
        encoding="ascii",
    )
    rng = random.Random(count)
    plain = {}
    for number in range(count):
        path = f"apps/{_SERVICES[number % len(_SERVICES)]}-{number:04}/secret.yaml"
        plain[path] = _secret(rng, number).encode()
        (folder / path).parent.mkdir(parents=True)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("SOPS_", "GIT_", "PYTHON"))
    }
    environment.update(
        HOME=str(parent),
        XDG_CONFIG_HOME=str(parent / ".config"),
        GIT_CONFIG_GLOBAL=os.devnull,
        GIT_CONFIG_NOSYSTEM="1",
        SOPS_AGE_KEY_FILE=str(key_file),
        SOPS_DISABLE_VERSION_CHECK="1",
    )
    repository = Repository(folder, plain, environment)
    repository.restore()
    author = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@waddle.example"]
    for command in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*author, "commit", "--quiet", "--message", "plain"],
    ):
        subprocess.run(["git", *command], cwd=folder, env=environment, check=True)
    return repository


def _secret(rng: random.Random, number: int) -> str:
    name = f"{_SERVICES[number % len(_SERVICES)]}-{number:04}"
    lines = [
        "apiVersion: v1",
        "kind: Secret",
        "metadata:",
        f"  name: {name}",
        "  namespace: apps",
        "  labels:",
        f"    app.kubernetes.io/name: {name}",
        "type: Opaque",
        "stringData:",
        f"  username: {name}",
        f'  password: "{_token(rng, 32)}" # changed every quarter',
        "  # read by the migration job, too",
        f"  url: postgres://{name}@db.apps.svc:5432/{name}?sslmode=require",
    ]
    lines += [f"  token-{index}: '{_token(rng, 40)}'" for index in range(rng.randint(1, 5))]
    lines += ["  config.yaml: |", "    server:", "      port: 8443", f"      secret: {_token(rng, 24)}"]
    lines += [f"      line-{index}: {_token(rng, 48)}" for index in range(rng.randint(2, 12))]
    return "\n".join(lines) + "\n"


def _token(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(string.ascii_letters + string.digits, k=length))
