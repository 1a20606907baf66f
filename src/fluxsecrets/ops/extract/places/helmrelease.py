"""`spec.values` of a HelmRelease: the value moves to a Secret, which `spec.valuesFrom` names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.extract.model import Edit, Extraction, LiteralValue, Moved, Wanted
from fluxsecrets.repo.helmvalues import GROUP, is_release
from fluxsecrets.repo.manifests import child, dig_steps, items_of, line_of, text_of
from fluxsecrets.sops.document import Data, Leaf, Mapping, Path, find, nested, show_path, to_data
from fluxsecrets.sops.document import Sequence as ListNode
from fluxsecrets.sops.formats.yaml.block import render_block

from .keynames import key_name, unused
from .literals import is_variable, literals_below, refuse_alias
from .targetpath import target_path, target_value

VALUES: Final[Path] = ("spec", "values")
REFERENCES: Final[Path] = ("spec", "valuesFrom")


@dataclass(frozen=True, slots=True)
class _HelmRelease:
    """See `Place`."""

    shown: ClassVar[str] = "HelmRelease"
    root: ClassVar[Path] = VALUES
    at_reader: ClassVar[bool] = False

    def holds(self, node: Mapping) -> bool:
        """Whether it is a HelmRelease of Flux."""
        return is_release({key: text_of(node.get(key)) for key in ("apiVersion", "kind")})

    def literals(self, node: Mapping) -> Sequence[LiteralValue]:
        """The scalars in `spec.values`."""
        return tuple(literals_below(find(node, VALUES), VALUES))

    def secret_name(self, node: Mapping) -> str:
        """`NAME-values`."""
        return f"{text_of(child(node, 'metadata', 'name')) or 'release'}-values"

    def extract(self, wanted: Wanted) -> Extraction:
        """See `Place.extract`."""
        planner = _Planner(wanted)
        return planner.extraction()


PLACE: Final = _HelmRelease()


@dataclass(frozen=True, slots=True)
class _Way:
    """How a value gets into the composed values again.

    Attributes:
        path: what is removed below `spec.values`: the value, or the list around it.
        target: the `targetPath`; None merges a fragment of YAML.
        text: what the Secret holds for a target.
        literal: Flux takes the text as it is.
    """

    path: Path
    target: str | None = None
    text: str = field(default="", repr=False)
    literal: bool = False


class _Planner:
    """Plans the changes of one HelmRelease."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.node = wanted.node
        self.references = items_of(find(self.node, REFERENCES))
        self.warnings: list[str] = []
        # Older versions of the kind don't have the field.
        self.literal = wanted.literal and text_of(wanted.node.get("apiVersion")) == f"{GROUP}v2"

    def extraction(self) -> Extraction:
        ways = list(self.ways())
        fragments = tuple(dict.fromkeys(way.path for way in ways if way.target is None))
        targets = [
            way
            for way in ways
            if way.target is not None and not any(way.path[: len(each)] == each for each in fragments)
        ]
        self.refuse_overlaps([*fragments, *(way.path for way in targets)])
        taken = set(self.wanted.taken)
        moved: list[Moved] = []
        entries: list[Data] = []
        if fragments:
            moved.append(self.fragment(fragments, unused("values.yaml", taken)))
            entries.append(self.entry(moved[0].key))
        for way in targets:
            key = key_name(way.path, taken.union(each.key for each in moved))
            how = f"targetPath {way.target}"
            moved.append(Moved(VALUES + way.path, key, way.text, how, self.line(way.path)))
            entries.append(self.entry(key, way))
        edits = [*self.removals([*fragments, *(way.path for way in targets)]), *self.additions(entries)]
        return Extraction(tuple(moved), tuple(edits), tuple(self.warnings))

    def entry(self, key: str, way: _Way | None = None) -> dict[str, Data]:
        """An entry of `valuesFrom`."""
        target: dict[str, Data] = {} if way is None else {"targetPath": way.target}
        literal: dict[str, Data] = {"literal": True} if way is not None and way.literal else {}
        return {"kind": "Secret", "name": self.wanted.secret, "valuesKey": key, **target, **literal}

    # What moves, and how

    def ways(self) -> Iterator[_Way]:
        for path in self.wanted.paths:
            if path[: len(VALUES)] != VALUES or len(path) == len(VALUES):
                raise UsageError(
                    f"{show_path(path)} is not below spec.values, and only values come from `valuesFrom`",
                    hint="name a key below spec.values",
                )
            found = list(literals_below(find(self.node, path), path))
            self.refuse_others(path, found)
            for literal in found:
                yield self.way(literal)

    def way(self, literal: LiteralValue) -> _Way:
        path = literal.path[len(VALUES) :]
        target, text = target_path(path), target_value(literal.value)
        at_list = next((at for at, step in enumerate(path) if isinstance(step, int)), len(path))
        reaches = isinstance(path[-1], str) and (self.wanted.lists or at_list == len(path))
        if target is not None and text is not None and reaches:
            if self.literal and isinstance(literal.value, str) and text != literal.value:
                return _Way(path, target, literal.value, literal=True)
            if "\\" in text:
                self.warnings.append(
                    f"Helm's `--set` syntax applies to {show_path(path)}: the Secret holds its commas and "
                    "backslashes with a backslash in front, and so must a later value"
                )
            return _Way(path, target, text)
        # A fragment replaces a list that is inline as a whole, so the list moves with the value.
        return _Way(path[:at_list])

    def refuse_others(self, path: Path, found: Sequence[LiteralValue]) -> None:
        """Refuse what is not a value, or not written here."""
        node = find(self.node, path)
        if isinstance(node, Leaf) and isinstance(node.value, str) and is_variable(node.value):
            raise UsageError(
                f"{show_path(path)} holds a variable of Flux, which is not a secret itself",
                hint="its value is where `postBuild` takes it from",
            )
        if not found:
            raise UsageError(f"{show_path(path)} holds no value to extract", hint="name a key with a value")
        for step in range(len(path) + 1):
            refuse_alias(find(self.node, path[:step]), path[:step])

    def refuse_overlaps(self, paths: Sequence[Path]) -> None:
        """Refuse a value that an existing reference sets, too: which one counts would change."""
        existing = {text_of(child(item, "targetPath")) or "": line_of(item) for item in self.references}
        for path in paths:
            ours = target_path(path) or show_path(path)
            for theirs, line in existing.items():
                if theirs and (_starts(ours, theirs) or _starts(theirs, ours)):
                    raise UsageError(
                        f"{show_path(VALUES + path)} is set by the targetPath {theirs!a} of line {line}, too",
                        hint="remove the one of the two that doesn't count, and try again",
                    )

    def fragment(self, paths: Sequence[Path], key: str) -> Moved:
        """The values that no targetPath can set, as YAML that Flux merges."""
        values = find(self.node, VALUES)
        assert isinstance(values, Mapping)  # noqa: S101 - the paths are of values that were found there
        text = fragment_text(values, paths)
        others = tuple((VALUES + path, self.line(path)) for path in paths[1:])
        return Moved(VALUES + paths[0], key, text, f"merged from {key}", self.line(paths[0]), others)

    def line(self, path: Path) -> int:
        return line_of(find(self.node, VALUES + path)) or 0

    # The edits

    def removals(self, paths: Sequence[Path]) -> Iterator[Edit]:
        """Remove values, and maps that get empty unless something may be merged into them.

        Where a patch removes a value, that of the patched object would show again.
        """
        data = to_data(find(self.node, VALUES) or self.node)
        for path in sorted(paths, key=lambda each: tuple(map(str, each)), reverse=True):
            if self.wanted.patch and not any(isinstance(step, int) for step in path):
                yield Edit(VALUES + path, None)
                continue
            outer = path if self.keeps_empty else _with_emptied(data, path)
            data = _without(data, outer)
            yield Edit(VALUES + outer, remove=True)

    @property
    def keeps_empty(self) -> bool:
        return self.wanted.keep_empty or bool(self.references)

    def additions(self, entries: Sequence[Data]) -> Iterator[Edit]:
        """Add the references behind those that are there: the last one counts."""
        if isinstance(find(self.node, REFERENCES), ListNode) and self.references:
            for number, entry in enumerate(entries, len(self.references)):
                yield Edit((*REFERENCES, number), entry)
        else:
            yield Edit(REFERENCES, list(entries))


