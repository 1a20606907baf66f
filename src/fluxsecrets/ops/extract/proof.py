"""Prove that Flux applies the same after values moved to Secrets, before anything is written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError, UnprotectedError
from fluxsecrets.ops.propose.proof import judge_all, load_only, refuse_worse
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.helmvalues import ValuesReference, compose, is_release, same_values
from fluxsecrets.repo.manifests import Plain, dig, pairs
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect
from fluxsecrets.repo.references import Use, uses
from fluxsecrets.repo.settings import Settings
from fluxsecrets.repo.tree import Tree, with_planned

from .applied import Applied, reference_names
from .held import Held, all_in, value_in
from .places.podenv import POD_SPECS
from .reading import as_read

_NOTHING = "nothing was written"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to be proved.

    Attributes:
        manifests: the files that values are taken out of.
        secrets: the files of their Secrets, in plain text. Not in the repr.
        changed: all files with their new contents, the Secrets encrypted.
    """

    manifests: frozenset[str]
    secrets: Mapping[str, bytes] = field(repr=False)
    changed: Mapping[str, bytes] = field(repr=False)


def reaching(tree: Tree, settings: Settings, manifests: frozenset[str]) -> tuple[Environment, ...]:
    """The environments in which Flux reads one of some files."""
    return tuple(each for each in load_only(tree, settings, manifests) if each.graph.files & manifests)


def prove(
    session: Session,
    tree: Tree,
    settings: Settings,
    before: Collection[Environment],
    proposal: Proposal,
    *,
    allow_undecrypted: bool = False,
) -> tuple[str, ...]:
    """Make sure that Flux applies the same as before in each environment, and decrypts the Secrets.

    Args:
        session: the run.
        tree: the repository.
        settings: its settings.
        before: the environments in which Flux reads a manifest; see `reaching`.
        proposal: the change.
        allow_undecrypted: Flux need not decrypt the Secrets.

    Returns:
        What Flux would apply as ciphertext all the same, one sentence each.

    Raises:
        UnprotectedError: the values of a release or another object would differ, or Flux would apply a Secret
            as ciphertext or refuse the change; with the reason.
    """
    if not before:
        return ()
    names = {each.name for each in before}
    files = frozenset(proposal.changed)
    plain = with_planned(tree, {**proposal.changed, **proposal.secrets})
    after = [each for each in load_only(plain, settings, files, names) if each.name in names]
    for old, new in _by_name(before, after):
        _compare(old, new, proposal)
    encrypted = with_planned(tree, proposal.changed)
    judged = judge_all(session, load_only(encrypted, settings, files, names), settings)
    allowed = proposal.secrets if allow_undecrypted else ()
    refuse_worse(judge_all(session, before, settings), judged, files, allowed)
    return tuple(
        f"Flux would apply a ciphertext in {environment}: {outcome.reason}"
        for (environment, _), verdict in judged.named(files)
        for outcome in verdict.outcomes
        if outcome.effect is Effect.CIPHERTEXT and outcome.path in allowed
    )


def _by_name(
    before: Iterable[Environment], after: Iterable[Environment]
) -> Iterator[tuple[Environment, Environment]]:
    found = {each.name: each for each in after}
    for each in before:
        if each.name not in found:
            raise UnprotectedError(f"Flux would no longer find the environment {each.name}", hint=_NOTHING)
        yield each, found[each.name]


_Key = tuple[tuple[str | None, str] | None, tuple[str, str, str | None, str]]


def _objects(environment: Environment) -> dict[_Key, Object]:
    return {(applied.key, item.key): item for applied, item in environment.graph.objects}


@dataclass(frozen=True, slots=True)
class _Sides:
    """An environment before and after the change.

    Attributes:
        had: what its Secrets and ConfigMaps held.
        had_in_releases: the same, with the new Secrets: they hold what the former ones held, and those are
            encrypted in the tree.
        has: what they hold.
        after: what Flux would apply.
    """

    before: Environment
    had: Held
    had_in_releases: Held
    has: Held
    after: Applied


def _compare(before: Environment, after: Environment, proposal: Proposal) -> None:
    old, new = _objects(before), _objects(after)
    made = [item for item in new.values() if item.file in proposal.secrets]
    sides = _Sides(
        before,
        had=Held.by(old.values()),
        had_in_releases=Held.by([*old.values(), *made]),
        has=Held.by(new.values()),
        after=Applied(after),
    )
    changed = {
        (item.namespace, name)
        for identity, item in old.items()
        if item.kind == "ConfigMap" and identity in new and new[identity].data != item.data
        for name in (*reference_names(item), *reference_names(new[identity]))
    }
    for identity, item in old.items():
        now = new.get(identity)
        if item.file in proposal.secrets:
            continue
        if now is None:
            raise _differs(before, item, "it would no longer be applied")
        if item.data == now.data and not (changed and _reads_any(item, changed)):
            continue
        if is_release(item.data):
            _compare_releases(sides, item, now)
        else:
            _compare_others(sides, item, now)
    for identity, item in new.items():
        if identity not in old and item.file not in proposal.secrets:
            raise _differs(before, item, "it would be applied, too")


