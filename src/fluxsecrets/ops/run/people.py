"""Whom a user means: recipients by name, from the anchors of every `.sops.yaml` and from `keys/NAME.pub`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, Tried, UsageError
from fluxsecrets.marks import RULES_NAME, is_rules_file
from fluxsecrets.records import dataclass, field
from fluxsecrets.repo.git import find_repository
from fluxsecrets.repo.offboarding import read_leavers, with_leavers
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.config import SopsConfig, named_recipients
from fluxsecrets.sops.naming import name_of, short_recipient
from fluxsecrets.sops.recipients import KINDS, Recipient, age, read_recipient, recipient_key

from .names import read_public_keys
from .session import Session


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A `.sops.yaml` of a repository.

    Attributes:
        path: relative to the root with `/`.
    """

    path: str
    data: bytes = field(repr=False)
    config: SopsConfig = field(repr=False)


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who is named in a repository.

    Attributes:
        configs: the `.sops.yaml` files, by path.
        names: recipient id -> name.
        recipients: all that rules name, by `recipient_key`.
    """

    configs: tuple[ConfigFile, ...]
    names: Mapping[str, str]
    recipients: Mapping[tuple[str, str], Recipient]

    def name(self, recipient: Recipient) -> str:
        """A recipient's name, or the shortened key where it has none."""
        return name_of(recipient, self.names)


def read_people(session: Session, tree: Tree) -> People:
    """Everybody who is named in a repository; a name in `.sops.yaml` wins over that of a public key.

    Raises:
        ConfigError: a `.sops.yaml` is invalid.
    """
    configs = tuple(
        ConfigFile(path, tree.read(path), session.load_config(tree.root / path))
        for path in tree.paths
        if is_rules_file(path) and tree.size(path) is not None
    )
    names = read_public_keys(tree.root)
    found: dict[tuple[str, str], Recipient] = {}
    for each in configs:
        named = named_recipients(each.data, path=each.config.path)
        names |= {text: name for text, name in named.items() if read_recipient(text) is not None}
        for rule in each.config.rules:
            names |= rule.names
            for recipient in rule.recipients:
                found.setdefault(recipient_key(recipient), recipient)
    return People(configs, names, found)


def names_at(session: Session, root: Path) -> dict[str, str]:
    """Recipient -> name, from the anchors of the top `.sops.yaml`, and from `keys/`, whose names come first.

    A `.sops.yaml` that is missing or invalid has no names.
    """
    names: dict[str, str] = {}
    with suppress(FluxsecretsError):
        for rule in session.load_config(root / RULES_NAME).rules:
            names |= rule.names
    return names | read_public_keys(root)


def find_person(people: People, text: str, more: Iterable[Recipient] = ()) -> Recipient:
    """The recipient that the user means: a key itself, or the name of one.

    Args:
        people: everybody who is named.
        text: a recipient of any kind, or a name.
        more: recipients of files, whom no rule need name.

    Raises:
        UsageError: there is nobody of that name, or several.
        RecipientError: it is a malformed key.
    """
    given = read_recipient(text)
    if given is not None:
        known = {**{recipient_key(each): each for each in more}, **people.recipients}
        return known.get(recipient_key(given), given)
    everybody = {**people.recipients, **{recipient_key(each): each for each in more}}
    for id_, name in people.names.items():
        if name == text and not any(each.id == id_ for each in everybody.values()):
            everybody[("", id_)] = read_recipient(id_) or age(id_)
    found = {
        recipient_key(each): each for each in everybody.values() if people.names.get(each.id, "") == text
    }
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise UsageError(f"{text!a} names {len(found)} keys", hint="give the key itself, such as age1…")
    near = get_close_matches(text, people.names.values(), n=1)
    raise UsageError(
        f"there is no recipient {text!a}",
        hint=f"did you mean {near[0]}?"
        if near
        else "give a public key, the name of one in .sops.yaml, or the NAME of a keys/NAME.pub",
    )


def find_reader(people: People, text: str, more: Iterable[Recipient] = ()) -> Recipient:
    """The recipient that the user means, of those that are there: an ARN stands for it with its role, too.

    Raises:
        UsageError: there is nobody of that name, or several; or an ARN is used through several roles.
        RecipientError: it is a malformed key.
    """
    more = tuple(more)
    found = find_person(people, text, more)
    known = {**{recipient_key(each): each for each in more}, **people.recipients}
    if recipient_key(found) in known:
        return found
    same = [each for each in known.values() if (each.kind, each.id) == ("kms", found.id)]
    if len(same) > 1:
        raise UsageError(
            f"{text!a} is used in {len(same)} ways",
            details=[short_recipient(each) for each in same],
            hint="add the role, as in arn:aws:kms:…+arn:aws:iam:…:role/NAME",
        )
    return same[0] if same else found


def one_cluster_key(
    environment: str, found: tuple[Recipient, ...], readers: Iterable[Recipient], people: People
) -> Recipient:
    """The one key of a cluster.

    Raises:
        UsageError: it has no key, or several.
    """
    if len(found) == 1:
        return found[0]
    candidates = sorted(people.name(each) for each in found or readers)
    raise UsageError(
        f"which identity is that of {environment}'s cluster cannot be told",
        details=[f"it may be one of: {', '.join(candidates)}"] if candidates else (),
        hint="name it with --old, or once and for all as cluster_recipients in .fluxsecrets.yaml",
    )


def names_of_tried(tried: Tried, path: Path) -> dict[str, str]:
    """Recipient -> name for the keys that were tried on a file.

    Names are the anchors of the file's `.sops.yaml`, and `keys/NAME.pub` of its repository. What cannot be
    read gives no names: they are an extra beside an error.
    """
    names: dict[str, str] = {}
    with suppress(FluxsecretsError):
        repository = find_repository(path.parent)
        root = path.parent if repository is None else repository.root
        names |= with_leavers(read_public_keys(root), read_leavers(root)[0])
    with suppress(FluxsecretsError):
        session = Session({}, path.parent)
        found = session.find_config(path.parent)
        for rule in session.load_config(found).rules if found is not None else ():
            names |= rule.names
    local = [kind for kind, each in KINDS.items() if each.local]
    by_key = {recipient_key(Recipient(kind, text)): name for text, name in names.items() for kind in local}
    keys = {one.recipient: recipient_key(Recipient(one.kind, one.recipient)) for one in tried.attempts}
    return {recipient: by_key[key] for recipient, key in keys.items() if key in by_key}