def fragment_text(values: Mapping, paths: Iterable[Path]) -> str:
    """Return values as YAML that Flux merges; each keeps its type and its place."""
    data: Data = {}
    for path in paths:
        node = find(values, path)
        assert node is not None  # noqa: S101 - the path is of a value that was found
        data = _merged(data, nested(path, to_data(node)))
    return "".join(f"{line}\n" for line in render_block(data, 2))


def _starts(one: str, other: str) -> bool:
    """Whether a target path is another one, or leads through it."""
    return one == other or one.startswith((f"{other}.", f"{other}["))


def _merged(one: Data, other: Data) -> Data:
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{key: _merged(one.get(key, {}), value) for key, value in other.items()}}
    return other


def _with_emptied(data: Data, path: Path) -> Path:
    """The outermost map that only leads to a value; maps in lists stay."""
    while len(path) > 1 and isinstance(path[-2], str):
        above = dig_steps(data, path[:-1])
        if not isinstance(above, dict) or len(above) > 1:
            break
        path = path[:-1]
    return path


def _without(data: Data, path: Path) -> Data:
    step, rest = path[0], path[1:]
    if isinstance(data, dict) and isinstance(step, str):
        if not rest:
            return {key: value for key, value in data.items() if key != step}
        return {**data, step: _without(data[step], rest)}
    if isinstance(data, list) and isinstance(step, int) and rest:
        return [*data[:step], _without(data[step], rest), *data[step + 1 :]]
    return data
