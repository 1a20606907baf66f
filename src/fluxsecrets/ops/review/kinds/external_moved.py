"""ExternalSecrets and stores that read from another place than before."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.external.model import GROUP, Store, read_store
from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.change import Change, Compared
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.ops.review.objects import objects

from .kind import Kind, counted, describe, item

INFO = describe(
    "external-moved",
    Severity.MEDIUM,
    "a value comes from another place",
    why="The cluster reads the value from there with its own rights: from another team's secret, or from a "
    "server that somebody else runs.",
    fix="check that the new place is right, and who can write there",
)


_PUSHING = ("PushSecret", "ClusterPushSecret")


def check(change: Change) -> Iterator[ReviewItem]:
    """Compare the sources of ExternalSecrets, and where stores read."""
    for each in change.compared:
        moved = [one for one in each.diff.references if one.before is not None and one.after is not None]
        if moved:
            yield item(
                INFO,
                each.path,
                f"{counted(len(moved), 'value')} of an ExternalSecret from another place",
                "values",
                environments=change.environments_of(each.change),
                line=moved[0].line,
                object_=moved[0].object,
                details=[f"{one.key}: {one.after}, and was {one.before}" for one in moved],
            )
        yield from _stores(change, each)
        yield from _pushed(change, each)


def _stores(change: Change, each: Compared) -> Iterator[ReviewItem]:
    before, after = objects(change, each)
    for identity, manifest in after.items():
        store = read_store(manifest)
        old = read_store(before[identity]) if identity in before else None
        if store is None or old is None:
            continue
        changed = _changed(old, store)
        if changed:
            yield item(
                INFO,
                each.path,
                f"the store reads elsewhere: {', '.join(changed)}",
                *identity,
                environments=change.environments_of(each.change),
                line=store.line,
                object_="/".join(filter(None, identity)),
                severity=Severity.HIGH,
            )


def _pushed(change: Change, each: Compared) -> Iterator[ReviewItem]:
    """New PushSecrets, which copy a Secret of the cluster into a store."""
    before, after = objects(change, each)
    for identity, manifest in after.items():
        if identity[0] in _PUSHING and manifest.group == GROUP and identity not in before:
            yield item(
                INFO,
                each.path,
                "the cluster copies a Secret to a store",
                *identity,
                environments=change.environments_of(each.change),
                line=manifest.line,
                object_="/".join(filter(None, identity)),
            )


def _changed(old: Store, new: Store) -> list[str]:
    """The names of what differs; the settings may hold addresses, and are not shown."""
    if old.providers != new.providers:
        return [f"provider {', '.join(new.providers)}, and was {', '.join(old.providers)}"]
    names = sorted({*old.settings, *new.settings})
    found = [f"{name} changed" for name in names if old.settings.get(name) != new.settings.get(name)]
    if old.namespaces and set(new.namespaces) - set(old.namespaces):
        found.append("more namespaces may use it")
    elif old.namespaces and not new.namespaces:
        found.append("every namespace may use it")
    return found


KIND = Kind(INFO, check)
