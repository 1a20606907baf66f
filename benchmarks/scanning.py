"""Trees and short histories: a scan beside gitleaks."""

import sys
from functools import partial
from pathlib import Path

from .measure import interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import CONFIG, Repository, committed, git_variables, make_repository

sys.path.append(str(Path(__file__).parents[1] / "tests"))

import scan_corpus

_TREE, _HISTORY, _COMMITS = 700, 300, 20
_TREE_BOUND, _HISTORY_BOUND = 3, 5


def measure(surroundings: Surroundings) -> list[Row]:
    return [*_encrypted_tree(surroundings), *_mixed_tree(surroundings), *_history(surroundings)]


BENCHMARK = Benchmark("scan", measure, "Scanning")


def _encrypted_tree(surroundings: Surroundings) -> list[Row]:
    repository = _encrypted(surroundings, surroundings.size(_TREE, 10))
    return _tree(surroundings, repository.folder, repository.environment, "encrypted Secrets")


def _mixed_tree(surroundings: Surroundings) -> list[Row]:
    """All kinds of files of which none is a leak: neither scanner prints anything."""
    folder = surroundings.folder / "mixed"
    write_harmless(folder, surroundings.size(_TREE, 10))
    environment = git_variables(surroundings.folder)
    for words in (["init", "--quiet"], ["add", "--all"]):
        run(["git", *words], folder, environment)
    return _tree(surroundings, folder, environment, "files of all kinds")


def _tree(surroundings: Surroundings, folder: Path, environment: dict[str, str], kind: str) -> list[Row]:
    gitleaks = surroundings.peers.get("gitleaks")
    tasks = {"ours": partial(run, [surroundings.ours, "scan"], folder, environment)}
    if gitleaks is not None:
        command = [gitleaks, "dir", "--no-banner", "--exit-code", "0", "."]
        tasks["theirs"] = partial(run, command, folder, environment)
    best = interleave(surroundings.rounds, tasks)
    what = f"scan a tree of {surroundings.size(_TREE, 10)} {kind}"
    return [Row(what, best["ours"], best.get("theirs"), "gitleaks dir", _TREE_BOUND)]


def _history(surroundings: Surroundings) -> list[Row]:
    repository = _encrypted(surroundings, surroundings.size(_HISTORY, 8))
    rounds = surroundings.size(_COMMITS, 2)
    for number in range(rounds):
        for path in list(repository.plain)[number::rounds]:
            manifest = repository.folder / path
            manifest.with_name("settings.yaml").write_text(f"{CONFIG}# {number}\n", encoding="ascii")
        committed(repository, f"settings {number}")
        run([surroundings.ours, "rotate", "--all"], repository.folder, repository.environment)
        committed(repository, f"rotated {number}")
    commits = f"HEAD~{2 * rounds}..HEAD"
    gitleaks = surroundings.peers.get("gitleaks")
    ours = [surroundings.ours, "scan", "--range", commits]
    tasks = {"ours": partial(run, ours, repository.folder, repository.environment)}
    if gitleaks is not None:
        command = [gitleaks, "git", "--no-banner", "--exit-code", "0", f"--log-opts={commits}", "."]
        tasks["theirs"] = partial(run, command, repository.folder, repository.environment)
    best = interleave(surroundings.rounds, tasks)
    what = f"scan {2 * rounds} commits of {len(repository.plain)} files"
    return [Row(what, best["ours"], best.get("theirs"), "gitleaks git", _HISTORY_BOUND)]


def _encrypted(surroundings: Surroundings, count: int) -> Repository:
    """A repository as it should be: everything encrypted and committed."""
    repository = make_repository(surroundings.folder, count)
    run([surroundings.ours, "encrypt"], repository.folder, repository.environment)
    committed(repository, "encrypted")
    return repository


_NOISY = (scan_corpus.made_up_tokens, scan_corpus.references, scan_corpus.documentation)
"""Harmless, but gitleaks has something to say of them."""


def write_harmless(folder: Path, count: int) -> None:
    """Write so many files that are harmless to both scanners."""
    chance = scan_corpus.Chance(count)
    makers = [maker for maker in scan_corpus.HARMLESS if maker not in _NOISY]
    files: dict[str, bytes] = {}
    number = 0
    while len(files) < count:
        made = makers[number % len(makers)](chance, number)
        files.update({file.path: file.data for file in (made if isinstance(made, list) else [made])})
        number += 1
    for path, data in list(files.items())[:count]:
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
