"""What the git hooks do: scan, and after a refusal say how to go on.

A commit waits for this module. What is needed to say something is imported where there is something to say.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.git import find_repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fluxsecrets.ops.checks.scanmodel import ScanRequest, ScanResult
    from fluxsecrets.ops.checks.stagedmacs import MacCheck
    from fluxsecrets.ops.hooks.coverage import Coverage
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
    if hook == "pre-push":
        commits = _pushed(arguments, os.environ)
        if not commits:
            return 0
        result, broken = _scan_commits(commits), frozenset[str | None]()
    elif arguments:
        result, broken = _scan_named(arguments, verbose=verbose)
    else:
        result, broken = _scan_staged(verbose=verbose)
    return 0 if result.silent else _tell(hook, result, broken)


def _scan_commits(commits: tuple[str, ...]) -> ScanResult:
    from fluxsecrets.ops.checks.scan import scan
    from fluxsecrets.ops.checks.scanmodel import ScanRequest, Source

    return scan(ScanRequest(Path.cwd(), Source.COMMITS, commits=commits))


def _scan_named(paths: tuple[str, ...], *, verbose: bool) -> tuple[ScanResult, frozenset[str | None]]:
    """Scan the files that the pre-commit framework names.

    They are as they are staged, since it puts all other changes aside; with its `--all-files` they need not
    be staged at all. Settings, baseline and rules come from the index all the same: it leaves untracked files
    where they are.
    """
    from fluxsecrets.ops.checks.scan import scan
    from fluxsecrets.ops.checks.scanmodel import ScanRequest, Source

    request = ScanRequest(Path.cwd(), Source.PATHS, paths, for_commit=True)
    return _with_broken(scan(request), request, verbose=verbose)


def _scan_staged(*, verbose: bool) -> tuple[ScanResult, frozenset[str | None]]:
    # What follows the scan needs the repository, too. git reads while the scan is imported.
    repository = find_repository(Path.cwd())
    with ExitStack() as stack:
        reading = None
        if repository is not None:
            from fluxsecrets.scan.sources.staged import begun

            reading = stack.enter_context(begun(repository))
        from fluxsecrets.ops.checks.scan import scan
        from fluxsecrets.ops.checks.scanmodel import ScanRequest, Source

        request = ScanRequest(
            Path.cwd(), Source.STAGED, for_commit=True, repository=repository, begun=reading
        )
        result = scan(request)
    if not result.ciphertexts:
        return result, frozenset()
    return _with_broken(result, request, verbose=verbose)


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
        with _coverage(repository, [each.path for each in result.ciphertexts]) as covered:
            found = check_staged_macs(session, repository, result.ciphertexts)
            _name_uncovered(covered)
    if found.left or verbose:
        _count(found, verbose=verbose)
    known = {error.path for error in result.errors} | {found.location.path for found in result.findings}
    more = [error for error in found.errors if error.path not in known]
    result = result._replace(errors=(*result.errors, *more))
    return result, frozenset(error.path for error in found.errors)


@contextmanager
def _coverage(repository: Repository, paths: Sequence[str]) -> Iterator[Callable[[], Coverage] | None]:
    """Ask git whether it uses the drivers for files, where it does for others, while MACs are checked."""
    from fluxsecrets.ops.hooks.coverage import coverage_begun, is_installed

    with ExitStack() as stack:
        answer = None
        try:
            if is_installed(repository):
                answer = stack.enter_context(coverage_begun(repository, paths))
        except FluxsecretsError:  # `hook status` reports the error; no commit is refused for it
            pass
        yield answer


def _name_uncovered(covered: Callable[[], Coverage] | None) -> None:
    """Name new files for which git does not use the drivers, where it uses them for others."""
    try:
        uncovered = () if covered is None else covered().uncovered
    except FluxsecretsError:  # as above
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
    from fluxsecrets import __version__
    from fluxsecrets.cli.output import Output
    from fluxsecrets.records import replace
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
