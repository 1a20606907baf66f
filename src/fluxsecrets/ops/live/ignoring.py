"""What `spec.ignore` of a Kustomization excludes from its Secrets.

Follows `CompileIgnoreRules` of fluxcd/pkg's ssa/jsondiff: JSON pointers for the objects of a target.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fluxsecrets.repo.kustomize.patches import PatchError, Target, read_target, selects
from fluxsecrets.repo.manifests import dig, maps, texts
from fluxsecrets.repo.objects import Object


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """One entry of `spec.ignore`.

    Attributes:
        target: the objects that it is for; None for all.
        paths: JSON pointers.
    """

    target: Target | None
    paths: tuple[str, ...]

    def is_for(self, item: Object) -> bool:
        """Whether it is for an object; never where its target can't be read."""
        try:
            return self.target is None or selects(self.target, item.data, ((item.namespace, item.name),))
        except PatchError:
            return False


def read_rules(kustomization: Object) -> Iterator[IgnoreRule]:
    """Return the entries of a Kustomization's `spec.ignore`."""
    for entry in maps(kustomization.data, "spec", "ignore"):
        yield IgnoreRule(read_target(dig(entry, "target")), texts(entry, "paths"))


def ignored_keys(rules: Iterable[IgnoreRule], item: Object) -> frozenset[str] | None:
    """Return the keys in `data` of a Secret in which differences are ignored; None for all keys."""
    keys = set()
    for path in (path for rule in rules if rule.is_for(item) for path in rule.paths):
        if path in ("", "/data"):
            return None
        start, _, key = path.removeprefix("/").partition("/")
        if start == "data":
            keys.add(key.replace("~1", "/").replace("~0", "~"))
    return frozenset(keys)
