"""Whether Kubernetes would take a Secret, said before encryption hides what is wrong with it.

The checks are those of `verify`, made on a file as it is written: what kustomize or Flux's substitution may
still change is taken for good.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import FormatError
from fluxsecrets.flux.commonsecret import is_common_secret
from fluxsecrets.flux.unknown import UNKNOWN, unknown
from fluxsecrets.marks import SIGN, read_ciphertext
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.repo.manifests import Plain, Steps, dig, is_reference, line_of, text_of
from fluxsecrets.sops.document import Data, Document, Mapping, Node, find, to_data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.flux.validity.problem import Problem

ALLOW_INVALID = "--allow-invalid"
"""The option with which an invalid Secret is taken."""

_TEMPLATES = ("${", "{{")
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
        return problem.reason

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
        if text_of(part.get("kind")) != "Secret" or text_of(part.get("apiVersion")) != "v1":
            continue
        if not is_common_secret(part):
            yield from faults_of_secret(part)


def faults_of_secret(part: Mapping) -> Iterator[Fault]:
    """What is wrong with one Secret, by all checks of Kubernetes and Flux."""
    from fluxsecrets.flux.validity import problems  # the checks and their tables are seldom needed
    from fluxsecrets.flux.validity.problem import Subject

    data = _known(to_data(part))
    if not isinstance(data, dict):
        return
    metadata = part.get("metadata")
    name = text_of(metadata.get("name")) if isinstance(metadata, Mapping) else None
    for problem in problems(Subject(data, data)):
        if _is_for_files(problem) and not _is_filled_later(data, problem):
            yield Fault(name or "", _line(part, problem.steps), problem)


def _is_for_files(problem: Problem) -> bool:
    """Whether it can be told from the file alone, and matters."""
    if problem.behaviour == "namespace-missing":  # a kustomization file may set it
        return False
    if any(sign in str(step) for step in problem.steps for sign in _TEMPLATES):
        return False
    return problem.behaviour != "unknown-field" or len(problem.steps) == 1


def _is_filled_later(data: Plain, problem: Problem) -> bool:
    """Whether the content that is wrong is a placeholder, such as `env add` writes."""
    if problem.behaviour != "content-invalid":
        return False
    from fluxsecrets.repo.secretrules import decode_base64  # start-up time: both are seldom needed
    from fluxsecrets.scan.placeholders import is_placeholder

    value = dig(data, *map(str, problem.steps))
    if not isinstance(value, str):
        return False
    decoded = decode_base64(value) if problem.steps[0] == "data" else None
    return is_placeholder(decoded.decode("utf-8", "replace") if decoded else value)


def _known(data: Data) -> Data:
    """The data with what is not known yet in the place of ciphertexts, references and variables."""
    if isinstance(data, dict):
        return {key: _known(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_known(value) for value in data]
    if not isinstance(data, str):
        return data
    sealed = read_ciphertext(data.strip()) if SIGN in data else None
    if sealed is not None:
        return unknown(sealed[4])
    return UNKNOWN if is_reference(data) or any(sign in data for sign in _TEMPLATES) else data


def _line(part: Mapping, steps: Steps) -> int | None:
    """The line of a place, or of what is nearest to it."""
    node: Node | None = part
    line = line_of(part)
    for step in steps:
        node = find(node, (step,)) if node is not None else None
        line = line_of(node) or line
    return line
