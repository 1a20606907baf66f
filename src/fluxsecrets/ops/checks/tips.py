"""Commits that are looked through, parted by what they are judged by: the state of their tip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fluxsecrets.errors import GitError
from fluxsecrets.ops.policy.trust import Trust, read_trust
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.history import Change, tree_files
from fluxsecrets.scan.sources.commits import HISTORY, without_unknown

_STATES = 50
"""States before that are asked for their allowances; more, and too much is called new, which is said only."""


class Part(NamedTuple):
    """Commits with one state that they are judged by.

    Attributes:
        arguments: for `git rev-list`; empty if there are no commits.
        loose: what is pushed without a commit: what a tag of a file, or of a folder, stands for.
        tip: the commit whose creation rules count, or "" for those of the work tree.
        tips: the commits that were asked for; none of the whole history, whose tips are the branches'.
    """

    arguments: tuple[str, ...]
    trust: Trust = Trust()
    loose: tuple[Change, ...] = ()
    tip: str = ""
    tips: tuple[str, ...] = ()

    @property
    def is_history(self) -> bool:
        """All of it, of which nothing is more recent than the rest."""
        return bool(self.arguments) and all(
            text in HISTORY or text.startswith("refs/") for text in self.arguments
        )


def part(repository: Repository, arguments: Sequence[str]) -> tuple[Part, ...]:
    """What arguments of `git rev-list` mean, by the tips' states.

    Tips that go by the same are looked through together. The whole history is judged by what HEAD says.

    Raises:
        GitError: a revision is unknown.
    """
    if tuple(arguments) == HISTORY:
        head = "HEAD" if repository.has_head() else ""
        trust = read_trust(repository, ["HEAD"])[0]
        return (Part(HISTORY, trust, tip=head, loose=tuple(_tagged(repository))),)
    arguments = without_unknown(repository, arguments)
    tips, excluded = _revisions(repository, arguments)
    kinds = {name: kind for name, kind, _ in repository.read_objects(_peeled(tips), limit=0)}
    loose = {
        tip: kinds[name] for tip, name in zip(tips, _peeled(tips), strict=True) if kinds[name] != "commit"
    }
    groups: dict[Trust, list[str]] = {}
    for tip, trust in zip(tips, read_trust(repository, tips), strict=True):
        groups.setdefault(trust, []).append(tip)
    if len(groups) < 2 and not loose:
        return tuple(
            Part(tuple(arguments), trust, tip=group[0], tips=tuple(tips)) for trust, group in groups.items()
        )
    parts = []
    for trust, group in groups.items():
        commits = [tip for tip in group if tip not in loose]
        changes = [each for tip in group if tip in loose for each in _loose(repository, tip, loose[tip])]
        before = (*commits, *excluded) if commits else ()
        tip = next(iter(commits), "")
        parts.append(Part(before, trust, tuple(changes), tip, tuple(commits)))
    return tuple(parts)


def states_before(repository: Repository, arguments: Sequence[str]) -> tuple[str, ...]:
    """The commits that commits follow on, and that are none of them; none if history is damaged."""
    if not arguments:
        return ()
    try:
        listing = repository.run("rev-list", "--boundary", *arguments, "--").decode().split()
    except GitError:
        return ()  # no state before excuses anything; that commits can't be read is said elsewhere
    return tuple(line[1:] for line in listing if line.startswith("-"))[:_STATES]


def _revisions(repository: Repository, arguments: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """The ids of the tips, and the arguments that leave out what is before them."""
    listing = repository.run("rev-parse", *arguments, "--").decode().split("\n")
    found = [line for line in listing if line and line != "--"]
    tips = list(dict.fromkeys(line for line in found if not line.startswith("^")))
    if "--not" in arguments:
        return tips, tuple(arguments[list(arguments).index("--not") :])
    return tips, ("--not", *(line[1:] for line in found if line.startswith("^")))


def _tagged(repository: Repository) -> Iterator[Change]:
    """What references of all kinds stand for that are not commits: `git tag` takes a file or folder, too."""
    lines = [line.split() for line in repository.run("for-each-ref").decode("utf-8", "replace").splitlines()]
    tips = list(dict.fromkeys(words[0] for words in lines if words[1] != "commit"))
    for tip, (_, kind, _) in zip(tips, repository.read_objects(_peeled(tips), limit=0), strict=True):
        if kind != "commit":
            yield from _loose(repository, tip, kind)


def _peeled(tips: Sequence[str]) -> list[str]:
    return [f"{tip}^{{}}" for tip in tips]


def _loose(repository: Repository, tip: str, kind: str) -> Iterator[Change]:
    if kind == "tree":
        for path, blob in tree_files(repository, tip):
            yield Change(tip, path, blob)
    else:  # a file without a name, or what is missing, which reading it says
        blob = repository.run("rev-parse", "--verify", "--quiet", f"{tip}^{{}}").decode().strip()
        yield Change(tip, f"object-{tip[:12]}", blob)
