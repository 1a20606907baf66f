"""What the git hooks do: scan, and after a refusal say how to go on.

A commit waits for this module. What is needed to say something is imported where there is something to say.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from fluxsecrets import __version__
from fluxsecrets.ops.checks.scan import scan
from fluxsecrets.ops.checks.scanmodel import ScanRequest, Source
from fluxsecrets.records import replace
from fluxsecrets.repo.git import find_repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from fluxsecrets.ops.checks.scanmodel import ScanResult
    from fluxsecrets.ops.checks.stagedmacs import MacCheck
    from fluxsecrets.repo.git import Repository

_WHAT = {"pre-commit": "commit", "pre-merge-commit": "merge", "pre-push": "push"}
_BRINGS = {
    "pre-commit": "this commit brings",
    "pre-merge-commit": "this merge brings",
    "pre-push": "what is pushed brings",
}
_LISTS_ALL = {
    **dict.fromkeys(("pre-commit", "pre-merge-commit"), "`fluxsecrets scan --staged --all` lists them"),
    "pre-push": "`fluxsecrets scan --unpushed --all` lists them",
}
_LONGEST_LIST = 2**24
_ENCRYPTS = "`fluxsecrets encrypt "
_KEPT = (
    "  git keeps what was staged in its object database: once it is encrypted or unstaged, "
    "`git gc --prune=now` removes it"
)


def run_hook(hook: str, arguments: tuple[str, ...], *, verbose: bool = False) -> int:
    """Run a hook; its exit code stops git, or lets it go on."""
    if hook != "pre-push":
        # The pre-commit framework names files. They are as they are staged, since it puts all other changes
        # aside; with its `--all-files` they need not be staged at all. Settings, baseline and rules come from
        # the index all the same: it leaves untracked files where they are.
        source = Source.PATHS if arguments else Source.STAGED
        # The scan and what follows it look for the repository once.
        repository = None if arguments else find_repository(Path.cwd())
        request = ScanRequest(Path.cwd(), source, arguments, for_commit=True, repository=repository)
    else:
        commits = _pushed(arguments, os.environ)
        if not commits:
            return 0
        request = ScanRequest(Path.cwd(), Source.COMMITS, commits=commits)
    result, broken = scan(request), frozenset[str | None]()
    if hook != "pre-push" and (arguments or result.ciphertexts):
        result, broken = _with_broken(result, request, verbose=verbose)
    return 0 if result.silent else _tell(hook, result, broken)


def _with_broken(
    result: ScanResult, request: ScanRequest, *, verbose: bool
) -> tuple[ScanResult, frozenset[str | None]]:
    """The result with an error for each encrypted file that a merge or an edit broke, and their paths."""
    from fluxsecrets.ops.checks.stagedmacs import check_macs_of, check_staged_macs
    from fluxsecrets.ops.run.session import Session

    session = Session(dict(os.environ), Path.cwd())
    if request.paths:
        files = [text for text in request.paths if Path(text).is_file() and not Path(text).is_symlink()]
        found = check_macs_of(session, files)
    else:
        repository = request.repository
        if repository is None:
            return result, frozenset()
        found = check_staged_macs(session, repository, result.ciphertexts)
        _name_uncovered(repository, [path for path, _ in result.ciphertexts])
    if found.left or verbose:
        _count(found, verbose=verbose)
    known = {error.path for error in result.errors} | {found.location.path for found in result.findings}
    more = [error for error in found.errors if error.path not in known]
    result = result._replace(errors=(*result.errors, *more))
    return result, frozenset(error.path for error in found.errors)


def _name_uncovered(repository: Repository, paths: list[str]) -> None:
    """Name new files for which git does not use the drivers, where it uses them for others."""
    from fluxsecrets.errors import FluxsecretsError
    from fluxsecrets.ops.hooks.coverage import coverage, is_installed

    try:
        uncovered = coverage(repository, paths).uncovered if is_installed(repository) else ()
    except FluxsecretsError:  # `hook status` reports the error; no commit is refused for it
        return
    if uncovered:
        from fluxsecrets.cli.output import Output

        more = f" and {len(uncovered) - 1} more" if len(uncovered) > 1 else ""
        out = Output()
        out.note(f"note: no pattern in .gitattributes covers {uncovered[0]}{more}")
        out.note("  hint: run `fluxsecrets hook install drivers`, and commit .gitattributes")


def _count(found: MacCheck, *, verbose: bool) -> None:
    """Say how many MACs were checked, and how many were not."""
    from fluxsecrets.cli.output import Output

    out = Output()
    if found.left:
        out.note(
            f"MACs that were not checked, since there are too many: {found.left}; `fluxsecrets audit` does it"
        )
    if verbose:
        rest = f", {found.unchecked} not: no identity at hand opens them" if found.unchecked else ""
        out.note(f"MACs of encrypted files: {found.checked} checked{rest}")


def _tell(hook: str, result: ScanResult, broken: frozenset[str | None]) -> int:
    from fluxsecrets.cli.output import Output
    from fluxsecrets.report.findings import FORMATS
    from fluxsecrets.report.scan import found_by_scan

    out = Output()
    brought_by = _BRINGS[hook]
    found = found_by_scan(result, __version__, brought_by)
    out.show(FORMATS["text"](replace(found, lists_all=_LISTS_ALL[hook])))
    if not result.clean:
        for line in _refusal(hook, result, broken):
            out.note(line)
    return result.exit_code


def _pushed(arguments: tuple[str, ...], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The commits that a push brings to the remote, as arguments for `git rev-list`."""
    from fluxsecrets.errors import UsageError
    from fluxsecrets.scan.sources.commits import framework_arguments, pushed_arguments

    if environ.get("PRE_COMMIT") == "1" and not arguments:
        return framework_arguments(environ)
    lines = sys.stdin.buffer.read(_LONGEST_LIST + 1)
    if len(lines) > _LONGEST_LIST:
        raise UsageError("git's list of what is pushed is too long", hint="push fewer branches at once")
    return pushed_arguments(os.fsdecode(lines), arguments[0] if arguments else "")


def _refusal(hook: str, result: ScanResult, broken: frozenset[str | None]) -> list[str]:
    """What to do about it, after the findings."""
    what = _WHAT[hook]
    if not result.findings:
        if broken.issuperset(error.path for error in result.errors):
            return [f"the {what} was refused"]
        return [f"the {what} was refused: what could not be read may hold a secret"]
    lines = [f"the {what} was refused"]
    if hook == "pre-push":
        lines += [
            "  what a commit holds is pushed, also where a later one encrypts or removes it: rewrite the "
            "commit, such as with `git commit --amend` or `git rebase --interactive`"
        ]
    elif any(_ENCRYPTS in finding.hint for finding in result.findings):
        lines += ["  `fluxsecrets encrypt --staged` encrypts Secrets as they are staged; then commit again"]
    rule = result.findings[0].rule
    lines += [
        f"  no secret? say so with `fluxsecrets:allow {rule} — why` in a comment above it, "
        "or under `allow` in .fluxsecrets.yaml"
    ]
    if hook != "pre-push":
        lines.append(_KEPT)
    return lines
