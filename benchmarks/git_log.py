"""`git log -p` over 200 commits of encrypted files: masked, beside git alone and beside `sops decrypt`."""

import shutil
import subprocess
import sys
from functools import partial

from .measure import Cost, interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import Repository, make_repository

_COMMITS = 200
_FILES = 20
_START = "from fluxsecrets.cli.textconvrun import main; main()"


def measure(surroundings: Surroundings) -> list[Row]:
    repository = _with_history(surroundings)
    textconvs = {
        "git alone": None,
        "masked": f"'{sys.executable}' -I -c '{_START}' textconv",
        "long": f"'{surroundings.ours}' decrypt",
    }
    if "sops" in surroundings.peers:
        textconvs["sops decrypt"] = f"'{surroundings.peers['sops']}' decrypt"
    tasks = {name: partial(_log, repository, command) for name, command in textconvs.items()}
    masked = textconvs["masked"]
    tasks["into git's cache"] = partial(_log, repository, masked, cache="new")
    tasks["from git's cache"] = partial(_log, repository, masked, cache="warm")
    costs = interleave(surroundings.rounds, tasks)
    note = (
        f"{_COMMITS} commits that change one value each in {_FILES} files; git starts a process per version "
        "of a file"
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


def _with_history(surroundings: Surroundings) -> Repository:
    repository = make_repository(surroundings.folder, _FILES)
    run([surroundings.ours, "encrypt"], repository.folder, repository.environment)
    attributes = repository.folder / ".gitattributes"
    attributes.write_text("secret.yaml diff=fluxsecrets\n", encoding="ascii")
    for name in ("name", "email"):  # git commits what it puts into its cache
        git(repository, "config", f"user.{name}", "bench@example.test")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "encrypted")
    paths = [*repository.plain]
    for number in range(_COMMITS):
        path = paths[number % len(paths)]
        run(
            [surroundings.ours, "set", "--quiet", path, "stringData.changed", f"value {number}"],
            repository.folder,
            repository.environment,
        )
        git(repository, "commit", "--quiet", "--all", "--message", f"change {number}")
    return repository


def _log(repository: Repository, textconv: str | None, cache: str = "") -> Cost:
    options = ["-c", f"diff.fluxsecrets.textconv={textconv}"] if textconv else []
    if cache:
        options += ["-c", "diff.fluxsecrets.cachetextconv=true"]
    if cache == "new":
        shutil.rmtree(repository.folder / ".git" / "refs" / "notes", ignore_errors=True)
    selected = ["log", "-p", f"--max-count={_COMMITS}", "--", "*secret.yaml"]
    return run(["git", *options, *selected], repository.folder, repository.environment)


def git(repository: Repository, *arguments: str) -> None:
    """Run git in the repository."""
    subprocess.run(["git", *arguments], cwd=repository.folder, env=repository.environment, check=True)


BENCHMARK = Benchmark("git-log", measure)
