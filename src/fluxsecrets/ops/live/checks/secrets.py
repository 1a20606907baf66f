"""Whether the cluster's Secrets are those that Flux would apply, with their keys, values and types."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from fluxsecrets.cluster.model import Gap, LiveSecret
from fluxsecrets.flux.common import OWNER
from fluxsecrets.ops.live.causes import cause_of, reconcile
from fluxsecrets.ops.live.commands import kubectl
from fluxsecrets.ops.live.drift import Drift, drift_of
from fluxsecrets.ops.live.expected import ExpectedSecret, Policy, policy_of
from fluxsecrets.ops.live.messages import listed
from fluxsecrets.ops.live.model import Check, CheckInfo, LiveFinding, Standing, Subject
from fluxsecrets.ops.live.situation import Situation
from fluxsecrets.shell import command_for

INFO = CheckInfo("secrets", "Secrets that Flux applies")


def check(situation: Situation) -> Iterator[LiveFinding]:
    """Compare each Secret that Flux applies with the cluster's."""
    closed: list[ExpectedSecret] = []
    hidden: list[ExpectedSecret] = []
    applied: dict[tuple[str, str], list[ExpectedSecret]] = defaultdict(list)
    for each in situation.expected.secrets:
        if not each.is_prefix:
            applied[each.key].append(each)
    for secrets in applied.values():
        yield from _compared(situation, secrets, closed, hidden)
    closed += [each for each in situation.expected.secrets if each.is_prefix]
    refused = [each for each in closed if each.refused]
    closed = [each for each in closed if not each.refused]
    yield from _not_compared(
        closed, "none of your identities can decrypt them", "run this with a key that can"
    )
    why = command_for("verify", environment=situation.environment.name)
    yield from _not_compared(refused, "Flux refuses them as they are here", f"`{why}` says why")
    yield from _not_compared(hidden, "the dump hides them", "")
    yield from _not_known(situation)
    for item in situation.expected.unplaced:
        yield INFO.unknown(
            None,
            "a Secret's name or namespace is not known here, so it is not compared",
            at=item,
        )


def _compared(
    situation: Situation,
    secrets: list[ExpectedSecret],
    closed: list[ExpectedSecret],
    hidden: list[ExpectedSecret],
) -> Iterator[LiveFinding]:
    """Compare a Secret. If several Kustomizations apply it, the last one of them decided, or any."""
    first = secrets[0]
    live = situation.cluster.secrets.get(*first.key)
    if isinstance(live, Gap):
        yield INFO.gap(live, _subject(first), first)
        return
    if live is None:
        yield _missing(situation, first)
        return
    drifts = [(drift_of(each, live), each) for each in secrets]
    drift, expected = min(drifts, key=lambda each: (each[0].type is not None, len(each[0].keys)))
    if drift.closed:
        closed.append(expected)
    if drift.hidden:
        hidden.append(expected)
    if drift.keys or drift.type is not None:
        yield _differs(situation, expected, live, drift)
    elif drift.ignored:
        message = f"{listed(drift.ignored)} differs, and may, by `spec.ignore` of its Kustomization"
        yield _finding(expected, message, standing=Standing.INTENDED)


def _missing(situation: Situation, expected: ExpectedSecret) -> LiveFinding:
    cause = cause_of(situation, expected.owner)
    if not expected.policy.creates:
        return _finding(
            expected,
            f"the cluster does not have it; Flux leaves it out, by `{expected.policy}`",
            standing=Standing.INTENDED,
        )
    message = "the cluster does not have it"
    if cause is not None:
        return _finding(expected, f"{message}: {cause.text}", cause.hint, cause.standing)
    return _finding(expected, message, _restore(situation, expected, "makes Flux apply it now"))


def _differs(situation: Situation, expected: ExpectedSecret, live: LiveSecret, drift: Drift) -> LiveFinding:
    policy = _policy(expected, live)
    message = "; ".join(_parts(drift, expected))
    by_hand = drift.by is not None and not drift.by.is_flux
    if by_hand and drift.by is not None:
        message = f"{message}; changed by {drift.by.shown}"
    if not policy.restores and policy is not expected.policy:
        message = f"{message}; Flux leaves that alone, by `{policy}` in the cluster only"
        return _finding(expected, message, _take_over(situation, live, policy))
    if not policy.restores or (
        policy is Policy.MERGES and not (drift.differs or drift.missing or drift.type)
    ):
        return _finding(
            expected, f"{message}; Flux leaves that alone, by `{policy}`", standing=Standing.INTENDED
        )
    cause = cause_of(situation, expected.owner)
    if cause is not None:
        return _finding(expected, f"{message}: {cause.text}", cause.hint, cause.standing)
    return _finding(expected, message, _remedy(situation, expected, live, drift))


