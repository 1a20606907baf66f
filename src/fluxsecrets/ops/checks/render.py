"""What Flux would apply: the objects of an environment after build, decryption and substitution."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from fluxsecrets.audit.judged import judged
from fluxsecrets.errors import UsageError
from fluxsecrets.flux.common import with_common_metadata, with_owner
from fluxsecrets.flux.masking import Masker, applied_data
from fluxsecrets.flux.model import KustomizationVerdict, ObjectVerdict, Verdict
from fluxsecrets.flux.order import place_in_order
from fluxsecrets.flux.unknown import UNKNOWN
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.manifests import Plain
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.tree import open_tree

from .accepting import shown_name
from .gather import gather


@dataclass(frozen=True, slots=True)
class RenderedObject:
    """An object as it would be applied.

    Attributes:
        item: as it is built, which says where it comes from.
        data: as it is applied, its secrets hidden or not; a value that is not known here is `UNKNOWN`. Not
            in the repr.
    """

    item: Object = field(repr=False)
    data: Plain = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A Kustomization, or a root that none syncs.

    Attributes:
        name: `NAMESPACE/NAME`; of a root its folder.
        objects: in the order in which Flux applies them; none of one that fails.
        problems: what keeps Flux from applying it, or cannot be told; without values.
    """

    name: str
    verdict: Verdict
    objects: tuple[RenderedObject, ...]
    problems: tuple[Outcome, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether Flux applies nothing of it."""
        return self.verdict is Verdict.FAILS


@dataclass(frozen=True, slots=True)
class Rendering:
    """What would be applied of an environment.

    Attributes:
        with_values: the values of Secrets are not hidden.
    """

    root: Path
    environment: str
    kustomizations: tuple[Rendered, ...]
    with_values: bool = False

    @property
    def exit_code(self) -> int:
        """1 where Flux refuses something of it."""
        return 1 if any(each.fails for each in self.kustomizations) else 0


def render(
    session: Session,
    environment: str,
    names: Sequence[str] = (),
    *,
    show_values: bool = False,
    with_keys: bool = True,
) -> Rendering:
    """Return what Flux would apply of an environment.

    Args:
        session: the run.
        environment: its name.
        names: of Kustomizations, `NAME` or `NAMESPACE/NAME`; without any, all of them.
        show_values: do not hide the values of Secrets.
        with_keys: whether to decrypt; without, encrypted values are unknown.

    Raises:
        ConfigError: `.fluxsecrets.yaml` is invalid, or there is no such environment.
        GitError: git failed.
        UsageError: there is no such Kustomization.
    """
    tree = replace(open_tree(session.cwd, limits=session.limits), definitions=True)
    facts = gather(session, tree, with_keys=with_keys, only=environment)
    verdicts = tuple(map(with_common_metadata, judged(facts, facts.environment(environment))))
    chosen = _chosen(verdicts, names)
    masker = Masker(verdicts)
    found = tuple(_rendered(each, masker, show_values=show_values) for each in chosen)
    return Rendering(tree.root, environment, found, show_values)


def _chosen(
    verdicts: Iterable[KustomizationVerdict], names: Sequence[str]
) -> tuple[KustomizationVerdict, ...]:
    by_name = {shown_name(each): each for each in verdicts}
    if not names:
        return tuple(verdicts)
    found: set[str] = set()
    for name in names:
        matching = [each for each in by_name if name in (each, each.rpartition("/")[2])]
        if not matching:
            close = get_close_matches(name, (*by_name, *(each.rpartition("/")[2] for each in by_name)), n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(by_name) or 'none'}"
            raise UsageError(f"there is no Kustomization {name!a}", hint=hint)
        found |= set(matching)
    return tuple(each for name, each in by_name.items() if name in found)


def _rendered(verdict: KustomizationVerdict, masker: Masker, *, show_values: bool) -> Rendered:
    problems = tuple(each for each in verdict.outcomes if each.effect is not Effect.ALTERED)
    name = shown_name(verdict)
    if verdict.verdict is Verdict.FAILS:
        return Rendered(name, verdict.verdict, (), problems)

    def data(each: ObjectVerdict) -> Plain:
        shown = applied_data(each) if show_values else masker.data(verdict, each)
        return with_owner(_with_keys(each.item, shown), verdict.applied.kustomization)

    ordered = sorted(verdict.objects, key=lambda each: place_in_order(each.item))
    return Rendered(
        name,
        verdict.verdict,
        tuple(RenderedObject(each.item, data(each)) for each in ordered),
        problems,
    )


def _with_keys(item: Object, data: Plain) -> Plain:
    """The data of a generated object with all its keys; what they hold may not be known here."""
    if item.generated is None:
        return data
    there = data.get("data")
    known = there if isinstance(there, dict) else {}
    missing = [key for key in item.generated.keys if key not in known]
    return {**data, "data": {**known, **dict.fromkeys(missing, UNKNOWN)}} if missing else data
