"""What `rotate` and `recipients` are about to do, and what they did, as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from fluxsecrets.ops.files.rekey import RekeyResult
from fluxsecrets.ops.run.results import BatchResult, FileResult
from fluxsecrets.records import dataclass, field, replace
from fluxsecrets.report.base import Base, here
from fluxsecrets.report.json import page, term
from fluxsecrets.report.page import Page, Table
from fluxsecrets.report.results import listed_rows, remarks, result_data, result_rows, several, totals
from fluxsecrets.report.text import Cell, Row, counted, printable
from fluxsecrets.shell import command_for, file_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.ops.people.admit import Addition
    from fluxsecrets.ops.people.identity import IdentityPlan, Replaced
    from fluxsecrets.ops.people.offboard import Removal
    from fluxsecrets.ops.people.plans import Rekeyed, SharedFile
    from fluxsecrets.ops.people.rotate import Rotation
    from fluxsecrets.report.wire import files as wire
    from fluxsecrets.sops.config_places import SharedList

_WORTH_A_PLAN = 10
"""Files from which a rotation of named files shows a plan."""


# What became of files.


def rekey_rows(results: Sequence[FileResult]) -> list[Row]:
    """A row per file: path, outcome, values, recipients, and what changed."""
    return [
        (*row, Cell(printable(_changes(result))))
        for row, result in zip(result_rows(results), results, strict=True)
    ]


def _changes(result: FileResult) -> str:
    if not isinstance(result, RekeyResult) or result.outcome == "unchanged":
        return ""
    parts = [f"+{name}" for name in result.added] + [f"-{name}" for name in result.removed]
    if result.rearranged:
        parts.append("key groups or threshold")
    if result.new_data_key and result.outcome in ("synced", "would sync"):
        parts.append("new data key")
    if result.regenerated:
        parts.append(f"new: {', '.join(result.regenerated)}")
    return ", ".join(parts)


def text_page(command: str, batch: BatchResult) -> Page:
    """A row per file, with what changed, then everything that is not one file's."""
    yield Table(listed_rows(batch.files if batch.listed is None else batch.listed, rekey_rows))
    yield from remarks(batch)


def json_page(command: str, batch: BatchResult) -> Page:
    """The results of a command that changes who can open files."""
    base = here()
    data: wire.Rekeyed = {"files": [_file_data(each, base) for each in batch.files], **totals(batch)}
    return page(command, data, base)


FORMATS: Mapping[str, Callable[[str, BatchResult], Page]] = {"text": text_page, "json": json_page}


def _file_data(result: FileResult, base: Base) -> wire.RekeyedFile:
    known = result if isinstance(result, RekeyResult) else RekeyResult(result.path, result.outcome)
    return {
        **result_data(result, base),
        "outcome": term(result.outcome),
        "added": list(known.added),
        "removed": list(known.removed),
        "rearranged": known.rearranged,
        "new_data_key": known.new_data_key,
        "regenerated": list(known.regenerated),
        "shared_with": list(known.shared_with),
    }


def rekeyed_batch(done: Rekeyed, notes: tuple[str, ...], next_steps: Iterable[str]) -> BatchResult:
    """The results of a plan. If nothing was changed, only the files that failed are listed."""
    return BatchResult(done.files, notes, done.failed if done.stopped else None, tuple(next_steps))


@dataclass(frozen=True, slots=True)
class _Commands:
    """The commands that finish what could not be done.

    Attributes:
        again: the whole command, for someone who can open more files.
        partial: the same for what can be changed now; None where that would be wrong.
        finish: what someone else runs for some files after that.
    """

    again: str
    partial: str | None = None
    finish: Callable[[Sequence[str]], str] = field(default=lambda _paths: "")


