"""What becomes of an ExternalSecret that is applied, to the extent known without the store.

The webhook of the operator refuses what does not fit together (`checks`). The rest is applied; if the API
server refuses what the operator makes of it, there is no Secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fluxsecrets.flux.validity.made import check_made, made_secret
from fluxsecrets.flux.validity.problem import Problem, Subject, texts_of
from fluxsecrets.repo.manifests import Plain, Steps, dig, maps

from .checks import ProblemKind, check_external
from .model import EXTERNAL_KINDS, GROUP, read_external

_REFUSED = frozenset({ProblemKind.INVALID, ProblemKind.DUPLICATE_KEY})


def check(subject: Subject) -> Iterator[Problem]:
    """What is wrong with an ExternalSecret or ClusterExternalSecret; nothing for other objects."""
    version, kind = subject.kind
    if kind not in EXTERNAL_KINDS or version.rpartition("/")[0] != GROUP:
        return
    yield from _check_fields(subject)
    start: Steps = ("spec", "externalSecretSpec") if kind == EXTERNAL_KINDS[1] else ("spec",)
    spec = dig(subject.data, *map(str, start))
    if isinstance(spec, dict):
        yield from _check_secret(spec, start)


def _check_fields(subject: Subject) -> Iterator[Problem]:
    external = read_external(subject.manifest) if subject.manifest is not None else None
    for problem in check_external(external) if external is not None else ():
        if problem.kind in _REFUSED:
            yield Problem("external-secret-refused", (), problem.message, problem.hint, line=problem.line)


def _check_secret(spec: Plain, start: Steps) -> Iterator[Problem]:
    target = dig(spec, "target")
    if dig(target, "creationPolicy") in ("Merge", "None", "CreateOrMerge") or dig(target, "manifest"):
        return  # there are keys of other owners, or there is no Secret
    template = dig(target, "template")
    templates = texts_of(template, "data")
    entries = maps(spec, "data")
    remote = {
        entry["secretKey"]: at for at, entry in enumerate(entries) if isinstance(entry.get("secretKey"), str)
    }
    replaces = bool(templates) and dig(template, "mergePolicy") != "Merge"
    keys: Mapping[str, int] = {} if replaces else remote
    open_ended = bool(dig(template, "templateFrom")) or (bool(dig(spec, "dataFrom")) and not replaces)
    made = made_secret(
        type_=dig(template, "type"),
        immutable=dig(target, "immutable"),
        metadata=dig(template, "metadata"),
        keys=keys,
        templates=templates,
    )

    def place_of(steps: Steps) -> Steps:
        if steps[0] in ("stringData", "data") and len(steps) > 1:
            at = keys.get(str(steps[1]))
            if at is not None:
                return (*start, "data", at, "secretKey")
            return (*start, "target", "template", "data", steps[1])
        return (*start, "target", "template", *steps)

    yield from check_made(made, place_of, complete=not open_ended)
