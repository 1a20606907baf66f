"""Which secrets a repository has: files, environments, and the names of keys. Nothing is decrypted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError, GitError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.discover import SecretFile, discover
from fluxsecrets.repo.environments import Environment, find_environment, load_environments
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.sops.document import Document, show_path
from fluxsecrets.sops.formats import make_format

from .content import parse
from .keypaths import is_secret, is_secret_value

_ALL = slice(None)


@dataclass(frozen=True, slots=True)
class ListedSecret:
    """One secret file.

    Attributes:
        path: relative to the root of the repository.
        environments: names of those that it belongs to.
        keys: of its encrypted values; if it is plain, of those that should be.
        error: why its keys can't be listed, or None.
    """

    path: str
    format: str
    encrypted: bool
    reason: str
    environments: tuple[str, ...]
    keys: tuple[str, ...] = ()
    error: FluxsecretsError | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """The secrets of a repository, or of one environment.

    Attributes:
        environments: name and folder of each.
    """

    environments: tuple[tuple[str, str], ...]
    files: tuple[ListedSecret, ...]


def inventory(session: Session, environment: str | None = None, part: slice = _ALL) -> Inventory:
    """List the secrets of the repository that the working directory is in.

    Args:
        session: the run.
        environment: only the files of this one.
        part: of the files; only these are parsed for their keys, and the others have none.

    Raises:
        GitError: this is not a repository, or git can't read it.
        ConfigError: there is no such environment, or the settings are invalid.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    if tree.repository is None:
        raise GitError("this is not a git repository", hint="run it inside a repository")
    found = load_environments(tree) if environment is None else (find_environment(tree, environment),)
    paths = None if environment is None else found[0].files | frozenset(found[0].generator_files)
    secrets = tuple(discover(tree, paths=paths))
    shown = range(len(secrets))[part]
    return Inventory(
        tuple((each.name, each.root_path) for each in found),
        tuple(
            _listed(session, tree, secret, found, parsed=number in shown)
            for number, secret in enumerate(secrets)
        ),
    )


def _listed(
    session: Session, tree: Tree, secret: SecretFile, environments: tuple[Environment, ...], *, parsed: bool
) -> ListedSecret:
    keys: tuple[str, ...] = ()
    error = secret.error
    if error is None and parsed:
        try:
            format_ = make_format(secret.format)
            keys = tuple(_keys(parse(format_, tree.read(secret.path), session.limits)))
        except FluxsecretsError as problem:
            error = problem.in_file(secret.path)
    belongs = (each.name for each in environments if _has(each, secret.path))
    return ListedSecret(
        secret.path,
        secret.format,
        secret.encrypted,
        secret.reason,
        tuple(belongs),
        keys,
        error,
    )


def _has(environment: Environment, path: str) -> bool:
    return path in environment.files or path in environment.generator_files


def _keys(document: Document) -> Iterator[str]:
    """Yield the keys of secret values: the encrypted ones, or all of a plain Secret or file of values."""
    encrypted = document.metadata is not None
    for part in document.parts:
        for leaf in Document(document.format, "", (part,), None).leaves:
            secret = is_ciphertext(leaf.value) if encrypted else is_secret_value(part, leaf.path)
            if secret or (not encrypted and not is_secret(part) and part.get("kind") is None):
                yield show_path(leaf.path)
