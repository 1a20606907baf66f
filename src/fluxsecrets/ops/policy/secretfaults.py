"""What is wrong with one Secret, by all checks of Kubernetes and Flux; their tables are seldom needed."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.flux.unknown import UNKNOWN, unknown
from fluxsecrets.flux.validity import problems
from fluxsecrets.flux.validity.problem import Problem, Subject
from fluxsecrets.marks import SIGN, read_ciphertext
from fluxsecrets.repo.manifests import Plain, Steps, dig, is_reference, line_of, text_of
from fluxsecrets.sops.document import Data, Mapping, Node, find, to_data

from .validity import Fault

_TEMPLATES = ("${", "{{")


def faults_of_secret(part: Mapping) -> Iterator[Fault]:
    """What is wrong with one Secret, by all checks of Kubernetes and Flux."""
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
