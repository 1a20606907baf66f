"""Whether Kubernetes would take a Secret, said before encryption hides what is wrong with it.

The checks are those of `verify`, made on a file as it is written: what kustomize or Flux's substitution may
still change is taken for good.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import FormatError
from fluxsecrets.flux.commonsecret import is_common_secret
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.sops.document import Document, Leaf, Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.flux.validity.problem import Problem
    from fluxsecrets.repo.manifests import Steps

ALLOW_INVALID = "--allow-invalid"
"""The option with which an invalid Secret is taken."""

_SECRET = {"kind": "Secret", "apiVersion": "v1"}
_MOST = 10  # faults that are shown


class Fault(NamedTuple):
    """One thing that is wrong with a Secret of a file.

    Attributes:
        name: of the Secret, or "".
        line: of what is wrong.
    """

    name: str
    line: int | None
    problem: Problem

    @property
    def message(self) -> str:
        """What is wrong, without any value."""
        from fluxsecrets.flux.validity.problem import field_name

        problem = self.problem
        if problem.found:
            return f"{field_name(problem.steps)} is {problem.found}, expected a string"
        return problem.as_written

    @property
    def sentence(self) -> str:
        """What Kubernetes or Flux would do."""
        called = f"the Secret {self.name!a}" if self.name else "the Secret"
        if self.problem.dropped:
            return f"{called} would not reach the cluster as it is written: {self.message}"
        return f"Kubernetes would refuse {called}: {self.message}"

    @property
    def key(self) -> tuple[str, str, Steps]:
        """What makes it the same fault in another version of the file."""
        return self.name, self.problem.behaviour, self.problem.steps


def refuse_invalid(document: Document, before: Document | None = None) -> None:
    """Refuse a document with a Secret that Kubernetes would not take, or of which Flux would drop a part.

    Args:
        document: plain.
        before: the file before a change; a fault that it had does not block the change.

    Raises:
        FormatError: names the line of the first fault, without any value. The others are in its details.
    """
    known = {each.key for each in faults(before)} if before is not None else set()
    found = [each for each in faults(document) if each.key not in known]
    if found:
        raise refusal(found)


def refusal(found: list[Fault]) -> FormatError:
    """The error for faults, of which there is at least one."""
    first, *others = sorted(found, key=lambda each: each.line or 0)
    hint = first.problem.hint
    details = [f"line {each.line}: {each.message}" for each in others[:_MOST]]
    if len(others) > _MOST:
        details.append(f"... and {len(others) - _MOST} more")
    return FormatError(
        first.sentence,
        line=first.line,
        hint=f"{hint}, or add {ALLOW_INVALID}" if hint else f"add {ALLOW_INVALID} to take it as it is",
        details=details,
    )


def faults(document: Document) -> Iterator[Fault]:
    """What is wrong with the Secrets of a document, plain or encrypted."""
    for part in document.parts:
        if not _is_secret(part) or is_common_secret(part):
            continue
        from .secretfaults import faults_of_secret  # nearly every Secret is a common one

        yield from faults_of_secret(part)


def _is_secret(part: Mapping) -> bool:
    for key, text in _SECRET.items():
        node = part.get(key)
        if not isinstance(node, Leaf) or node.value != text:
            return False
    return True
