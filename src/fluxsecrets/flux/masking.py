"""Hide the values of Secrets in what Flux would apply, wherever they got to.

Two ways lead from a Secret into another object. One is known by its origin: a field that Flux decrypts, or
that a variable from a Secret changes, is hidden as a whole. The other is known by the value: replacements and
patches copy it, an annotation repeats it, in base64 or inside JSON. It is hidden in every text that has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

from fluxsecrets.marks import is_ciphertext
from fluxsecrets.repo.decryption import Fate
from fluxsecrets.repo.manifests import Plain, Steps, dig_steps
from fluxsecrets.repo.objects import Object

from .derived import differing, without_derived
from .model import KustomizationVerdict, ObjectVerdict
from .store import Store
from .unknown import is_unknown
from .valueforms import COMMON, value_forms

MASK: Final = "********"
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"

_SHORTEST = 4
"""Characters of a value that is hidden where a text equals it. `1` and `80` tell nothing."""

_KEY = re.compile(r"[-._A-Za-z0-9]+")
_IDENTITY = frozenset({("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")})

Key = tuple[str, str | None, str]


class Masker:
    """What is hidden in an environment."""

    def __init__(self, verdicts: Iterable[KustomizationVerdict]) -> None:
        """Collect the values of all Secrets, and follow them through variables until nothing is new."""
        self._verdicts = tuple(verdicts)
        self._values: set[str] = set()
        self._lines: set[str] = set()
        self._secret_keys: dict[Key, set[str]] = {}
        self._inline: dict[tuple[str | None, str] | None, set[str]] = {}
        self._from_files: dict[int, frozenset[Steps]] = {}
        for verdict in self._verdicts:
            if any(source.treatment.fate is Fate.DECRYPTED for source in verdict.sources):
                self._from_files |= _from_files(verdict)
            for each in verdict.objects:
                self._collect(each)
        while self._spread():
            pass
        self._derived = frozenset(chain.from_iterable(map(self._made_of_values, self._verdicts)))
        self._pattern = value_forms(self._values, self._lines, words=True)
        self._strong = value_forms(self._values, self._lines, words=False)

    def data(self, verdict: KustomizationVerdict, each: ObjectVerdict) -> Plain:
        """Return an object's data as it is applied, with what is secret hidden."""
        data = applied_data(each)
        written = each.item.data if each.item.manifest is not None and not each.item.patched_by else {}
        hidden = frozenset(self._hidden(verdict, each, data))
        found = self._masked(data, written, (), hidden)
        assert isinstance(found, dict)  # noqa: S101 - a map stays one
        return found

    def text(self, text: str) -> str:
        """Return a message without the values; plain words stay, since they are in names and paths, too."""
        shown = self._strong.sub(MASK, text) if self._strong is not None else text
        return without_derived(shown, self._derived, MASK)

    # Collecting.

    def _collect(self, each: ObjectVerdict) -> None:
        data = applied_data(each)
        if _is_secret(each.item):
            for held in Store().with_objects((each,), None).held.values():
                self._values |= {value for value in held.values.values() if value is not None}
                self._secret_keys[_key(each.item)] = set(held.values)
            for place in ("data", "stringData"):
                for _, value in _leaves(data.get(place)):
                    self._add(value)
                # A file that is read as lines of `KEY=VALUE`, and is something else, has values for keys.
                self._lines |= {key for key in _keys(data.get(place)) if not _KEY.fullmatch(key)}
        for steps, value in _leaves(data):
            if steps not in _IDENTITY and is_ciphertext(dig_steps(each.item.data, steps)):
                self._add(value)
        for steps in self._from_files.get(id(each), ()):
            self._add(dig_steps(data, steps))

    def _add(self, value: object) -> None:
        if isinstance(value, str | int | float) and not is_unknown(value) and not is_ciphertext(value):
            self._values.add(_text(value))

    def _spread(self) -> bool:
        """Follow values from variables into ConfigMaps and child Kustomizations; whether one is new."""
        before = (sum(map(len, self._secret_keys.values())), sum(map(len, self._inline.values())))
        for verdict in self._verdicts:
            for each in verdict.objects:
                if each.item.kind not in ("ConfigMap", "Kustomization"):
                    continue
                data = applied_data(each)
                for steps in self._hidden(verdict, each, data):
                    self._follow(each.item, steps)
                    self._add(dig_steps(data, steps))
        return before != (sum(map(len, self._secret_keys.values())), sum(map(len, self._inline.values())))

    def _follow(self, item: Object, steps: Steps) -> None:
        if item.kind == "ConfigMap" and steps[:1] == ("data",) and len(steps) > 1:
            self._secret_keys.setdefault(_key(item), set()).add(str(steps[1]))
        elif steps[:3] == ("spec", "postBuild", "substitute") and len(steps) > 3:
            self._inline.setdefault((item.namespace, item.name), set()).add(str(steps[3]))

    # Where it is known by its origin.

    def _names(self, verdict: KustomizationVerdict) -> set[str]:
        """The variables of a Kustomization that hold a Secret's value."""
        kustomization = verdict.applied.kustomization
        if kustomization is None:
            return set()
        names = set(self._inline.get(verdict.applied.key, ()))
        for source in kustomization.substitute_from:
            names |= self._secret_keys.get((source.kind, kustomization.namespace, source.name), set())
        return names

    def _made_of_values(self, verdict: KustomizationVerdict) -> Iterator[str]:
        """The texts in its objects that a value has a part in, apart from Secrets."""
        for each in verdict.objects:
            if _is_secret(each.item) or each.data is None:
                continue
            from_files = self._from_files.get(id(each), frozenset())
            for steps in self._hidden(verdict, each, each.data):
                built = None if steps in from_files else dig_steps(each.item.data, steps)
                yield from differing(built, dig_steps(each.data, steps))

    def _hidden(self, verdict: KustomizationVerdict, each: ObjectVerdict, data: Plain) -> Iterator[Steps]:
        """The places in an object that are hidden as a whole."""
        built = each.item.data
        if _is_secret(each.item):
            yield from (("data",), ("stringData",), ("metadata", "annotations", LAST_APPLIED))
        yield from self._from_files.get(id(each), ())
        names = self._names(verdict)
        uses = _uses(names) if names and each.substituted else None
        if uses is not None and any(uses.search(key) for key in _keys(built)):
            yield from ((key,) for key in data if key not in ("apiVersion", "kind"))
            return
        for steps, value in _leaves(built):
            if is_ciphertext(value) or (uses is not None and isinstance(value, str) and uses.search(value)):
                yield steps

    def _masked(self, value: Any, written: object, steps: Steps, hidden: frozenset[Steps]) -> Any:
        if steps in hidden:
            return _hide(value)
        if isinstance(value, dict):
            return {
                self._key_masked(key): self._masked(
                    item, written.get(key) if isinstance(written, dict) else None, (*steps, key), hidden
                )
                for key, item in value.items()
            }
        if isinstance(value, list):
            before = written if isinstance(written, list) else []
            if len(before) != len(value):
                before = [None] * len(value)
            return [self._masked(item, before[at], (*steps, at), hidden) for at, item in enumerate(value)]
        if value is None or isinstance(value, bool) or is_unknown(value) or steps in _IDENTITY:
            return value
        return self._leaf(value, as_written=value == written)

    def _key_masked(self, key: object) -> object:
        return self._strong.sub(MASK, key) if self._strong is not None and isinstance(key, str) else key

    def _leaf(self, value: object, *, as_written: bool) -> object:
        text = _text(value)
        if text in self._values and len(text) >= _SHORTEST and text.lower() not in COMMON:
            return MASK
        pattern = self._strong if as_written else self._pattern
        if pattern is None or not pattern.search(text):
            return value
        return pattern.sub(MASK, text)