def _unfinished(done: Rekeyed, left: str, commands: _Commands, *, dry_run: bool) -> Iterator[str]:
    """What did not change, who can change it, and how; `left` is the state of the files that failed."""
    failed, count = len(done.failed), len(done.files)
    if not failed:
        return
    if done.stopped:
        what = "would be changed" if dry_run else "was changed"
        which = f"{failed} of {counted(count, 'file')}"
        yield f"nothing {what}: rules and files change together, and {which} failed"
    else:
        yield f"{counted(failed, 'file')} {'is' if failed == 1 else 'are'} {left}"

    def them(paths: Sequence[str]) -> str:
        return several(paths) if len(paths) < failed else "it" if failed == 1 else "them"

    def command(paths: Sequence[str]) -> str:
        return commands.again if done.stopped else commands.finish(paths)

    if mine := done.undecided:
        yield f"you may be able to open {them(mine)}: follow the hints above, then run `{command(mine)}`"
    for who, paths in done.waiting.items():
        if who.enough:
            yield f"{who} can open {them(paths)}, and can run `{command(paths)}`"
        else:
            yield f"nobody else can open {them(paths)}"
    if done.stopped and commands.partial is not None and failed < count:
        yield f"to change the rules and {counted(count - failed, 'other file')} now: `{commands.partial}`"
    if not (done.stopped or dry_run):
        yield "`fluxsecrets status` and `fluxsecrets audit` show it until it is done"


def regenerated_note(results: Sequence[FileResult]) -> tuple[str, ...]:
    """What the user must do after values were generated again."""
    count = sum(len(result.regenerated) for result in results if isinstance(result, RekeyResult))
    if not count:
        return ()
    what = "1 value was" if count == 1 else f"{count} values were"
    return (
        f"{what} generated again: update whatever uses {'it' if count == 1 else 'them'}, "
        "such as a database that keeps the password itself",
    )


def history_note(results: Sequence[FileResult]) -> tuple[str, ...]:
    """What removing a recipient does not change."""
    names = dict.fromkeys(
        name for result in results if isinstance(result, RekeyResult) for name in result.removed
    )
    if not names:
        return ()
    return (
        f"removed: {', '.join(names)}; values in git's history stay readable for anyone who was removed, "
        "so change them too",
    )


# What is about to happen, and what the user should know of it.


def added_batch(plan: Addition, done: Rekeyed) -> BatchResult:
    """The results of adding a recipient."""
    batch = rekeyed_batch(done, addition_notes(plan), addition_steps(plan, done))
    return batch if plan.left_out or plan.followed else replace(batch, empty="nothing to do")


def addition_plan(plan: Addition) -> Iterator[str]:
    """What adding a recipient will do."""
    if not plan.rekeying.targets and not plan.rules:
        left_out = plan.left_out or plan.followed
        yield f"plan: {plan.name} gains nothing" + ("" if left_out else f": the rules there name {plan.name}")
        return
    yield f"plan: {plan.name} can open {counted(len(plan.rekeying.targets), 'file')} from now on"
    yield from _rule_lines(plan.rules, "into the ")


def addition_notes(plan: Addition) -> tuple[str, ...]:
    """What adding a recipient leaves out, and what else it changes."""
    return (
        *plan.notes,
        *(f"{_shared(each)}, and left out; --shared includes it" for each in plan.left_out),
        *(
            f"{each.path}:{each.line}: {counted(each.others, 'other file')} "
            f"{'follows' if each.others == 1 else 'follow'} this rule, "
            "so it is left out; --shared includes it"
            for each in plan.followed
        ),
        *_shared_lists(plan.shared_lists),
    )


def addition_steps(plan: Addition, done: Rekeyed) -> Iterator[str]:
    """What is left to do after adding a recipient."""
    request = plan.request
    again = command_for("recipients add", (request.who or "", *request.paths), request.environment)
    options = {"--all": request.everything, "--shared": request.shared}
    again += "".join(f" {option}" for option, given in options.items() if given)
    again += "" if request.name is None else f" --name {file_word(request.name)}"
    again += "" if request.group is None else f" --group {request.group}"
    again += " --accept-recipients" if request.accept_recipients else ""
    sync = partial(command_for, "recipients sync")
    left = f"not encrypted for {plan.name} yet"
    yield from _unfinished(done, left, _Commands(again, f"{again} --partial", sync), dry_run=request.dry_run)


