"""The scanner: the hook on a small commit in a large repository, a tree, and a history."""

import subprocess

from .measure import interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import Repository, make_repository

_STAGED = 10


def measure(surroundings: Surroundings) -> list[Row]:
    return [*_hook(surroundings), *_tree(surroundings), *_history(surroundings)]


BENCHMARK = Benchmark("scan", measure)


def _hook(surroundings: Surroundings) -> list[Row]:
    repository = _encrypted(surroundings, 2_000)
    run([surroundings.ours, "hook", "install"], repository.folder, repository.environment)
    for path in list(repository.plain)[:_STAGED]:
        manifest = repository.folder / path
        manifest.with_name("settings.yaml").write_text(_CONFIG, encoding="ascii")
    _git(repository, "add", "--all")
    hook = repository.folder / ".git" / "hooks" / "pre-commit"
    best = interleave(
        3 * surroundings.rounds,
        {"hook": lambda: run([hook], repository.folder, repository.environment)},
    )
    what = f"pre-commit hook, {_STAGED} of 2,010 files staged"
    return [Row(what, best["hook"], limit=0.12, note="the whole hook, shell and all")]


def _tree(surroundings: Surroundings) -> list[Row]:
    repository = _encrypted(surroundings, 700)
    gitleaks = surroundings.peers.get("gitleaks")
    tasks = {"ours": lambda: run([surroundings.ours, "scan"], repository.folder, repository.environment)}
    if gitleaks is not None:
        command = [gitleaks, "dir", "--no-banner", "--exit-code", "0", "."]
        tasks["theirs"] = lambda: run(command, repository.folder, repository.environment)
    best = interleave(surroundings.rounds, tasks)
    return [Row("scan a tree of 700 files", best["ours"], best.get("theirs"), "gitleaks dir", 3)]


def _history(surroundings: Surroundings) -> list[Row]:
    repository = _encrypted(surroundings, 300)
    for number in range(20):
        for path in list(repository.plain)[number::20]:
            manifest = repository.folder / path
            manifest.with_name("settings.yaml").write_text(f"{_CONFIG}# {number}\n", encoding="ascii")
        _commit(repository, f"settings {number}")
        run([surroundings.ours, "rotate", "--all"], repository.folder, repository.environment)
        _commit(repository, f"rotated {number}")
    gitleaks = surroundings.peers.get("gitleaks")
    ours = [surroundings.ours, "scan", "--range", "HEAD~40..HEAD"]
    tasks = {"ours": lambda: run(ours, repository.folder, repository.environment)}
    if gitleaks is not None:
        command = [gitleaks, "git", "--no-banner", "--exit-code", "0", "--log-opts=HEAD~40..HEAD", "."]
        tasks["theirs"] = lambda: run(command, repository.folder, repository.environment)
    best = interleave(surroundings.rounds, tasks)
    return [Row("scan 40 commits of 300 files", best["ours"], best.get("theirs"), "gitleaks git", 10)]


_CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  LOG_LEVEL: info\n"


def _encrypted(surroundings: Surroundings, count: int) -> Repository:
    """A repository as it should be: everything encrypted and committed."""
    repository = make_repository(surroundings.folder, count)
    run([surroundings.ours, "encrypt"], repository.folder, repository.environment)
    _commit(repository, "encrypted")
    return repository


def _commit(repository: Repository, message: str) -> None:
    _git(repository, "add", "--all")
    author = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@waddle.example"]
    _git(repository, *author, "commit", "--quiet", "--no-verify", "--message", message)


def _git(repository: Repository, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=repository.folder, env=repository.environment, check=True)
