"""One large file: memory for its size, and time that grows as it does.

Both are without what the same command takes for a file with one value: the start, and its modules.
"""

from functools import partial

from .measure import Cost, interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import Repository, make_repository, rule_for

_MEMORY = 8
"""Times the encrypted file."""

_GROWTH = 1.25
"""Times as long per MiB. Caches of the processor hold less of a larger file."""

_LINEAR_ROUNDS = 2


def measure(surroundings: Surroundings) -> list[Row]:
    repository = make_repository(surroundings.folder, 2)
    rule_for(repository, r"\.(json|bin)$")
    return [*_memory(surroundings, repository), *_time(surroundings, repository)]


BENCHMARK = Benchmark("large", measure, "One large file")


def _memory(surroundings: Surroundings, repository: Repository) -> list[Row]:
    size = surroundings.size(1, 100)
    files = {
        "4 MB as one value": ("large.bin", "throwaway " * (400_000 // size), None),
        "40 values of 100 kB": ("large.json", _json(40, 10_000 // size), None),
        "20,000 values of 100 bytes": ("small.json", _json(20_000 // size, 10), _MEMORY),
    }
    return [
        row
        for what, (name, text, times) in list(files.items())[-surroundings.size(len(files), 1) :]
        for row in _memory_rows(repository, surroundings, what, name, text, times)
    ]


def _memory_rows(
    repository: Repository, surroundings: Surroundings, what: str, name: str, text: str, times: float | None
) -> list[Row]:
    idle = _worked(repository, surroundings, f"idle-{name}", _json(1, 1))
    costs = _worked(repository, surroundings, name, text)
    size = (repository.folder / name).stat().st_size
    rows = []
    for action, cost in costs.items():
        start = idle[action].memory
        factor = (cost.memory - start) / size
        bound = f", where {times} are the bound" if times is not None else ""
        note = (
            f"{factor:.1f} times the encrypted file of {size / 2**20:.1f} MiB{bound}, above the "
            f"{start / 2**20:.0f} MiB of `{action}` of a small file"
        )
        most = None if times is None or surroundings.tiny else start + times * size
        rows.append(Row(f"{action} {what}", cost, most_memory=most, note=note))
    return rows


def _worked(repository: Repository, surroundings: Surroundings, name: str, text: str) -> dict[str, Cost]:
    """Encrypt, decrypt and rotate a file, and set a value of JSON."""
    work = partial(run, cwd=repository.folder, environment=repository.environment)
    (repository.folder / name).write_text(text, encoding="ascii")
    costs = {
        "encrypt": work([surroundings.ours, "encrypt", name]),
        "decrypt": work([surroundings.ours, "decrypt", name], prints=lambda out: out.decode() == text),
        "rotate": work([surroundings.ours, "rotate", name]),
    }
    if name.endswith(".json"):
        costs["set"] = work([surroundings.ours, "set", name, "key-0", "throwaway"])
    return costs


def _time(surroundings: Surroundings, repository: Repository) -> list[Row]:
    """The largest file that is read, beside one of a sixteenth, sixteen times."""
    factor = 15.5
    count = surroundings.size(4_000, 4)
    work = partial(run, cwd=repository.folder, environment=repository.environment)
    sizes = {"idle": 1, "small": count, "large": round(count * factor)}
    texts = {name: _json(number, 10) for name, number in sizes.items()}

    def prepare(name: str) -> int:
        path = repository.folder / f"{name}.json"
        path.write_text(texts[name], encoding="ascii")
        work([surroundings.ours, "encrypt", path.name])
        return path.stat().st_size

    lengths = {name: prepare(name) for name in sizes}

    def encrypt(name: str) -> Cost:
        (repository.folder / f"{name}.json").write_text(texts[name], encoding="ascii")
        return work([surroundings.ours, "encrypt", f"{name}.json"])

    def decrypt(name: str) -> Cost:
        # The text has been compared above; here the time counts.
        return work([surroundings.ours, "decrypt", f"{name}.json"])

    tasks = {}
    for name in sizes:
        tasks[f"encrypt {name}"] = partial(encrypt, name)
        tasks[f"decrypt {name}"] = partial(decrypt, name)
    best = interleave(min(surroundings.rounds, _LINEAR_ROUNDS), tasks)
    ratio = lengths["large"] / lengths["small"]
    rows = []
    for action in ("encrypt", "decrypt"):
        idle = best[f"{action} idle"]
        large, small = (best[f"{action} {name}"].less(idle) for name in ("large", "small"))
        note = "without what the same command takes for a small file"
        rows.append(
            Row(
                f"{action} {lengths['large'] / 2**20:.1f} MiB",
                large,
                small.times(ratio),
                f"{ratio:.1f} times {lengths['small'] / 2**20:.1f} MiB",
                at_most=_GROWTH,
                note=note,
            )
        )
    return rows


def _json(count: int, repeat: int) -> str:
    values = [f'  "key-{number}": "{"throwaway " * repeat}"' for number in range(count)]
    return "{\n" + ",\n".join(values) + "\n}\n"