def _from_files(verdict: KustomizationVerdict) -> dict[int, frozenset[Steps]]:
    """The places, by object, that differ because files of generators and patches were decrypted first.

    The build of the encrypted files has the same objects in the same order. If it does not, everything counts
    but what an object is.
    """
    closed = verdict.applied.built
    same = len(closed) == len(verdict.objects)
    found = {}
    for number, each in enumerate(verdict.objects):
        before = closed[number].data if same and closed[number].kind == each.item.kind else {}
        found[id(each)] = frozenset(
            steps
            for steps, value in _leaves(each.item.data)
            if steps not in _IDENTITY and dig_steps(before, steps) != value
        )
    return found


def applied_data(each: ObjectVerdict) -> Plain:
    """An object's data as it is applied, or as it is built where no more is known."""
    return each.data if each.data is not None else each.item.data


def _hide(value: Any) -> Any:
    """A value without anything of it; its keys stay."""
    if isinstance(value, dict):
        return {key: _hide(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hide(item) for item in value]
    if value is None or value == "" or is_unknown(value) or is_ciphertext(value):
        return value
    return MASK


def _uses(names: Iterable[str]) -> re.Pattern[str]:
    """Finds texts in which one of these variables may be replaced."""
    either = "|".join(map(re.escape, sorted(names)))
    return re.compile(rf"\$(?s:.*)(?<![A-Za-z0-9_])(?:{either})(?![A-Za-z0-9_])")


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _leaves(value: object, steps: Steps = ()) -> Iterator[tuple[Steps, object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*steps, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _leaves(item, (*steps, at))
    else:
        yield steps, value


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)


def _is_secret(item: Object) -> bool:
    return item.kind == "Secret"


def _key(item: Object) -> Key:
    return (item.kind, item.namespace, item.name)
