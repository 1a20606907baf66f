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


def make_repository(parent: Path, count: int, name: str = "") -> Repository:
    """Write and commit `count` Secrets; the same ones for the same count, but for the key."""
    folder = parent / (name or f"repository-{count}")
    folder.mkdir()
    identity = x25519.Identity.generate()
    key_file = parent / f"key-{folder.name}.txt"
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
    environment = {**git_variables(parent), "SOPS_AGE_KEY_FILE": str(key_file)}
    repository = Repository(folder, plain, environment)
    repository.restore()
    subprocess.run(["git", "init", "--quiet"], cwd=folder, env=environment, check=True)
    committed(repository, "plain")
    return repository


def git_variables(home: Path) -> dict[str, str]:
    """The variables without those that change what git, sops or Python do, and with an empty home folder.

    The caches stay where they are: all benchmarks share the compiled patterns.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_LEAKING)}
    author = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "benchmark"), ("EMAIL", "benchmark@waddle.example"))
    }
    return {
        **kept,
        **author,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(home / ".cache")),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "SOPS_DISABLE_VERSION_CHECK": "1",
    }


_LEAKING = ("SOPS_", "GIT_", "PYTHON", "FLUXSECRETS_", "XDG_")


def committed(repository: Repository, message: str) -> None:
    """Commit everything, whatever hooks say."""
    for words in (["add", "--all"], ["commit", "--quiet", "--no-verify", "--message", message]):
        subprocess.run(["git", *words], cwd=repository.folder, env=repository.environment, check=True)


def rule_for(repository: Repository, path_regex: str) -> None:
    """Add a rule that encrypts all values of some files for the same key."""
    rules = repository.folder / ".sops.yaml"
    text = rules.read_text(encoding="ascii")
    recipient = text.rsplit("age: ", 1)[1].strip()
    added = f"  - path_regex: {path_regex}\n    age: {recipient}\n"
    rules.write_text(text + added, encoding="ascii")


CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  LOG_LEVEL: info\n"
"""A manifest without secrets."""


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
