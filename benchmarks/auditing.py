"""An audit of a Flux repository with 2,000 manifests, values and all: 5 s and 300 MiB are the bounds."""

import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from pyrage import x25519

from .environments import make
from .measure import interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import git_variables

COUNT = 2000
SECONDS = 5.0
MEMORY = 300 * 2**20


def measure(surroundings: Surroundings) -> list[Row]:
    folder = surroundings.folder / "repository"
    folder.mkdir()
    count = make(folder, surroundings.size(COUNT, 40))
    identity = x25519.Identity.generate()
    key_file = surroundings.folder / "key.txt"
    key_file.touch(mode=0o600)
    key_file.write_text(f"# throw-away key of a benchmark\n{identity}\n", encoding="ascii")
    (folder / ".sops.yaml").write_text(
        f"creation_rules:\n  - encrypted_regex: ^(data|stringData)$\n    age: {identity.to_public()}\n",
        encoding="ascii",
    )
    (folder / "keys").mkdir()
    (folder / "keys" / "cluster-production.pub").write_text(f"{identity.to_public()}\n", encoding="ascii")
    environment = {**git_variables(surroundings.folder), "SOPS_AGE_KEY_FILE": str(key_file)}
    git(folder, environment, "init", "--quiet")
    run([surroundings.ours, "encrypt", "--quiet"], folder, environment)
    git(folder, environment, "add", "--all")
    git(folder, environment, "commit", "--quiet", "--message", "all")
    commands = {
        "audit": ["audit", "--fail-on", "never"],
        "verify": ["verify", "--env", "production"],
    }
    best = interleave(
        surroundings.rounds,
        {
            what: partial(run, [surroundings.ours, *words], folder, environment)
            for what, words in commands.items()
        },
    )
    encrypted = sum(b"sops:" in path.read_bytes() for path in folder.rglob("secret.yaml"))
    note = f"{count:,} manifests in two environments, {encrypted} of them encrypted"
    return [
        Row(f"{what} {count:,} manifests", cost, limit=SECONDS, most_memory=MEMORY, note=note)
        for what, cost in best.items()
    ]


def git(folder: Path, environment: Mapping[str, str], *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, env=environment, check=True)


BENCHMARK = Benchmark("audit", measure, "Audit of a Flux repository")
