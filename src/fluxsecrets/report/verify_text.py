"""What Flux would do, for people: a line per Kustomization, and below it what matters of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from fluxsecrets.flux.model import Verdict as OfKustomization
from fluxsecrets.flux.release import release_text
from fluxsecrets.ops.checks.accepting import shown_name
from fluxsecrets.ops.checks.verifymodel import (
    NoClusterKey,
    Told,
    Verdict,
    Verification,
    Verifications,
    Verified,
)
from fluxsecrets.repo.clusterkeys import key_name
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.shell import command_for, with_file

from .alike import few, shape
from .findings_text import note_lines
from .page import Block, Heading, Lines, Note, Page, Sentence, Table, Warn
from .text import Cell, Row, counted, path_shower, printable

_STYLES = {
    Verdict.DECRYPTED: "green",
    Verdict.PLAIN: "yellow",
    Verdict.CIPHERTEXT: "red",
    Verdict.CANNOT_TELL: "yellow",
    Verdict.FAILS: "red",
    Verdict.NOT_APPLIED: "red",
}
_VERDICTS = {
    OfKustomization.APPLIED: "green",
    OfKustomization.CIPHERTEXT: "red",
    OfKustomization.FAILS: "red",
    OfKustomization.UNKNOWN: "yellow",
}
_WORDS = {OfKustomization.UNKNOWN: "cannot be told"}
_CIPHERTEXT = re.compile(r"ENC\[AES256_GCM,[^\]]*\]")
_WIDEST = 36
_MOST_ALIKE = 3


def text_page(found: Verifications, *, everything: bool) -> Page:
    """The environments one after the other, with a summary each."""
    show_path = path_shower(found.root)
    hints: set[str] = set()
    for number, one in enumerate(found.environments):
        if len(found.environments) > 1:
            yield Lines([*([""] if number else [])])
            yield Table([[Cell(printable(one.environment), "bold")]])
        yield from _environment(one, show_path, hints, everything=everything)
    for remark in found.remarks:
        yield Warn(printable(f"warning: {show_path(remark.path)}:{remark.line}: {remark.message}"))
    for one in found.environments:
        for line in note_lines(one.untold, show_path):
            yield Note(line)
        for line in _key_hints(one.environment, one.no_cluster_key):
            yield Warn(line)
    for one in found.environments:
        yield Note(printable(f"{one.environment}: {release_text(one.release, show_path)}"))
    for one in found.environments:
        yield Note(_summary(one))


def _environment(
    one: Verification, show_path: Callable[[str], str], hints: set[str], *, everything: bool
) -> Iterator[Block]:
    heads = [_head(told) for told in one.told]
    widths = [min(_WIDEST, max((len(head[at].text) for head in heads), default=0)) for at in (0, 1)]
    for told, head in zip(one.told, heads, strict=True):
        padded = [
            cell._replace(text=cell.text.ljust(width)) for cell, width in zip(head, widths, strict=False)
        ]
        yield Heading([*padded, head[-1]])
        yield from _outcomes(told, told.of_itself, show_path, hints, everything=everything)
        yield from _objects(told, show_path, hints, everything=everything)
    if one.strays:
        yield Table([_row(item, show_path) for item in one.strays], outline=True)
    for line in _needs(one):
        yield Lines([printable(line)])
    for line in _plain_hints(one):
        yield Sentence(printable(line), indent="")


def _head(told: Told) -> Row:
    item = told.judged.applied.kustomization
    path = (told.judged.applied.folder if item is None else item.path) or "."
    verdict = told.judged.verdict
    accepted = told.judged.outcomes and not told.rest
    known = " (accepted)" if accepted else ""
    altered = verdict is OfKustomization.APPLIED and bool(told.rest)
    word = "altered" if altered else _WORDS.get(verdict, str(verdict))
    return (
        Cell(printable(shown_name(told.judged))),
        Cell(word + known, "" if accepted else "red" if altered else _VERDICTS[verdict]),
        Cell(printable(path) if item is not None else "synced by none"),
    )


def _objects(
    told: Told, show_path: Callable[[str], str], hints: set[str], *, everything: bool
) -> Iterator[Block]:
    """A row per object or file that matters, and what is wrong with objects."""
    shown = [item for item in told.items if everything or _matters(item)]
    chosen = few([at if everything else _cause(item) for at, item in enumerate(shown)])
    if shown:
        yield Table([_row(shown[at], show_path) for at in chosen.shown], outline=True)
    for at, count in chosen.left.items():
        like = f"and {counted(count, 'more object')} like {show_path(shown[at].path)}: see them with --all"
        yield Sentence(printable(like), indent="  ")
    own = set(told.of_itself)
    rest = [each for each in told.judged.outcomes if each not in own]
    yield from _outcomes(told, rest, show_path, hints, everything=everything)


def _matters(item: Verified) -> bool:
    if item.verdict is Verdict.NOT_APPLIED and item.format is not None:
        return True
    return item.problem is not None or item.verdict not in (Verdict.APPLIED, Verdict.NOT_APPLIED)


def _cause(item: Verified) -> tuple[object, ...]:
    """What objects have in common that are said once."""
    return (item.kind, item.verdict, item.keys, item.behaviour, shape(item.problem), shape(item.note))


def _outcomes(
    told: Told,
    outcomes: Iterable[Outcome],
    show_path: Callable[[str], str],
    hints: set[str],
    *,
    everything: bool,
) -> Iterator[Sentence]:
    alike: Counter[tuple[str, str | None]] = Counter()
    kept: list[Outcome] = []
    for outcome in outcomes:
        alike[outcome.behaviour, outcome.path] += 1
        if alike[outcome.behaviour, outcome.path] <= _MOST_ALIKE or everything:
            kept.append(outcome)
    chosen = few([at if everything else (each.behaviour, each.effect) for at, each in enumerate(kept)])
    left = {(kept[at].behaviour, kept[at].effect): count for at, count in chosen.left.items()}
    for at in chosen.shown:
        outcome = kept[at]
        accepted = told.accepted.get(outcome)
        place = "" if outcome.path is None else show_path(outcome.path)
        place += f":{outcome.line}" if place and outcome.line else ""
        text = f"{place}: {outcome.reason}" if place else outcome.reason
        if accepted is not None:
            yield Sentence(printable(f"{text} (accepted: {accepted.reason})"))
            continue
        yield Sentence(printable(text), "yellow" if outcome.effect is Effect.UNKNOWN else "red")
        hint = with_file(outcome.hint, place.rpartition(":")[0] or place) if outcome.hint else ""
        if hint and hint not in hints:
            hints.add(hint)
            yield Sentence(printable(f"hint: {hint}"), indent="      ")
    for (behaviour, _), count in left.items():
        yield Sentence(f"and {count} more of {behaviour}: see them with --all")
    for (behaviour, _), count in alike.items():
        if count > _MOST_ALIKE and not everything:
            yield Sentence(f"and {count - _MOST_ALIKE} more of {behaviour}: see them with --all")


def _row(item: Verified, show_path: Callable[[str], str]) -> Row:
    """Place, what it is, what becomes of it, by which key, and what is wrong if no outcome has told it."""
    place = show_path(item.path) if item.line is None else f"{show_path(item.path)}:{item.line}"
    what = f"{item.kind} {item.namespace}/{item.name}" if item.namespace else f"{item.kind} {item.name}"
    # Of an object Flux tells the format itself; of a file that a generator reads, its name does.
    how = f"as {item.format}" if item.format and item.line is None else ""
    if item.verdict is Verdict.DECRYPTED:
        how = f"by Flux {how}".strip()
    keys = f"{'with ' if item.keys else ''}{', '.join(item.keys)}"
    if item.verdict is Verdict.NOT_APPLIED:
        how = keys = ""
    said = item.behaviour is not None or item.verdict is Verdict.PLAIN
    problem = None if said else item.problem
    more = problem or item.note or ("variables are replaced" if item.substituted else "")
    wrong = item.problem is not None
    return (
        Cell(printable(f"  {place}")),
        Cell(printable(_CIPHERTEXT.sub("ENC[…]", what.strip()) or "file")),
        Cell(str(item.verdict), "red" if wrong else _STYLES.get(item.verdict, "")),
        Cell(printable(f"{how} {keys}".strip())),
        Cell(printable(more), "red" if problem is not None else ""),
    )


def _needs(one: Verification) -> Iterator[str]:
    """What the controller has to be allowed: that and whose credentials it has is not in the repository."""
    if one.needs:
        yield f"to decrypt, the controller of {one.environment} needs:"
    for each in one.needs:
        yield f"  {each.action} on {each.key}"
        if each.role:
            yield f"    through the role {each.role}"
        yield f"    with {each.by}, for {counted(len(each.files), 'file')}"


def _plain_hints(one: Verification) -> Iterator[str]:
    """What to do about Secrets in plain text: once for all, since the verdict says what is wrong."""
    plain = [told for told in one.told for item in told.items if item.verdict is Verdict.PLAIN and item.wrong]
    if not plain:
        return
    what = "1 Secret is" if len(plain) == 1 else f"{len(plain)} Secrets are"
    yield f"{what} in plain text in the repository: run `{command_for('encrypt', (), one.environment)}`"
    without = dict.fromkeys(
        shown_name(told.judged)
        for told in plain
        if (item := told.judged.applied.kustomization) is not None and item.decryption is None
    )
    if without:
        names = list(without)[:_MOST_ALIKE]
        more = f" and {len(without) - len(names)} more" if len(without) > len(names) else ""
        yield f"before that, let Flux decrypt them: set `spec.decryption` in {', '.join(names)}{more}"


def _key_hints(name: str, unknown: NoClusterKey | None) -> Iterator[str]:
    """What to do where nothing says which key the cluster has."""
    if unknown is None:
        return
    files = "1 file" if unknown.files == 1 else f"{unknown.files} files"
    yield f"cannot tell whether the cluster of {name} can read {files}: nothing says which key it has"
    people = printable(", ".join(unknown.recipients))
    one_of = "one of " if len(unknown.recipients) > 1 else ""
    yield (
        f"  if it has the key of {one_of}{people}: name that public key under environments.{name}."
        "cluster_recipients in .fluxsecrets.yaml"
    )
    new = key_name(name)
    steps = [f"`{command_for('keys generate', (new,))}`", f"`{command_for('recipients add', (new,), name)}`"]
    if unknown.shared_rules:
        places = printable(", ".join(unknown.shared_rules))
        verb = "is" if len(unknown.shared_rules) == 1 else "are"
        steps.insert(0, f"give these files rules of their own ({places} {verb} for other files, too)")
    yield f"  if it has none: {', '.join(steps)}, then bring its key there:"
    secret = printable(command_for("keys cluster-secret", environment=name))
    yield f"    {secret} | kubectl apply --server-side -f -"


def _summary(one: Verification) -> str:
    """Such as `staging: 9 Kustomizations, 1 fails; 10 decrypted, 40 applied; 1 needs attention`."""
    of = Counter(told.judged.verdict for told in one.told)
    parts = [
        f"{of[verdict]} {_verb(verdict, of[verdict])}"
        for verdict in OfKustomization
        if of[verdict] and verdict is not OfKustomization.APPLIED
    ]
    altered = sum(told.judged.verdict is OfKustomization.APPLIED and bool(told.rest) for told in one.told)
    parts += [f"{altered} altered"] if altered else []
    heads = ", ".join([counted(len(one.told), "Kustomization"), *parts])
    counts = Counter(item.verdict for item in one.items)
    listed = (verdict for verdict in Verdict if counts[verdict] and verdict is not Verdict.CANNOT_TELL)
    objects = ", ".join(f"{counts[verdict]} {_objects_verb(verdict, counts[verdict])}" for verdict in listed)
    return f"{one.environment}: {heads}; {objects or 'nothing is applied'}; {_end(one)}{_unopened(one)}"


def _unopened(one: Verification) -> str:
    """What to know of values that nobody at hand can decrypt: they are taken for texts without variables."""
    if not one.unopened:
        return ""
    were, they = ("value was", "it holds") if one.unopened == 1 else ("values were", "they hold")
    return f"; {one.unopened} encrypted {were} not opened: whether {they} ${{…}} is not known"


def _objects_verb(verdict: Verdict, count: int) -> str:
    return "fail" if verdict is Verdict.FAILS and count > 1 else str(verdict)


def _verb(verdict: OfKustomization, count: int) -> str:
    words = {
        OfKustomization.FAILS: "fails" if count == 1 else "fail",
        OfKustomization.CIPHERTEXT: "with ciphertext",
        OfKustomization.UNKNOWN: "cannot be told",
    }
    return words[verdict]


def _end(one: Verification) -> str:
    parts = []
    if one.wrong:
        parts.append(f"{one.wrong} {'needs' if one.wrong == 1 else 'need'} attention")
    if one.unknown:
        parts.append(f"{one.unknown} cannot be told")
    if one.accepted:
        parts.append(f"{one.accepted} accepted")
    if not one.wrong and not one.unknown:
        known = one.accepted or any(item.verdict is Verdict.PLAIN for item in one.items)
        parts.insert(0, "nothing else is wrong" if known else "nothing is wrong")
    return ", ".join(parts)
