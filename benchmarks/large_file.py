"""Memory for one large file, beside what an idle process takes: at most eight times the file is wanted."""

from .measure import run
from .model import Benchmark, Row, Surroundings
from .repository import Repository, make_repository

_MANIFESTS_ONLY = "path_regex: \\.yaml$\n    encrypted_regex: ^(data|stringData)$\n    "


def measure(surroundings: Surroundings) -> list[Row]:
    repository = make_repository(surroundings.folder, 2)
    rules = repository.folder / ".sops.yaml"
    rules.write_text(rules.read_text(encoding="ascii").replace(_MANIFESTS_ONLY, ""), encoding="ascii")
    files = {
        "4 MB as one value": ("large.bin", "throwaway " * 400_000),
        "40 values of 100 kB": ("large.json", _json(40, 10_000)),
        "20,000 values of 100 bytes": ("small.json", _json(20_000, 10)),
    }
    return [
        row
        for what, (name, text) in files.items()
        for row in _rows(repository, surroundings, what, name, text)
    ]


BENCHMARK = Benchmark("large", measure)


def _rows(repository: Repository, surroundings: Surroundings, what: str, name: str, text: str) -> list[Row]:
    idle = run([surroundings.ours, "--version"], repository.folder, repository.environment).memory
    path = repository.folder / name
    path.write_text(text, encoding="ascii")
    encrypted = run([surroundings.ours, "encrypt", name], repository.folder, repository.environment)
    size = path.stat().st_size
    decrypted = run([surroundings.ours, "decrypt", "-i", name], repository.folder, repository.environment)
    return [
        Row(
            f"{action} {what}",
            cost,
            note=f"{(cost.memory - idle) / size:.1f} times the encrypted file, {size / 2**20:.1f} MiB",
        )
        for action, cost in (("encrypt", encrypted), ("decrypt", decrypted))
    ]


def _json(count: int, repeat: int) -> str:
    values = [f'  "key-{number}": "{"throwaway " * repeat}"' for number in range(count)]
    return "{\n" + ",\n".join(values) + "\n}\n"
