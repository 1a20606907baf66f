"""What the API server would say of an object: a table of checks, one file each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fluxsecrets.repo.manifests import Plain
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome

from .content import check_base64, check_dates, check_keys, check_size, check_type
from .metadata import check_annotations, check_labels, check_managed, check_names, check_owners
from .namespace import check_namespace
from .problem import Check, Problem, Subject, texts_of
from .shapes import check_shape

CHECKS: tuple[Check, ...] = (
    check_namespace,
    check_shape,
    check_base64,
    check_dates,
    check_names,
    check_labels,
    check_annotations,
    check_owners,
    check_managed,
    check_keys,
    check_type,
    check_size,
)
"""Each takes an object as it is applied, and yields what is wrong with it."""

_SKIPPED = {"reconcile": "disabled", "ssa": "ignore"}
_GROUP = "kustomize.toolkit.fluxcd.io/"


def check_object(item: Object, data: Plain, more: Iterable[Check] = ()) -> Iterator[Outcome]:
    """What is wrong with an object as it is applied; values that are not known here are taken for good.

    Args:
        item: as it is built.
        data: as it is applied.
        more: checks of controllers, beside those of the API server.
    """
    if is_skipped(data):
        return
    generated = item.generated
    subject = Subject(
        data,
        item.data,
        generated.keys if generated is not None else (),
        generated is None or generated.complete,
        item.manifest if not item.patched_by else None,
    )
    namespace = item.namespace
    called = "/".join(part for part in (item.kind, namespace, item.name) if part)
    for problem in (*problems(subject), *(problem for check in more for problem in check(subject))):
        yield _outcome(item, problem, called)


def problems(subject: Subject) -> Iterator[Problem]:
    """What is wrong with an object, wherever it comes from."""
    return (problem for check in CHECKS for problem in check(subject))


def is_skipped(data: Plain) -> bool:
    """Whether Flux leaves an object out when it applies, as labels or annotations tell it."""
    for field in ("labels", "annotations"):
        found = texts_of(data, "metadata", field)
        if any(found.get(_GROUP + name, "").lower() == value for name, value in _SKIPPED.items()):
            return True
    return False


def _outcome(item: Object, problem: Problem, called: str) -> Outcome:
    between = " " if problem.behaviour == "namespace-missing" else _INVALID.get(problem.behaviour, ": ")
    return Outcome(
        Effect.ALTERED if problem.dropped else Effect.FAILS,
        problem.behaviour,
        f"{called}{between}{problem.reason}",
        item.file,
        problem.line or item.line_at(problem.steps),
        problem.hint,
    )


_DECODING = (
    "field-not-known",
    "kind-not-known",
    "value-not-string",
    "value-of-wrong-type",
    "value-not-base64",
    "managed-fields",
)
_INVALID = {
    **dict.fromkeys(_DECODING, " dry-run failed: "),
    **dict.fromkeys(
        (
            "annotation-invalid",
            "annotations-too-large",
            "content-invalid",
            "key-not-allowed",
            "key-twice",
            "label-invalid",
            "metadata-invalid",
            "name-invalid",
            "required-key-missing",
            "too-large",
        ),
        " dry-run failed (Invalid): ",
    ),
}
"""What stands between the object and the words, in the errors of fluxcd/pkg/ssa."""
