"""Check SealedSecrets without a cluster: does each value open, in its place, with the keys at hand?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.files.sealingkeys import load_keys
from fluxsecrets.ops.manifests.manifestfiles import SEALED, find_manifests
from fluxsecrets.ops.manifests.placement import NOWHERE, Place, read_placement
from fluxsecrets.ops.run.inputs import Input, Target
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.sealed.keys import SealingKey
from fluxsecrets.sealed.model import is_sealed, read_sealed
from fluxsecrets.sealed.scopes import Scope
from fluxsecrets.sealed.validating import ValueVerdict, Verdict, validate_values
from fluxsecrets.sops.formats import Limits


@dataclass(frozen=True, slots=True)
class ValidateRequest:
    """What to check, and with what: the parameters of the command.

    Attributes:
        namespace: for SealedSecrets that name none, if the repository does not show where Flux puts them.
    """

    paths: tuple[str, ...] = ()
    environment: str | None = None
    everything: bool = False
    private_keys: tuple[Path, ...] = ()
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class ValidatedSealed:
    """A checked SealedSecret.

    Attributes:
        path: its file, as shown to the user.
        name, namespace: in the cluster, where kustomize may have changed them.
        values: in the order of the file.
    """

    path: str
    line: int | None
    name: str
    namespace: str
    scope: Scope
    values: tuple[ValueVerdict, ...]

    @property
    def is_good(self) -> bool:
        """Whether all values open."""
        return all(each.verdict is Verdict.OPENS for each in self.values)


@dataclass(frozen=True, slots=True)
class Validation:
    """All checked SealedSecrets.

    Attributes:
        keys: the number of private keys that were at hand.
        errors: files that could not be checked.
    """

    items: tuple[ValidatedSealed, ...]
    keys: int
    errors: tuple[FluxsecretsError, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 if all values open, 1 if one does not or that can't be told, 2 if a file can't be checked."""
        return 2 if self.errors else 0 if all(each.is_good for each in self.items) else 1


def validate(session: Session, request: ValidateRequest) -> Validation:
    """Check the SealedSecrets of files, an environment or the repository.

    Raises:
        UsageError: nothing was named, or in several ways.
        IdentityError, FileAccessError: a private key can't be read.
        ConfigError: the environment does not exist.
    """
    files = find_manifests(session, request.paths, request.environment, SEALED, everything=request.everything)
    keys = load_keys(session, request.private_keys, required=False)
    placement = read_placement(files.tree) if files.tree.repository is not None else None
    jobs = [
        _Job(target, placement.of(path) if placement is not None else {})
        for target, path in zip(files.targets(session), files.paths, strict=True)
    ]
    results = list(run_jobs(partial(_checked, keys, request.namespace, session.limits), jobs))
    return Validation(
        tuple(item for items, _ in results for item in items),
        len(keys),
        (
            *(each.error for each in files.failed if each.error is not None),
            *(error for _, error in results if error is not None),
        ),
        files.notes,
    )


def validate_given(session: Session, request: ValidateRequest, given: Input) -> Validation:
    """Check the SealedSecrets of one content.

    Raises:
        FormatError: it contains no SealedSecret, or is not YAML or JSON.
        IdentityError, FileAccessError: a private key can't be read.
    """
    keys = load_keys(session, request.private_keys, required=False)
    items = _items(given.data, given.target.shown, {}, keys, request.namespace, session.limits)
    if not items:
        raise _no_sealed().in_file(given.target.shown)
    return Validation(items, len(keys))


@dataclass(frozen=True, slots=True)
class _Job:
    """A file to check, and where Flux puts its objects, by document."""

    target: Target
    places: Mapping[int, Place]


_Checked = tuple[tuple[ValidatedSealed, ...], FluxsecretsError | None]


def _checked(keys: Sequence[SealingKey], namespace: str | None, limits: Limits, job: _Job) -> _Checked:
    target = job.target
    try:
        data = read_file(target.path, limit=limits.size).data
        items = _items(data, target.shown, job.places, keys, namespace, limits)
        if not items and target.named:
            raise _no_sealed()
    except FluxsecretsError as error:
        error.path = error.path if error.path != str(target.path) else target.shown
        return (), error.in_file(target.shown)
    return items, None


def _items(
    data: bytes,
    shown: str,
    places: Mapping[int, Place],
    keys: Sequence[SealingKey],
    namespace: str | None,
    limits: Limits,
) -> tuple[ValidatedSealed, ...]:
    """Check each SealedSecret of a content, once for each namespace in which Flux applies it."""
    found = []
    for manifest in read_manifests(data, shown, limits).manifests:
        if not is_sealed(manifest):
            continue
        try:
            sealed = read_sealed(manifest.node)
        except FluxsecretsError as error:
            error.line = error.line or manifest.line
            raise error.in_file(shown) from None
        place = places.get(manifest.index, NOWHERE) if not manifest.in_list else NOWHERE
        name = place.names[0] if len(place.names) == 1 else sealed.name
        for where in place.namespaces or (sealed.namespace or namespace or "",):
            placed = replace(sealed, namespace=where, name=name)
            values = validate_values(placed, keys)
            found.append(ValidatedSealed(shown, manifest.line, name, where, sealed.scope, values))
    return tuple(found)


def _no_sealed() -> FormatError:
    return FormatError("it contains no SealedSecret", hint="name a file with SealedSecrets")