def _parts(drift: Drift, expected: ExpectedSecret) -> Iterator[str]:
    if drift.type is not None:
        yield f"its type is {drift.type!a} in the cluster, and {expected.type!a} in the repository"
    if drift.differs:
        yield f"{listed(drift.differs)} {'differs' if len(drift.differs) == 1 else 'differ'}"
    if drift.missing:
        yield f"the cluster lacks {listed(drift.missing)}"
    if drift.extra:
        yield f"only the cluster has {listed(drift.extra)}"


def _remedy(situation: Situation, expected: ExpectedSecret, live: LiveSecret, drift: Drift) -> str:
    """What to do about a difference that has no other cause."""
    if drift.type is not None or live.item.data.get("immutable") is True:
        what = "a type can't be changed" if drift.type is not None else "it is immutable"
        delete = kubectl(
            situation.cluster.origin, "delete", "secret", expected.name, "-n", expected.namespace
        )
        return f"{what}: `{delete}` makes Flux create it anew; until then, what uses it may fail"
    if drift.by is not None and drift.by.is_flux:
        return "Flux has set it: what is in the repository here may not be pushed, or not be applied yet"
    if drift.extra == drift.keys and drift.by is not None and not drift.by.is_undone:
        edit = kubectl(situation.cluster.origin, "edit", "secret", expected.name, "-n", expected.namespace)
        return (
            f"Flux leaves keys of other programs alone: `{edit}` can remove it; if it belongs there, give "
            f"the Secret the annotation `{OWNER}/ssa: Merge`"
        )
    return _restore(situation, expected, "puts it back")


def _restore(situation: Situation, expected: ExpectedSecret, what: str) -> str:
    return f"`{reconcile(situation, expected.owner)}` {what}" if expected.owner is not None else ""


def _take_over(situation: Situation, live: LiveSecret, policy: Policy) -> str:
    """How Flux gets a Secret back that an annotation or a label in the cluster keeps from it."""
    entry = f"{OWNER}/{policy.partition(':')[0]}"
    verb = "label" if entry in live.item.labels else "annotate"
    namespace, name = live.item.key
    command = kubectl(situation.cluster.origin, verb, "secret", name, f"{entry}-", "-n", namespace)
    return f"`{command}` makes Flux put it back; to keep it so, give it the same entry in the repository"


def _policy(expected: ExpectedSecret, live: LiveSecret) -> Policy:
    """What Flux does with changes: what the cluster's object says counts where it says to leave it alone."""
    on_live = policy_of((live.item.labels, live.item.annotations))
    return on_live if on_live in (Policy.DISABLED, Policy.IGNORES) else expected.policy


def _not_known(situation: Situation) -> Iterator[LiveFinding]:
    """The Kustomizations with Secrets that nothing here compares."""
    why = command_for("verify", environment=situation.environment.name)
    for verdict, item, key in situation.kustomizations:
        subject, owner = Subject("Kustomization", *key), situation.expected.owners[key]
        if owner.remote:
            if any(each.item.is_secret for each in verdict.objects):
                yield INFO.unknown(subject, "its Secrets are in another cluster, and not compared", at=item)
        elif not owner.built:
            message = "what it applies is not all known here, so that some of its Secrets may not be compared"
            yield INFO.unknown(subject, message, hint=f"`{why}` says why", at=item)


def _not_compared(secrets: Iterable[ExpectedSecret], why: str, hint: str) -> Iterator[LiveFinding]:
    """One finding for all Secrets with values that can't be compared for the same reason."""
    names = sorted({"/".join(each.key) for each in secrets})
    if names:
        what = f"{len(names)} Secrets have values" if len(names) > 1 else f"Secret {names[0]} has values"
        details = tuple(names) if len(names) > 1 else ()
        yield INFO.unknown(None, f"{what} that can't be compared: {why}", hint=hint, details=details)


def _subject(expected: ExpectedSecret) -> Subject:
    return Subject("Secret", expected.namespace, expected.name)


def _finding(
    expected: ExpectedSecret, message: str, hint: str = "", standing: Standing = Standing.WRONG
) -> LiveFinding:
    return INFO.found(standing, _subject(expected), message, hint, at=expected)


CHECK = Check(INFO, check)
