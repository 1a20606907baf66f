"""Who can read what: recipients with the files that they open, as in the files and in the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from fluxsecrets.errors import FluxsecretsError, NotEncryptedError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.files.content import parse
from fluxsecrets.ops.files.encryptedfiles import encrypted_targets
from fluxsecrets.ops.files.rekey import ELSEWHERE, flat
from fluxsecrets.ops.policy.policy import override_notes
from fluxsecrets.ops.policy.strangers import compare_with_rule
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.repo.environments import load_environments
from fluxsecrets.repo.tree import open_tree
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.naming import name_of, short_recipient, whole_recipient
from fluxsecrets.sops.recipients import Recipient, recipient_key


@dataclass(frozen=True, slots=True)
class RecipientFiles:
    """One recipient and its files.

    Attributes:
        name: a name, or the shortened key.
        kind: such as `age`.
        recipient: the key, shortened where it is long; nothing that could be a private key.
        whole: the same, not shortened.
        not_in_rule: those of them whose rule does not name it.
        missing: those whose rule names it, and that are not encrypted for it.
        environments: how many files of each environment are encrypted for it, and `""` for those of none;
            a file that two share counts in both.
    """

    name: str
    kind: str
    recipient: str
    whole: str
    files: tuple[str, ...]
    not_in_rule: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    environments: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecipientList:
    """All recipients of some files.

    Attributes:
        recipients: those who open most files first.
        files: how many encrypted files were looked at.
        errors: files that could not be read.
        environments: the columns of the matrix, `""` for files of none; empty where it was about some files.
    """

    recipients: tuple[RecipientFiles, ...]
    files: int
    errors: tuple[FluxsecretsError, ...] = ()
    environments: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Look:
    """What one file says, and what its rule says."""

    path: str
    recipients: tuple[Recipient, ...] = ()
    strangers: tuple[Recipient, ...] = ()
    missing: tuple[Recipient, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    error: FluxsecretsError | None = None


def list_recipients(
    session: Session, paths: Sequence[str] = (), environment: str | None = None
) -> RecipientList:
    """Who can read files; no identity is needed.

    Without paths and environment, this lists the whole repository by environment.
    """
    selection = select(session, paths, environment)
    targets, notes = encrypted_targets(session, selection)
    environments = _environment_files(session) if not paths and environment is None else {}
    names = read_public_keys(selection.root)
    notes = (*notes, *override_notes(session, [target.path for target in targets], names))
    where = _environments_of(targets, environments)
    looks = tuple(run_jobs(partial(_look, session), targets))
    known: dict[tuple[str, str], Recipient] = {}
    named = dict(names)
    opens: dict[tuple[str, str], list[str]] = {}
    strange: dict[tuple[str, str], list[str]] = {}
    missing: dict[tuple[str, str], list[str]] = {}
    for look in looks:
        named |= look.names
        for table, found in ((opens, look.recipients), (strange, look.strangers), (missing, look.missing)):
            for key, recipient in {recipient_key(each): each for each in found}.items():
                known.setdefault(key, recipient)
                table.setdefault(key, []).append(look.path)
    rows = [
        RecipientFiles(
            name_of(recipient, named),
            recipient.kind,
            short_recipient(recipient),
            whole_recipient(recipient),
            tuple(opens.get(key, ())),
            tuple(strange.get(key, ())),
            tuple(missing.get(key, ())),
            _counted(opens.get(key, ()), where),
        )
        for key, recipient in known.items()
    ]
    rows.sort(key=lambda row: (-len(row.files), row.name))
    errors = tuple(look.error for look in looks if look.error is not None)
    elsewhere = (ELSEWHERE,) if any(ELSEWHERE in row.environments for row in rows) else ()
    columns = (*environments, *elsewhere) if environments else ()
    return RecipientList(tuple(rows), len(looks) - len(errors), errors, columns, notes)


def _environments_of(
    targets: Sequence[Target], environments: Mapping[str, frozenset[str]]
) -> Mapping[str, tuple[str, ...]]:
    """The environments of each file, as shown; `""` for one of none."""
    return {
        target.shown: tuple(name for name, own in environments.items() if target.repository_path in own)
        or (ELSEWHERE,)
        for target in (targets if environments else ())
    }


def _counted(paths: Sequence[str], where: Mapping[str, tuple[str, ...]]) -> Mapping[str, int]:
    return dict(Counter(name for path in paths for name in where.get(path, ())))


def _environment_files(session: Session) -> Mapping[str, frozenset[str]]:
    """The files of every environment of the repository, by its name; none outside of git.

    Raises:
        ConfigError: the settings are invalid.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    if tree.repository is None:
        return {}
    found = load_environments(tree)
    return {each.name: each.files | frozenset(each.generator_files) for each in found}


def _look(session: Session, target: Target) -> _Look:
    try:
        if target.problem is not None:
            raise target.problem
        content = read_file(target.path, limit=session.limits.size)
        document = parse(make_format(target.format), content.data, session.limits)
        if document.metadata is None:
            raise NotEncryptedError(
                "the file is not encrypted", hint="encrypt it with `fluxsecrets encrypt FILE`"
            )
        differences = compare_with_rule(session, target.path, document.metadata, document)
        rule = session.rule_for(target.path)
    except FluxsecretsError as error:
        error.path = error.path if error.path != str(target.path) else target.shown
        return _Look(target.shown, error=error.in_file(target.shown))
    return _Look(
        target.shown,
        tuple(flat(document.metadata.recipients)),
        differences.strangers,
        differences.missing,
        rule.names if rule is not None else {},
    )
