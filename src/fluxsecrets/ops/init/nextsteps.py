"""What is left to the user: edits of manifests, and the next commands."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.convert.decryption import brings_secrets, usual_secret
from fluxsecrets.ops.people.clustersecret import secret_names
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.git.worktree import changes_since_head
from fluxsecrets.shell import file_word

from .holders import Holders
from .model import Command, HandEdit
from .survey import Survey


def hand_edits(survey: Survey) -> tuple[HandEdit, ...]:
    """Return the Kustomizations that apply Secrets from files here, and decrypt nothing."""
    found: dict[tuple[str, int | None], HandEdit] = {}
    for environment in survey.environments:
        secret = usual_secret(environment.graph.applied)
        for each in environment.graph.applied:
            item = each.kustomization
            if item is None or item.decryption is not None or not brings_secrets(each):
                continue
            lines = ("decryption:", "  provider: sops", "  secretRef:", f"    name: {secret}")
            found.setdefault(
                (item.file, item.line), HandEdit(survey.shown(item.file), item.line, item.name, lines)
            )
    return tuple(found.values())


def committed(survey: Survey) -> tuple[str, ...]:
    """Return the files, as shown to the user, whose secrets HEAD has in plain text, too.

    Raises:
        GitError: HEAD or the index cannot be read.
    """
    plain = [each.path for each in survey.secrets if not each.encrypted and not each.encrypted_at_head]
    blobs = changes_since_head(survey.repository, plain) if plain else {}
    return tuple(survey.shown(path) for path in plain if blobs.get(path) != "")


def next_commands(survey: Survey, holders: Holders) -> tuple[Command, ...]:
    """Return the commands to run next; those for a cluster come once its Kustomizations name a Secret."""
    return tuple(_commands(survey, holders))


def _commands(survey: Survey, holders: Holders) -> Iterator[Command]:
    if any(not each.encrypted for each in survey.secrets):
        yield Command("fluxsecrets encrypt", "encrypts what is plain")
    elif survey.secrets:
        yield Command("fluxsecrets status", "shows who can read what")
    yield Command('git add --all && git commit -m "set up fluxsecrets"', "the hook looks at it first")
    edited = bool(hand_edits(survey))
    for environment in survey.environments:
        holder = holders.clusters.get(environment.name)
        if holder is not None and holder.place and (edited or _names_secret(environment)):
            name = file_word(environment.name)
            yield Command(
                f"fluxsecrets keys cluster-secret --env {name} | kubectl apply --server-side -f -",
                f"gives the cluster of {environment.name} its key",
            )


def _names_secret(environment: Environment) -> bool:
    try:
        return bool(secret_names(environment)[0])
    except UsageError:
        return False