def _reads_any(item: Object, config_maps: Collection[tuple[str | None, str]]) -> bool:
    return any(use.kind == "ConfigMap" and (use.namespace, use.name) in config_maps for use in uses(item))


def _compare_releases(sides: _Sides, old: Object, new: Object) -> None:
    try:
        one, other = (
            compose(old.data, sides.had_in_releases.resolver(old)),
            compose(new.data, sides.has.resolver(new)),
        )
    except FluxsecretsError as error:
        raise _differs(sides.before, old, error.message) from None
    added = [each for each in other.unknown if each not in one.unknown]
    if added:
        first = added[0]
        reason = f"it would not find the {first.kind} {first.name!a} with {first.key!a}"
        raise _differs(sides.before, old, reason)
    if not same_values(one.values, other.values) or one.unknown != other.unknown:
        raise _differs(sides.before, old, "its composed values would differ")
    if not same_values(_besides(old.data), _besides(new.data)):
        raise _differs(sides.before, old, "more than its values would change")


def _compare_others(sides: _Sides, old: Object, new: Object) -> None:
    if old.kind == "ConfigMap":
        _compare_config_maps(sides, old, new)
    elif _read(old, sides.had) != _read(new, sides.has):
        raise _differs(sides.before, old, "it would change")


def _read(item: Object, held: Held) -> Plain:
    def whole(kind: str, name: str) -> dict[str, str] | None:
        found = held.find(item, kind, name)
        return None if found is None else all_in(found)

    return as_read(item.data, held.resolver(item), whole)


def _compare_config_maps(sides: _Sides, old: Object, new: Object) -> None:
    """A ConfigMap may only lose keys that nothing reads any more, besides what is compared by what it reads.

    One that is generated may change, too, if only that reads it.
    """
    had, has = pairs(old.data, "data"), pairs(new.data, "data")
    lost = {key: value for key, value in had.items() if has.get(key) != value}
    without_data = ({**each.data, "data": None, "metadata": _unhashed(each)} for each in (old, new))
    kept = {**has, **lost} == had and (new.generated is not None or not lost.keys() & has.keys())
    if not kept or not same_values(*without_data):
        raise _differs(sides.before, old, "it would change")
    for item, use in sides.after.referring(new):
        reads = use.key is None or use.key in lost
        if reads and not _is_compared(item, use):
            raise _differs(sides.before, old, f"{item.kind} {item.name} still reads it")


def _is_compared(item: Object, use: Use) -> bool:
    """Whether an object is compared by what the reference reads."""
    if is_release(item.data):
        return use.via == "valuesFrom"
    return item.kind in POD_SPECS and use.via in ("env", "envFrom") and not use.likely


def _unhashed(item: Object) -> Plain:
    return {**(dig(item.data, "metadata") or {}), "name": item.name}


def _besides(release: Plain) -> Plain:
    spec = dig(release, "spec") or {}
    return {**release, "spec": {k: v for k, v in spec.items() if k not in ("values", "valuesFrom")}}


def _differs(environment: Environment, item: Object, reason: str) -> UnprotectedError:
    return UnprotectedError(
        f"Flux would apply something else in {environment.name}: {item.kind} {item.name}: {reason}",
        path=item.file,
        line=item.line,
        hint=_NOTHING,
        details=[f"a patch changes it: {place}" for place in item.patched_by],
    )


def prove_alone(old: Plain, new: Plain, secret: Plain) -> None:
    """Make sure that an object that Flux doesn't reach here has the same values.

    Args:
        old: the object as it is written.
        new: as it would be.
        secret: the Secret, in plain text.

    Raises:
        UnprotectedError: its values would differ.
    """
    if not is_release(old):
        return
    name = dig(secret, "metadata", "name")

    def resolve(reference: ValuesReference) -> str | None:
        known = reference.kind == "Secret" and reference.name == name
        return value_in(secret, reference.key) if known else None

    if not same_values(compose(old, resolve).values, compose(new, resolve).values):
        raise UnprotectedError("the composed values of the release would differ", hint=_NOTHING)