def removal_plan(plan: Removal) -> Iterator[str]:
    """What removing a recipient will do."""
    where = f" of {plan.request.environment}" if plan.request.environment else ""
    yield f"plan: {plan.name} can no longer open any file{where}"
    yield from _rule_lines(plan.rules, "out of the ")
    count = len(plan.rekeying.targets)
    yield f"  {_new_data_keys(count)}"
    for path in plan.known_keys:
        yield f"  {path} is not encrypted for {plan.name}, but still has a data key that they know"
    for path in plan.doubted_keys:
        yield f"  {path} is not encrypted for {plan.name}, but may still have a data key that they know"
    for path in plan.deleted:
        yield f"  {path} is deleted"


def removal_notes(plan: Removal, done: Rekeyed) -> tuple[str, ...]:
    """What removing a recipient leaves out, what is unknown, and what stays readable."""
    left_out = "and left out: leave out --env to take them out of everything"
    return (
        *plan.notes,
        *(f"{_shared(each)}, {left_out}" for each in plan.left_out),
        *_shared_lists(plan.shared_lists),
        *(
            f"{path}: unreadable, so it is unknown whether it is encrypted for {plan.name}"
            for path in plan.unreadable
        ),
        *(
            [
                f"{plan.settings} names {plan.name} as the cluster of {', '.join(plan.clusters)}: "
                "remove that entry"
            ]
            if plan.clusters
            else []
        ),
        *doubt_notes(plan.doubtful, plan.name),
        *(
            [f"cannot tell who could decrypt with {plan.name}: the service's own log has each use of the key"]
            if plan.of_service
            else []
        ),
        *history_note(done.files),
    )


def removal_steps(plan: Removal, done: Rekeyed) -> Iterator[str]:
    """What is left to do after removing a recipient."""
    request = plan.request
    again = command_for("recipients remove", (request.who or "",), request.environment)
    again += " --accept-recipients" if request.accept_recipients else ""
    left = f"as before: {plan.name} may still read what is written there"
    commands = _Commands(again, f"{again} --partial", lambda _paths: again)
    yield from _unfinished(done, left, commands, dry_run=request.dry_run)


def doubt_notes(paths: Iterable[str], name: str) -> tuple[str, ...]:
    """The files of which it is unknown whether somebody knows their data key."""
    return tuple(
        f"{path}: it is unknown whether {name} knows its data key: "
        "none of your identities opens both this version and those that were encrypted for them"
        for path in paths
    )


def rotation_plan(plan: Rotation) -> Iterator[str]:
    """What a rotation will do; nothing if only a few files were named."""
    request, count = plan.request, len(plan.rekeying.targets)
    if request.environment is None and count < _WORTH_A_PLAN:
        return
    what = "and annotated values are generated again" if request.values else "every value is encrypted again"
    yield f"plan: {_new_data_keys(count)}, {what}"
    for each in plan.shared:
        yield f"  {_shared(each)}"


def rotation_notes(plan: Rotation, results: Sequence[FileResult]) -> tuple[str, ...]:
    """What stays readable after a rotation, and what new values need."""
    asked = plan.request.remove and results
    nobody = asked and not any(result.error or getattr(result, "removed", ()) for result in results)
    return (
        *plan.notes,
        *(["nobody was removed: no file was encrypted for the recipients that you named"] if nobody else []),
        *history_note(results),
        *regenerated_note(results),
    )


