"""kustomize-literal: what kustomize makes Secrets of, in plain text.

Literals of a `secretGenerator` stand in kustomization.yaml, which Flux does not decrypt. The files under
`files` and `envs` become Secrets whatever they are called; whether they are encrypted is asked when all
files are known (`engine.FileSet`, for commits `ops.checks.commitcontext`). An object of the kind
SecretGenerator, which a kustomization lists under `generators`, says the same in a file of its own.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from fluxsecrets.findings import RuleInfo, Severity
from fluxsecrets.marks import is_kustomization
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

_KIND = "SecretGenerator"
_HINT = "move it to a file, name that under `envs` (or `files`), and encrypt it with `fluxsecrets encrypt`"


def judge(page: Page, owner: Object) -> Iterator[Match]:
    """The literals of secretGenerators."""
    for generator, path in _generators(owner):
        literals = child(generator, "literals")
        name = text_of(child(generator, "name")) or owner.name or "without a name"
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
    if owner.kind == _KIND:
        yield owner.node, owner.prefix


def generated(page: Page) -> Iterator[tuple[str, int]]:
    """The files that secretGenerators of a kustomization file read: paths from the root, and lines.

    A generator in a file of its own is taken for one of a kustomization file beside it, as usual.
    """
    folder = page.blob.path.rpartition("/")[0]
    is_root = is_kustomization(page.blob.path)
    for owner in page.objects:
        for generator, _ in _generators(owner) if is_root or owner.kind == _KIND else ():
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


def listed_generators(data: bytes, path: str) -> tuple[str, ...]:
    """The files that a kustomization file lists under `generators`, as paths from the root."""
    import yaml

    loader = None
    try:
        loader = yaml.CBaseLoader(data)
        root = loader.get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError):
        return ()
    finally:
        if loader is not None:
            loader.dispose()
    names = root.get("generators") if isinstance(root, dict) else None
    folder = path.rpartition("/")[0]
    return tuple(
        posixpath.normpath(posixpath.join(folder, name))
        for name in (names if isinstance(names, list) else ())
        if isinstance(name, str) and "\n" not in name
    )
