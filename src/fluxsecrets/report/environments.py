"""Environments as rows, as JSON, and as a Mermaid chart for a README or a pull request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from fluxsecrets.flux.release import release_text
from fluxsecrets.marks import SETTINGS_NAME
from fluxsecrets.ops.manifests.environments import (
    Protection,
    ShownEnvironment,
    ShownKustomization,
    ShownSecret,
    Suggested,
)
from fluxsecrets.repo.survey import Survey, as_entry
from fluxsecrets.repo.tree import Note as TreeNote
from fluxsecrets.shell import command_for

from .alike import few_lines
from .base import Base, here
from .findings_json import note_data
from .json import page
from .page import Lines, Note, Page, Table, Warn
from .release import release_data
from .text import Cell, Row, printable

if TYPE_CHECKING:
    from .wire import environments as wire

_COLOURS = {Protection.PLAIN: "red", Protection.SOPS: "green"}
_BROKEN = "yellow"


def _list_page(environments: Sequence[ShownEnvironment], seen: Survey | None = None) -> Page:
    yield Table(_list_rows(environments))
    if seen is not None:
        yield Note(f"there is no environment: {seen.sentence}")
        yield from (Note(f"  {line}") for line in seen.lines)
        yield Note(seen.advice)
    others = dict.fromkeys(
        note for each in environments for note in each.notes if note.message.startswith("not analysed: ")
    )
    yield from (Note(_note_line(note)) for note in others)
    for each in environments:
        if any(note.warning for note in each.notes):
            yield Note(f"to see what is wrong: {command_for('env show', (each.name,))}")


def _list_json(environments: Sequence[ShownEnvironment], _seen: Survey | None = None) -> Page:
    found: list[wire.EnvironmentCounts] = [
        {
            "name": each.name,
            "folder": each.root,
            "kustomizations": len(each.kustomizations),
            "secrets": _counts(each),
            "outside": len(each.outside),
            "missing": len(each.missing),
            "warnings": sum(note.warning for note in each.notes),
        }
        for each in environments
    ]
    data: wire.EnvironmentList = {"environments": found}
    return page("env list", data, here())


LIST_FORMATS: Mapping[str, Callable[[Sequence[ShownEnvironment], Survey | None], Page]] = {
    "text": _list_page,
    "json": _list_json,
}


def _suggested_page(suggested: Suggested) -> Page:
    seen = suggested.seen
    yield from (Note(_note_line(note)) for note in suggested.unmodelled)
    if seen is not None:
        yield Note(f"there is no environment: {seen.sentence}")
        for note in seen.reasons:
            yield Note(f"  {note.path}:{note.line}: {note.message}")
    if not suggested.environments:
        yield Note(seen.advice if seen is not None else f"{SETTINGS_NAME} names all environments")
        return
    if not suggested.begun:
        yield Lines(["environments:"])
    yield Lines(
        [f"  {as_entry(each)}" + (f"  # {each.why}" if each.why else "") for each in suggested.environments]
    )
    where = (
        f"below `environments` in {SETTINGS_NAME}" if suggested.begun else f"at the end of {SETTINGS_NAME}"
    )
    yield Note(f"put these lines {where}, and keep those that are environments")


def _suggested_json(suggested: Suggested) -> Page:
    seen = suggested.seen
    data: wire.Suggestions = {
        "environments": [
            {"name": each.name, "path": each.path, "why": each.why} for each in suggested.environments
        ],
        "reasons": [note_data(note) for note in seen.reasons] if seen is not None else [],
        "kustomizations": seen.kustomizations if seen is not None else None,
        "sources": list(seen.sources) if seen is not None else [],
    }
    return page("env suggest", data, here())


SUGGEST_FORMATS: Mapping[str, Callable[[Suggested], Page]] = {
    "text": _suggested_page,
    "json": _suggested_json,
}


def _tree_page(environment: ShownEnvironment) -> Page:
    yield Table(_tree_rows(environment), outline=True)
    notes = [_note_line(note) for note in environment.notes]
    for line in few_lines(notes, "note"):
        yield Warn(line) if line.startswith("warning:") else Note(line)
    if environment.release is not None:
        yield Note(printable(f"{environment.name}: {release_text(environment.release, str)}"))
    yield Note(f"{environment.name}: {_secrets_sentence(environment)}")


def _note_line(note: TreeNote) -> str:
    place = note.path if note.line is None else f"{note.path}:{note.line}"
    return f"{'warning' if note.warning else 'note'}: {place}: {note.message}"


def _environment_json(environment: ShownEnvironment) -> Page:
    base = here()
    data: wire.EnvironmentShown = {
        "name": environment.name,
        "folder": environment.root,
        "kustomizations": [_kustomization_data(item, base) for item in environment.kustomizations],
        "outside": [_secret_data(secret, base) for secret in environment.outside],
        "missing": [_secret_data(secret, base) for secret in environment.missing],
        "secrets": _counts(environment),
        "flux": release_data(environment.release, base.path),
        "notes": [
            {
                "path": base.path(note.path),
                "line": note.line,
                "message": note.message,
                "warning": note.warning,
            }
            for note in environment.notes
        ],
    }
    return page("env show", data, base)


def _kustomization_data(item: ShownKustomization, base: Base) -> wire.Kustomization:
    return {
        "name": item.name,
        "namespace": item.namespace,
        "parent": item.parent,
        "folder": item.folder,
        "decryption": item.decryption,
        "service_account": item.service_account,
        "depends_on": list(item.depends_on),
        "suspended": item.suspended,
        "remote": item.remote,
        "reason": item.reason,
        "path": None if item.path is None else base.path(item.path),
        "line": item.line,
        "secrets": [_secret_data(secret, base) for secret in item.secrets],
    }


def _secret_data(secret: ShownSecret, base: Base) -> wire.ShownSecret:
    return {
        "name": secret.name,
        "namespace": secret.namespace,
        "protection": secret.protection.value,
        "path": base.path(secret.path),
        "line": secret.line,
        "files": base.paths(secret.files),
        "recipients": list(secret.recipients),
        "shared": list(secret.shared),
    }


def _mermaid_page(environment: ShownEnvironment) -> Page:
    yield Lines(["```mermaid", *_mermaid(environment), "```"])


FORMATS: Mapping[str, Callable[[ShownEnvironment], Page]] = {
    "text": _tree_page,
    "json": _environment_json,
    "mermaid": _mermaid_page,
}


def _list_rows(environments: Sequence[ShownEnvironment]) -> list[Row]:
    """A row per environment: name, folder, Kustomizations, Secrets, and whether something is broken."""
    rows: list[Row] = []
    for each in environments:
        count, broken = len(each.kustomizations), sum(note.warning for note in each.notes)
        rows.append(
            (
                Cell(printable(each.name)),
                Cell(printable(each.root) or "."),
                Cell(f"{count} Kustomization{'' if count == 1 else 's'}"),
                Cell(_secrets_sentence(each)),
                _marked(f"{broken} warning{'' if broken == 1 else 's'}" if broken else ""),
            )
        )
    return rows


def _secrets_sentence(environment: ShownEnvironment) -> str:
    """Such as `3 Secrets: 2 sops, 1 plain`."""
    total = sum(1 for _ in environment.secrets)
    counts = [f"{count} {kind}" for kind in Protection if (count := environment.count(kind))]
    noun = "1 Secret" if total == 1 else f"{total} Secrets"
    return f"{noun}: {', '.join(counts)}" if counts else noun


def _tree_rows(environment: ShownEnvironment) -> list[Row]:
    """The Kustomizations as a tree in dependency order, each with the Secrets that it brings about.

    The columns: name, how a Secret is protected, for whom and with whom it is shared or how a Kustomization
    is applied, and the place.
    """
    rows: list[Row] = []
    for depth, item in _in_tree(environment.kustomizations):
        rows.append(_kustomization_row(item, "  " * depth))
        rows += [_secret_row(secret, "  " * (depth + 1)) for secret in item.secrets]
    if environment.outside:
        rows.append((Cell("outside Flux"),))
        rows += [_secret_row(secret, "  ") for secret in environment.outside]
    if environment.missing:
        rows.append((Cell("in no file, left to the cluster"),))
        rows += [_secret_row(secret, "  ") for secret in environment.missing]
    return rows


def _in_tree(items: Sequence[ShownKustomization]) -> Iterator[tuple[int, ShownKustomization]]:
    """Each behind its parent, with its depth; siblings keep their order."""
    children: dict[int | None, list[int]] = {}
    for index, item in enumerate(items):
        children.setdefault(item.parent, []).append(index)
    seen: set[int] = set()
    waiting = [(0, index) for index in reversed(children.get(None, []))]
    while waiting:
        depth, index = waiting.pop()
        seen.add(index)
        yield depth, items[index]
        waiting += [(depth + 1, below) for below in reversed(children.get(index, [])) if below not in seen]
    yield from ((0, item) for index, item in enumerate(items) if index not in seen)


def _kustomization_row(item: ShownKustomization, indent: str) -> Row:
    return (
        Cell(indent + printable(_kustomization_name(item))),
        _marked("suspended" if item.suspended else ""),
        Cell(printable(", ".join(_how(item))), _BROKEN if item.reason else ""),
        Cell(printable((item.folder or ".") if item.reason is None else _place(item))),
    )


def _marked(text: str) -> Cell:
    return Cell(text, _BROKEN if text else "")


def _kustomization_name(item: ShownKustomization) -> str:
    if item.name is None:
        return "(synced by nothing here)"
    return item.name if item.namespace in (None, "flux-system") else f"{item.namespace}/{item.name}"


def _how(item: ShownKustomization) -> Iterator[str]:
    if item.reason is not None:
        yield item.reason
        return
    if item.decryption is not None:
        role = f"the role of service account {item.service_account}" if item.service_account else ""
        keys = " and ".join(filter(None, (item.decryption, role))) or "the keys of the controller"
        yield f"decrypts with {keys}"
    if item.depends_on:
        yield f"after {', '.join(item.depends_on)}"
    if item.remote:
        yield "applied to another cluster"


def _secret_row(secret: ShownSecret, indent: str) -> Row:
    detail = [", ".join(secret.recipients)] if secret.recipients else []
    if secret.shared:
        detail.append(f"shared with {', '.join(secret.shared)}")
    return (
        Cell(f"{indent}- {printable(_secret_name(secret))}"),
        Cell(secret.protection, _COLOURS.get(secret.protection, "")),
        Cell(printable("; ".join(detail))),
        Cell(printable(", ".join(secret.files) or _place(secret) if secret.name is not None else "")),
    )


def _secret_name(secret: ShownSecret) -> str:
    if secret.name is None:
        return secret.path
    return secret.name if secret.namespace is None else f"{secret.namespace}/{secret.name}"


def _place(item: ShownSecret | ShownKustomization) -> str:
    return f"{item.path or ''}:{item.line}" if item.line is not None else item.path or ""


def _counts(environment: ShownEnvironment) -> dict[str, int]:
    return {kind.value: count for kind in Protection if (count := environment.count(kind))}


# Mermaid.

_STYLES = {
    Protection.SOPS: "fill:#e6f4ea,stroke:#188038,color:#000",
    Protection.SEALED: "fill:#e6f4ea,stroke:#188038,color:#000",
    Protection.EXTERNAL: "fill:#e8f0fe,stroke:#1a73e8,color:#000",
    Protection.CLUSTER: "fill:#f1f3f4,stroke:#5f6368,color:#000",
    Protection.PLAIN: "fill:#fce8e6,stroke:#d93025,color:#000",
}


def _mermaid(environment: ShownEnvironment) -> Iterator[str]:
    """The environment as a flowchart: solid arrows for what applies what, dotted ones for dependencies."""
    yield "flowchart LR"
    items = environment.kustomizations
    by_name = {(item.namespace, item.name): index for index, item in enumerate(items)}
    for index, item in enumerate(items):
        folder = item.folder if item.reason is None else item.reason
        yield f'  k{index}["{_label(_kustomization_name(item))}<br/>{_label(folder or ".")}"]'
    for index, item in enumerate(items):
        if item.parent is not None:
            yield f"  k{item.parent} --> k{index}"
        for name in item.depends_on:
            namespace, _, alone = name.rpartition("/")
            before = by_name.get((namespace or item.namespace, alone))
            if before is not None:
                yield f"  k{before} -. then .-> k{index}"
    used: set[Protection] = set()
    number = 0
    for index, item in enumerate(items):
        for secret in item.secrets:
            shared = f", shared with {', '.join(secret.shared)}" if secret.shared else ""
            text = f"{_label(_secret_name(secret))}<br/>{_label(secret.protection + shared)}"
            yield f'  s{number}(["{text}"]):::{secret.protection}'
            yield f"  k{index} --- s{number}"
            used.add(secret.protection)
            number += 1
    yield from (f"  classDef {kind} {style}" for kind, style in _STYLES.items() if kind in used)


def _label(text: str) -> str:
    """Text in quotes of a Mermaid chart, which knows characters by number and would take some for markup."""
    return re.sub(r"[^A-Za-z0-9 ./_:,=+-]", lambda match: f"#{ord(match[0])};", printable(text))
