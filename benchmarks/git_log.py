"""`git log -p` over 100 commits of encrypted files: masked, beside git alone and beside `sops decrypt`."""

import shutil
import subprocess
import sys
from functools import partial

from .measure import Cost, interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import Repository, make_repository

_COMMITS = 100
_FILES = 20
_ROUNDS = 2
_START = "from fluxsecrets.cli.textconvrun import main; main()"


def measure(surroundings: Surroundings) -> list[Row]:
    commits = surroundings.size(_COMMITS, 2)
    repository = _with_history(surroundings, commits)
    textconvs = {
        "git alone": None,
        "masked": f"'{sys.executable}' -I -c '{_START}' textconv",
        "long": f"'{surroundings.ours}' decrypt",
    }
    if "sops" in surroundings.peers:
        textconvs["sops decrypt"] = f"'{surroundings.peers['sops']}' decrypt"
    tasks = {name: partial(_log, repository, commits, command) for name, command in textconvs.items()}
    masked = textconvs["masked"]
    tasks["into git's cache"] = partial(_log, repository, commits, masked, cache="new")
    tasks["from git's cache"] = partial(_log, repository, commits, masked, cache="warm")
    costs = interleave(min(surroundings.rounds, _ROUNDS), tasks)
    note = (
        f"{commits} commits that change one value each in {len(repository.plain)} files; "
        "git starts a process per version of a file"
    )
    alone = costs["git alone"]
    rows = [
        Row("git log -p, masked", costs["masked"], alone, "git alone", note=note),
        Row("git log -p, masked, git's cache is filled", costs["into git's cache"], alone, "git alone"),
        Row("git log -p, masked, from git's cache", costs["from git's cache"], alone, "git alone", at_most=5),
        Row("git log -p, masked", costs["masked"], costs["long"], "with decrypt as the textconv"),
    ]
    if "sops decrypt" in costs:
        peer = costs["sops decrypt"]
        rows.append(Row("git log -p, masked", costs["masked"], peer, "with sops decrypt", wanted=1))
    return rows


def _with_history(surroundings: Surroundings, commits: int) -> Repository:
    repository = make_repository(surroundings.folder, surroundings.size(_FILES, 2))
    run([surroundings.ours, "encrypt"], repository.folder, repository.environment)
    attributes = repository.folder / ".gitattributes"
    attributes.write_text("secret.yaml diff=fluxsecrets\n", encoding="ascii")
    for name in ("name", "email"):  # git commits what it puts into its cache
        git(repository, "config", f"user.{name}", "bench@example.test")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "encrypted")
    paths = [*repository.plain]
    for number in range(commits):
        path = paths[number % len(paths)]
        run(
            [surroundings.ours, "set", "--quiet", path, "stringData.changed", f"value {number}"],
            repository.folder,
            repository.environment,
        )
        git(repository, "commit", "--quiet", "--all", "--message", f"change {number}")
    return repository


def _log(repository: Repository, commits: int, textconv: str | None, cache: str = "") -> Cost:
    options = ["-c", f"diff.fluxsecrets.textconv={textconv}"] if textconv else []
    if cache:
        options += ["-c", "diff.fluxsecrets.cachetextconv=true"]
    if cache == "new":
        shutil.rmtree(repository.folder / ".git" / "refs" / "notes", ignore_errors=True)
    selected = ["log", "-p", f"--max-count={commits}", "--", "*secret.yaml"]
    return run(["git", *options, *selected], repository.folder, repository.environment)


def git(repository: Repository, *arguments: str) -> None:
    """Run git in the repository."""
    subprocess.run(["git", *arguments], cwd=repository.folder, env=repository.environment, check=True)


BENCHMARK = Benchmark("git-log", measure, "git log, masked")