def identity_plan(plan: IdentityPlan) -> Iterator[str]:
    """What replacing a cluster's identity will do."""
    finish, environment = plan.request.finish, plan.request.environment
    if finish:
        yield f"plan: {plan.old_name} is removed, and the new key takes its place in {environment}"
    else:
        yield f"plan: {plan.new_name} is added beside {plan.old_name} in {environment}"
    yield from _rule_lines(plan.rules, "")
    what = "which get new data keys" if finish else "whose values stay as they are"
    yield f"  {counted(len(plan.rekeying.targets), 'file')}, {what}"
    for each in plan.shared:
        yield f"  {_shared(each)}, and {'loses' if finish else 'gains'} only this recipient"
    for path in plan.secrets:
        what = "loses the old identity" if finish else "gets the new identity as well"
        yield f"  {path} holds the cluster's identity, and {what}"


def identity_notes(plan: IdentityPlan, done: Replaced) -> tuple[str, ...]:
    """What to know about a replaced identity, and what comes next."""
    unnamed = f"no rule names {plan.old_name}: files encrypted from now on will not be encrypted for it"
    unnamed_notes = [unnamed] if plan.unnamed else []
    notes = (*plan.notes, *done.warnings, *unnamed_notes, *_shared_lists(plan.shared_lists))
    return notes if done.rekeyed.stopped else (*notes, *_next_steps(plan, done))


def identity_steps(plan: IdentityPlan, done: Replaced) -> Iterator[str]:
    """What is left to do if an identity could not be replaced."""
    request = plan.request
    again = command_for("rotate --identity", (), request.environment)
    words = {"--old": request.old, "--new": request.new, "--store": request.store}
    again += "".join(f" {option} {file_word(given)}" for option, given in words.items() if given)
    options = {
        "--finish": request.finish,
        "--post-quantum": request.post_quantum,
        "--accept-recipients": request.accept_recipients,
    }
    again += "".join(f" {option}" for option, given in options.items() if given)
    yield from _unfinished(done.rekeyed, "", _Commands(again), dry_run=plan.request.dry_run)


def _next_steps(plan: IdentityPlan, done: Replaced) -> Iterator[str]:
    environment = plan.request.environment
    if plan.request.dry_run:
        yield "nothing was written"
        return
    if plan.request.finish:
        yield (
            "git's history stays readable with the old identity: if it leaked, change the values "
            "too (`fluxsecrets recipients exposure PATH` shows since when)"
        )
        yield (
            "once the cluster runs on the new files, remove the old identity from it, and from your own "
            "places with `fluxsecrets keys remove KEY`"
        )
        return
    if done.place is not None:
        yield f"the new identity was put into {done.place}"
    if done.kept_in:
        kept = ", ".join(done.kept_in)
        yield f"{kept} holds both identities now: commit, push, and wait until the cluster has it"
    else:
        yield (
            f"the repository does not keep the cluster's identity: commit and push, then bring it there with "
            f"`{command_for('keys cluster-secret', environment=environment)} "
            f"--identity {file_word(plan.new_name)} | "
            f"kubectl apply --server-side -f -`"
        )
    end = f"`{command_for('rotate', environment=environment)} --identity --finish`"
    yield f"until then either identity opens everything; when the cluster has the new one: {end}"


def _rule_lines(rules: Mapping[str, tuple[int, ...]], how: str) -> Iterator[str]:
    for path, lines in rules.items():
        noun = "rule in line" if len(lines) == 1 else "rules in lines"
        yield f"  {path}: {how}{noun} {', '.join(map(str, lines))}"


def _new_data_keys(count: int) -> str:
    return "1 file gets a new data key" if count == 1 else f"{count} files get new data keys"


def _shared(file: SharedFile) -> str:
    return f"{file.path} is shared with {', '.join(file.environments)}"


def _shared_lists(lists: Iterable[SharedList]) -> Iterator[str]:
    for each in lists:
        lines = ", ".join(map(str, each.rules))
        yield f"the list &{each.name} in line {each.line} is shared by the rules in lines {lines}"
