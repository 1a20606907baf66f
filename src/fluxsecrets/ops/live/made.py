"""Secrets that a controller makes of another object: whether they are there, and have their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fluxsecrets.cluster.model import Gap, LiveObject, LiveSecret
from fluxsecrets.flux.unknown import is_unknown
from fluxsecrets.repo.manifests import dig, maps, text
from fluxsecrets.repo.objects import Object

from .causes import cause_of, reconcile
from .expected import Maker
from .messages import listed
from .model import CheckInfo, LiveFinding, Subject
from .situation import Situation


def subject_of(maker: Maker) -> Subject:
    """Return the object as findings name it."""
    return Subject(maker.item.kind, *maker.key)


def missing(info: CheckInfo, situation: Situation, maker: Maker, gap: Gap | None) -> LiveFinding:
    """Return the finding for an object that the cluster lacks, or that can't be read."""
    subject, item = subject_of(maker), maker.item
    if gap is not None:
        return info.gap(gap, subject, item)
    if not maker.policy.creates:
        return info.intended(
            subject, f"the cluster does not have it; Flux leaves it out, by `{maker.policy}`", at=item
        )
    cause = cause_of(situation, maker.owner)
    if cause is not None:
        message = f"the cluster does not have it: {cause.text}"
        return info.found(cause.standing, subject, message, cause.hint, at=item)
    again = (
        f"`{reconcile(situation, maker.owner)}` makes Flux apply it now" if maker.owner is not None else ""
    )
    return info.wrong(subject, "the cluster does not have it", hint=again, at=item)


def edited(
    info: CheckInfo, situation: Situation, maker: Maker, live: LiveObject, fields: Iterable[str]
) -> Iterator[LiveFinding]:
    """Find what of an object is not as the repository has it: what a controller makes of it is not either.

    Args:
        info: of the check.
        situation: the environment and its cluster.
        maker: the object as Flux applies it.
        live: as the cluster has it; of a saved dump, without some fields.
        fields: of `spec`.
    """
    written, there = dig(maker.item.data, "spec"), dig(live.data, "spec")
    if not maker.policy.restores or not isinstance(there, dict) or not isinstance(written, dict):
        return
    kept = (each for each in fields if each in there)
    differ = [f"spec.{each}" for each in kept if not _is_within(written.get(each), there[each])]
    if not differ:
        return
    message = f"{' and '.join(differ)} {'differ' if len(differ) > 1 else 'differs'} from the repository"
    cause = cause_of(situation, maker.owner)
    if cause is not None:
        message = f"{message}: {cause.text}"
        yield info.found(cause.standing, subject_of(maker), message, cause.hint, at=maker.item)
        return
    again = f"`{reconcile(situation, maker.owner)}` puts it back" if maker.owner is not None else ""
    yield info.wrong(subject_of(maker), message, hint=again, at=maker.item)


def _is_within(written: object, there: object) -> bool:
    """Whether data is as it is written; the API server adds defaults to maps."""
    if written is None or is_unknown(written) or (isinstance(written, str) and "${" in written):
        return True
    if isinstance(written, dict):
        return isinstance(there, dict) and all(
            _is_within(each, there.get(key)) for key, each in written.items()
        )
    if isinstance(written, list):
        return isinstance(there, list) and len(written) == len(there) and all(map(_is_within, written, there))
    return written == there


def judge_made(
    info: CheckInfo,
    situation: Situation,
    maker: Maker,
    name: str,
    promised: frozenset[str],
    *,
    complete: bool,
    adopts: bool,
) -> Iterator[LiveFinding]:
    """Judge the Secret that a controller says it has made.

    Args:
        info: of the check.
        situation: the environment and its cluster.
        maker: what the Secret is made of.
        name: of the Secret.
        promised: its keys.
        complete: they are all of its keys.
        adopts: the Secret may be another's.
    """
    item, subject = maker.item, subject_of(maker)
    secret = situation.cluster.secrets.get(maker.key[0], name)
    if isinstance(secret, Gap):
        yield info.gap(secret, subject, item)
        return
    if secret is None:
        yield info.wrong(subject, f"its Secret {name} is not in the cluster", at=item)
        return
    if not adopts and not _is_own(secret, item):
        hint = "delete the Secret if it is a leftover: its controller makes it anew"
        yield info.wrong(
            subject,
            f"its Secret {name} belongs to {_owner(secret)}, so nothing updates it",
            hint=hint,
            at=item,
        )
    lacks = sorted(promised - secret.digests.keys())
    more = sorted(secret.digests.keys() - promised) if complete and not adopts else []
    parts = [f"lacks {listed(lacks)}"] if lacks else []
    parts += [f"has {listed(more)} beside what it promises"] if more else []
    if parts:
        yield info.wrong(subject, f"its Secret {name} {' and '.join(parts)}", at=item)


def _is_own(secret: LiveSecret, item: Object) -> bool:
    return any(
        (each.get("kind"), each.get("name")) == (item.kind, item.name)
        for each in maps(secret.item.data, "metadata", "ownerReferences")
    )


def _owner(secret: LiveSecret) -> str:
    for each in maps(secret.item.data, "metadata", "ownerReferences"):
        return f"{text(each, 'kind') or 'something'} {text(each, 'name') or ''}".strip()
    return "nobody"
