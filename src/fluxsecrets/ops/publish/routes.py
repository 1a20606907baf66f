"""Which files are published, where they go, and how they are called there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from fluxsecrets.errors import ConfigError, UnprotectedError
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.sops.config import SopsConfig
from fluxsecrets.sops.destinations import DestinationRule, Place

from .model import PublishRequest


class Source(NamedTuple):
    """A file, and its path below what was named: the whole of it becomes its name at the destination."""

    target: Target
    name: str


class Route(NamedTuple):
    """Where a file goes: its rule with the place, and the configuration that has the rule."""

    rule: DestinationRule
    place: Place
    config: SopsConfig


def find_sources(session: Session, request: PublishRequest) -> tuple[list[Source], Path, tuple[str, ...]]:
    """The files, the repository's top folder, and notes.

    A file's name is its own; of a folder's files, the path below that folder (sops: publish.go, `Run`). Those
    of an environment have their path in the repository.
    """
    if request.environment is not None:
        selection = select(session, request.paths, request.environment)
        found = [Source(each, each.repository_path or each.path.name) for each in selection.targets]
        return found, selection.root, selection.notes
    sources: dict[Path, Source] = {}
    root, notes = session.cwd, list[str]()
    for text in request.paths:
        selection = select(session, (text,), input_type=request.input_type)
        root = selection.root
        notes += selection.notes
        folder = Path(os.path.realpath(session.cwd / text)) if (session.cwd / text).is_dir() else None
        for target in selection.targets:
            inside = folder is not None and target.path.is_relative_to(folder)
            name = target.path.relative_to(folder).as_posix() if inside and folder else target.path.name
            sources.setdefault(target.path, Source(target, name))
    return list(sources.values()), root, tuple(notes)


def find_route(session: Session, path: Path, matched: str | None = None) -> Route | None:
    """Return where a file goes by the first rule that matches; None if nothing says so.

    Args:
        session: the run.
        path: absolute.
        matched: what `path_regex` is searched in; by default, the path below the configuration's folder.

    Raises:
        ConfigError: the configuration is invalid.
        UnprotectedError: the configuration with the rule is not that of the working directory.
    """
    config_path = session.find_config(path.parent)
    if config_path is None:
        return None
    config = session.load_config(config_path)
    if matched is None:
        folder = config_path.parent
        matched = (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
    rule = next((each for each in config.destinations if each.matches(matched)), None)
    if rule is None or rule.place is None:
        return None
    if not session.trusted_servers.includes(config_path):
        raise _foreign(session, config_path, rule)
    return Route(rule, rule.place, config)


def _foreign(session: Session, config_path: Path, rule: DestinationRule) -> UnprotectedError:
    """Return the error for rules that came with a file: they would say who gets it, and who a token."""
    return UnprotectedError(
        "its destination is named by rules that are not those of the working directory",
        details=[f"the rule is in {session.shown(config_path)}:{rule.line}"],
        hint="run it in their repository, where git tracks them, or name them with --config",
    )


def no_route(session: Session, path: Path) -> ConfigError:
    """Return the error for a file without a destination."""
    found = session.find_config(path.parent)
    where = ".sops.yaml" if found is None else session.shown(found)
    return ConfigError(
        "no destination is configured for this file",
        path=session.shown(path),
        hint=f"add a rule to destination_rules in {where} whose path_regex matches it",
    )


def refuse_unknown(route: Route) -> None:
    """Refuse a rule with a field that nobody knows: it may say for whom the copy has to be.

    Raises:
        ConfigError: it has one.
    """
    import difflib

    for each in route.rule.unknown:
        near = difflib.get_close_matches(each.name.rpartition(".")[2], ("recreation_rule", "omit_extensions"))
        raise ConfigError(
            f"{each.name} is not a known field, so it is unknown how files are to be published",
            path=route.config.path,
            line=each.line,
            hint=f"write {near[0]}" if near else "remove it, or correct its name",
        )


def published_name(name: str, *, omit: bool) -> str:
    """Return a file's name at its destination, by default with its last extension.

    A name that begins with its only dot, such as `.env`, keeps it: sops would leave nothing of it.
    """
    stem = name.rpartition("/")[2].rpartition(".")[0]
    return name[: name.rindex(".")] if omit and stem else name
