"""kustomize-literal: what kustomize makes Secrets of, in plain text.

Literals of a `secretGenerator` stand in kustomization.yaml, which Flux does not decrypt. The files under
`files` and `envs` become Secrets whatever they are called; whether they are encrypted is asked when all
files are known (`engine.FileSet`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from fluxsecrets.findings import RuleInfo, Severity
from fluxsecrets.scan.match import Match
from fluxsecrets.scan.values import is_literal

from .page import Object, Page
from .reader import List, Node, Path, Scalar, Value, child, text_of

LITERAL = RuleInfo(
    id="kustomize-literal",
    title="literal of a secretGenerator",
    severity=Severity.HIGH,
    explanation=(
        "kustomize makes a Secret of the literals under `secretGenerator`; they are in kustomization.yaml "
        "in plain text, and Flux cannot decrypt that file."
    ),
    fix="Move the literals to a file such as `secret.env`, name it under `envs`, and encrypt that file.",
    docs="scan.md#kustomize-literal",
)

_HINT = "move it to a file, name that under `envs` (or `files`), and encrypt it with `fluxsecrets encrypt`"


def judge(page: Page, owner: Object) -> Iterator[Match]:
    """The literals of secretGenerators."""
    for generator, path in _generators(owner):
        literals = child(generator, "literals")
        name = text_of(child(generator, "name")) or "without a name"
        for index, scalar in enumerate(literals.items if type(literals) is List else ()):
            if type(scalar) is not Scalar:
                continue
            key, _, text = scalar.text.partition("=")
            if text and is_literal(text):
                message = f"the secretGenerator {name!a} has the literal {key!a} in plain text"
                value = Value((*path, "literals", index), scalar, None, None)
                yield page.match(LITERAL, value, owner, message, _HINT, secret=text)


def _generators(owner: Object) -> Iterator[tuple[Node, Path]]:
    generators = child(owner.node, "secretGenerator")
    for index, generator in enumerate(generators.items if type(generators) is List else ()):
        yield generator, (*owner.prefix, "secretGenerator", index)


def generated(page: Page) -> Iterator[tuple[str, int]]:
    """The files that secretGenerators of a kustomization file read: paths from the root, and lines."""
    folder = page.blob.path.rpartition("/")[0]
    for owner in page.objects:
        for generator, _ in _generators(owner):
            for field in ("files", "envs"):
                listed = child(generator, field)
                for scalar in listed.items if type(listed) is List else ():
                    if type(scalar) is Scalar:
                        name = (
                            scalar.text.partition("=")[2]
                            if field == "files" and "=" in scalar.text
                            else scalar.text
                        )
                        yield posixpath.normpath(posixpath.join(folder, name)), scalar.line
            single = child(generator, "env")
            if type(single) is Scalar:
                yield posixpath.normpath(posixpath.join(folder, single.text)), single.line
