"""`fluxsecrets scan`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsecrets import __version__
from fluxsecrets.cli.output import Output, path_shower, show_errors, warn_of_dead_hooks
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.checks.scan import ScanRequest, ScanResult, Source, scan

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_INPUT = 256 * 2**20


@click.command("scan")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--env", "environment", metavar="NAME", help="All files of one environment.")
@click.option("--staged", is_flag=True, help="What is staged, as the next commit will have it.")
@click.option("--range", "commits", metavar="A..B", help="What these commits added or changed.")
@click.option("--unpushed", is_flag=True, help="What no remote has yet.")
@click.option("--history", is_flag=True, help="What any commit of any branch ever added or changed.")
@click.option("--partial-history", is_flag=True, help="In a shallow clone: go by the commits that are there.")
@click.option(
    "--filename",
    "--filename-override",
    "filename",
    metavar="NAME",
    help="With -: the name that standard input has for the rules.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Findings that are known; .fluxsecrets-baseline.json at the top unless told.",
)
@click.option("--no-baseline", is_flag=True, help="As if there were no baseline.")
@click.option("--update-baseline", is_flag=True, help="Write what is found now into the baseline.")
@click.option(
    "--format",
    "report",
    type=click.Choice(["text", "json", "sarif"]),
    help="How to report; text unless told.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only results and errors.")
def command(
    *,
    paths: tuple[str, ...],
    environment: str | None,
    staged: bool,
    commits: str | None,
    unpushed: bool,
    history: bool,
    partial_history: bool,
    filename: str | None,
    baseline: Path | None,
    no_baseline: bool,
    update_baseline: bool,
    report: str | None,
    quiet: bool,
) -> int:
    """Find secrets in plain text.

    PATH is a file or a folder, or - for standard input; without PATH it is every file of the repository
    that git tracks, or would. Values in Secrets, in encrypted files and under telling keys are found, and
    the tokens of about 140 kinds in any text, also inside of base64.

    Exit codes: 0 nothing was found, 1 something was, 2 something could not be read or judged.
    """
    given = {
        "--staged": staged,
        "--range": commits is not None,
        "--unpushed": unpushed,
        "--history": history,
    }
    chosen = [name for name, on in given.items() if on]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} do not go together", hint="choose one of them")
    if environment is not None and (paths or chosen):
        raise UsageError("--env goes alone", hint=f"leave out {(chosen or ['the paths'])[0]}, or --env")
    if (baseline is not None and no_baseline) or (update_baseline and no_baseline):
        raise UsageError("--no-baseline contradicts the other option", hint="leave one of them out")
    request = ScanRequest(
        cwd=Path.cwd(),
        source=_source(paths, chosen),
        paths=() if paths == ("-",) else paths,
        environment=environment,
        commits=_commits(chosen, commits),
        content=_read_stdin() if paths == ("-",) else b"",
        filename=filename,
        baseline=baseline,
        use_baseline=not no_baseline,
        update_baseline=update_baseline,
        partial_history=partial_history,
    )
    out = Output(quiet=quiet)
    code = show(scan(request), out, report)
    if request.source is not Source.STDIN:
        warn_of_dead_hooks(out)
    return code


def _source(paths: tuple[str, ...], chosen: list[str]) -> Source:
    if "-" in paths:
        if len(paths) > 1 or chosen:
            raise UsageError("standard input is scanned alone", hint="leave out what stands beside -")
        return Source.STDIN
    if not chosen:
        return Source.PATHS
    return Source.STAGED if chosen == ["--staged"] else Source.COMMITS


def _commits(chosen: list[str], text: str | None) -> tuple[str, ...]:
    if chosen in ([], ["--staged"]):
        return ()
    from fluxsecrets.scan.sources.commits import HISTORY, UNPUSHED, range_arguments

    return {"--unpushed": UNPUSHED, "--history": HISTORY}.get(chosen[0]) or range_arguments(text or "")


def _read_stdin() -> bytes:
    data = sys.stdin.buffer.read(_LONGEST_INPUT + 1)
    if len(data) > _LONGEST_INPUT:
        raise UsageError(
            f"standard input is longer than {_LONGEST_INPUT // 2**20} MiB",
            hint="write it to a file, and name that",
        )
    return data


def show(result: ScanResult, out: Output, report: str | None) -> int:
    """Show what was found, and give the exit code for it."""
    if report == "json":
        from fluxsecrets.report.findings_json import scan_json

        out.text([scan_json(result)])
    elif report == "sarif":
        out.text([_sarif(result)])
    else:
        show_text(result, out)
    return exit_code(result)


def _sarif(result: ScanResult) -> str:
    from fluxsecrets.ops.checks.scan import known_rules
    from fluxsecrets.report.sarif import sarif

    return sarif(
        result.findings,
        result.root,
        version=__version__,
        rules=known_rules(),
        known=result.known,
        allowed=result.allowed,
        errors=result.errors,
    )


def exit_code(result: ScanResult) -> int:
    """2 wins over 1: where something was not read, nobody knows what is in it."""
    return 2 if result.errors else 1 if result.findings else 0


def show_text(
    result: ScanResult, out: Output, *, quiet: bool = False, brought_by: str = "what is scanned brings"
) -> None:
    """Show findings, remarks and errors as text, and what they come to.

    Args:
        result: what was found.
        out: where to.
        quiet: say nothing where there is nothing to say.
        brought_by: what brought excuses along, with its verb.
    """
    if quiet and result.silent:
        return
    from fluxsecrets.report.findings_text import excuse_lines, remark_lines

    where = path_shower(result.root)
    out.findings(result.findings, where)
    sys.stdout.flush()
    for line in remark_lines(result.remarks, where):
        out.warning(line)
    for line in excuse_lines(result.excuses, brought_by, where):
        out.warning(line)
    show_errors(out, result.errors)
    for line in summary(result, where):
        out.note(line)


def summary(result: ScanResult, show_path: Callable[[str], str] = str) -> list[str]:
    """What a scan comes to, in a line or two."""
    lines = []
    if result.written is not None:
        entries = _count(result.written, "finding", "findings")
        name = show_path(os.path.relpath(result.baseline or "", result.root).replace(os.sep, "/"))
        lines.append(f"{name}: {entries} written; commit it, and take them off one by one")
    extra = []
    if result.known and result.written is None:
        extra.append(f"{len(result.known)} more known to the baseline")
    if result.allowed:
        extra.append(f"{len(result.allowed)} allowed")
    if result.gone:
        extra.append(f"{len(result.gone)} of the baseline gone: --update-baseline takes them off")
    tail = f" ({'; '.join(extra)})" if extra else ""
    looked = _count(result.files, "file", "files")
    if result.findings:
        files = len({(item.location.commit, item.location.path) for item in result.findings})
        found = _count(len(result.findings), "secret", "secrets")
        lines.append(f"{found} in plain text in {_count(files, 'file', 'files')}; {looked} scanned{tail}")
    elif result.errors:
        lines.append(f"nothing found, but not everything could be judged; {looked} scanned{tail}")
    elif result.nothing:
        lines.append(f"{result.nothing}{tail}")
    else:
        lines.append(f"no secret in plain text; {looked} scanned{tail}")
    return lines


def _count(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
