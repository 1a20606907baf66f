"""Values as suggestions: names that a repository holds. Nothing is decrypted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import MappingProxyType

from .suggestions import SHELLS_FILES, Suggestion, Suggestions

_LARGEST = 4 * 2**20
"""Bytes of a file whose keys are suggested."""


def environments(_before: Sequence[str]) -> Iterable[str]:
    """The environments of the repository."""
    from fluxsecrets.repo.environments import list_environments
    from fluxsecrets.repo.tree import open_tree

    return (each.name for each in list_environments(open_tree(Path.cwd())))


def people(_before: Sequence[str]) -> Iterable[str]:
    """The names of recipients: of anchors in the rules, and of public keys in `keys/`."""
    from fluxsecrets.marks import RULES_NAME
    from fluxsecrets.ops.run.names import read_public_keys
    from fluxsecrets.repo.tree import open_tree
    from fluxsecrets.sops.config import named_recipients

    root = open_tree(Path.cwd()).root
    found = set(read_public_keys(root).values())
    rules = root / RULES_NAME
    if rules.is_file() and rules.stat().st_size < _LARGEST:
        found |= set(named_recipients(rules.read_bytes(), path=RULES_NAME).values())
    return sorted(found)


def public_keys(_before: Sequence[str]) -> Iterable[str]:
    """Files with a public key that may be added, and names that are known already."""
    from fluxsecrets.marks import KEYS_FOLDER, PUBLIC_KEY_SUFFIX

    files = sorted(path.as_posix() for path in Path(KEYS_FOLDER).glob(f"*{PUBLIC_KEY_SUFFIX}"))
    return [*files, *people(())]


def keys(before: Sequence[str]) -> Iterable[str]:
    """The keys of the file that is named before; of an encrypted one, those of ciphertexts."""
    from fluxsecrets.marks import is_ciphertext
    from fluxsecrets.sops.document import show_path
    from fluxsecrets.sops.formats import Limits, format_for_path, make_format

    path = Path(before[0]) if before else None
    if path is None or not path.is_file() or path.stat().st_size > _LARGEST:
        return ()
    document = make_format(format_for_path(path.name)).parse(path.read_bytes(), Limits())
    secret = [leaf for leaf in document.leaves if is_ciphertext(leaf.value)]
    return dict.fromkeys(show_path(leaf.path) for leaf in secret or document.leaves)


def extractable(before: Sequence[str]) -> Iterable[str]:
    """The keys of the values that `extract` can move out of the file that is named before."""
    from fluxsecrets.ops.extract.manifest import key_text, read_manifest
    from fluxsecrets.sops.formats import Limits

    path = Path(before[0]) if before else None
    if path is None or not path.is_file() or path.stat().st_size > _LARGEST:
        return ()
    holders = read_manifest(path.read_bytes(), Limits(), path.name).holders
    return dict.fromkeys(
        key_text(literal.path) for holder in holders for literal in holder.place.literals(holder.node)
    )


_VALUES: MappingProxyType[str, Callable[[Sequence[str]], Iterable[str]]] = MappingProxyType(
    {
        "environment": environments,
        "person": people,
        "public-key": public_keys,
        "key": keys,
        "extractable": extractable,
    }
)

_PATHS = frozenset({"encrypted", "plain", "sealed"})


def values(kind: str, current: str, before: Sequence[str]) -> Suggestions:
    """Suggest values for a word.

    Args:
        kind: what is wanted there, as `table.json` says it.
        current: the word, as typed so far.
        before: the arguments before it, without options.
    """
    if kind in _PATHS:
        from .paths import paths

        return paths(kind, current)
    if kind in _VALUES:
        names = _VALUES[kind](before)
        return Suggestions(tuple(Suggestion(each) for each in names if each.startswith(current)))
    return SHELLS_FILES if kind == "file" else Suggestions()
