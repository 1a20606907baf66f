"""Encrypt, decrypt and rotate many files: one process of ours, one process a file of sops."""

from collections.abc import Callable
from functools import partial

from .measure import Cost, interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import Repository, make_repository

_SAMPLE = 100
"""Files that sops's loop is measured with; the others take as long each."""

_COUNTS = {200: 12.0, 2_000: 20.0}
"""Files, and how many times as fast as a loop over sops is wanted."""


def measure(surroundings: Surroundings) -> list[Row]:
    counts = {4: 1.0} if surroundings.tiny else _COUNTS
    return [
        row
        for count, wanted in counts.items()
        for row in _files(make_repository(surroundings.folder, count), surroundings, wanted)
    ]


BENCHMARK = Benchmark("files", measure, "Batches")


def _files(repository: Repository, surroundings: Surroundings, wanted: float) -> list[Row]:
    ours, sops = surroundings.ours, surroundings.peers.get("sops")
    paths = list(repository.plain)
    sample = paths[:_SAMPLE]
    encrypted: dict[str, bytes] = {}

    def work(command: list[str], check: Callable[[], None]) -> Cost:
        cost = run(command, repository.folder, repository.environment)
        check()
        return cost

    def is_encrypted(subset: list[str]) -> None:
        now = repository.read()
        if not all(b"\nsops:\n" in now[path] for path in subset):
            raise RuntimeError("a file was left in plain text")
        encrypted.update({path: now[path] for path in subset})

    def is_plain(subset: list[str]) -> None:
        now = repository.read()
        if any(b"\nsops:\n" in now[path] for path in subset):
            raise RuntimeError("decrypt left a file encrypted")
        if subset is paths and now != repository.plain:
            raise RuntimeError("fluxsecrets did not give the files back byte for byte")

    def is_rotated(subset: list[str]) -> None:
        now = repository.read()
        if any(now[path] == encrypted[path] or b"\nsops:\n" not in now[path] for path in subset):
            raise RuntimeError("rotate left a file as it was")

    def put_back() -> None:
        for path, content in encrypted.items():
            (repository.folder / path).write_bytes(content)

    def encrypt(command: list[str], subset: list[str]) -> Cost:
        repository.restore()
        return work(command, partial(is_encrypted, subset))

    def decrypt(command: list[str], subset: list[str]) -> Cost:
        put_back()
        return work(command, partial(is_plain, subset))

    def rotate(command: list[str], subset: list[str]) -> Cost:
        put_back()
        return work(command, partial(is_rotated, subset))

    def loop(*flags: str) -> list[str]:
        # What people do without us: a shell loop.
        script = f'for file; do "$SOPS" {" ".join(flags)} "$file" || exit; done'
        return ["sh", "-c", script, "sh", *sample]

    tasks = {
        "encrypt": lambda: encrypt([ours, "encrypt"], paths),
        "decrypt": lambda: decrypt([ours, "decrypt", "-i", *paths], paths),
        "rotate": lambda: rotate([ours, "rotate", "--all"], paths),
    }
    names = list(tasks)
    if sops is not None:
        repository.environment["SOPS"] = sops
        tasks["sops encrypt"] = lambda: encrypt(loop("-e", "-i"), sample)
        tasks["sops decrypt"] = lambda: decrypt(loop("-d", "-i"), sample)
        tasks["sops rotate"] = lambda: rotate(loop("rotate", "-i"), sample)
    best = interleave(surroundings.rounds, tasks)
    scale = len(paths) / len(sample)
    return [
        Row(
            f"{name} {len(paths):,} files",
            best[name],
            best[f"sops {name}"].times(scale) if sops is not None else None,
            "sops, one by one",
            wanted,
            note=f"sops: {len(sample)} files, scaled up" if sops is not None else "",
        )
        for name in names
    ]
