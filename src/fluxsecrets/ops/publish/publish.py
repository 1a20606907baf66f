"""Plan what is published where, and upload it."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from fluxsecrets.clouds.refusal import CONFLICT
from fluxsecrets.errors import (
    ConfigError,
    FluxsecretsError,
    ServiceError,
    UnprotectedError,
    UsageError,
)
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.record import Record, note_file, recording
from fluxsecrets.ops.run.results import BatchResult, Outcome
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.sops.config import SopsConfig
from fluxsecrets.sops.destinations import DestinationRule, Place

from .content import Content, Handling, read_content
from .destinations import Destination, Found, make_destination
from .model import Publication, PublishRequest, PublishResult, Ready, State, Uploading


class Source(NamedTuple):
    """A file, and its path below what was named: the whole of it becomes its name at the destination."""

    target: Target
    name: str


class Route(NamedTuple):
    """Where a file goes: its rule with the place, and the configuration that has the rule."""

    rule: DestinationRule
    place: Place
    config: SopsConfig


@dataclass(slots=True)
class Destinations:
    """The destinations of one run, each made once."""

    session: Session
    _made: dict[Place, Destination] = field(default_factory=dict)

    def at(self, place: Place) -> Destination:
        """Return the destination of a place."""
        if place not in self._made:
            self._made[place] = make_destination(self.session.environ, place)
        return self._made[place]


def plan_publication(session: Session, request: PublishRequest) -> Publication:
    """Open and check files, and compare them with what is at their destinations. Nothing is written.

    Raises:
        UsageError: nothing is named, or paths and an environment.
        ConfigError: there is no such environment, or no file of it has a destination.
    """
    if not request.paths and request.environment is None:
        raise UsageError("name the files to publish", hint="name files or folders, or use --env NAME")
    sources, root, notes = _sources(session, request)
    handling = Handling(accept_recipients=request.accept_recipients, names=read_public_keys(root))
    destinations = Destinations(session)
    routed, failed, left = _routed(session, request, sources)
    if left:
        what = "file has no destination and is" if left == 1 else "files have no destination and are"
        notes = (*notes, f"{left} {what} left out")
    if not routed and not failed:
        raise ConfigError(
            "no file there has a destination",
            hint="add a rule to destination_rules in .sops.yaml whose path_regex matches the files",
        )
    counts = Counter(destinations.at(route.place).shown(name) for _, route, name in routed)
    items: dict[Path, Ready | PublishResult] = dict(failed)
    for target, route, name in routed:
        destination = destinations.at(route.place)
        try:
            if counts[destination.shown(name)] > 1:
                raise _clash(target, routed, destinations, destination.shown(name))
            items[target.path] = ready(session, target, route, name, destination, handling)
        except FluxsecretsError as error:
            items[target.path] = _failed(target, error, destination.shown(name))
    order = [source.target.path for source in sources if source.target.path in items]
    return Publication(tuple(items[path] for path in order), notes)


def ready(
    session: Session,
    target: Target,
    route: Route,
    name: str,
    destination: Destination,
    handling: Handling,
) -> Ready:
    """Return what publishing one file would upload.

    Raises:
        FluxsecretsError: see `read_content` and `Destination.read`.
    """
    destination.check(name)
    with recording(Record()) as record:
        content = read_content(
            session,
            target,
            route.config,
            route.rule.recreation,
            handling,
            destination=destination,
        )
    found = destination.read(name)
    state = _state(content, found)
    upload, warnings = (None, ()) if state is State.SAME else content.upload()
    result = PublishResult(
        target.shown,
        Outcome.UNCHANGED if upload is None else Outcome.PUBLISHED,
        content.values,
        content.recipients,
        (*content.warnings, *warnings),
        opened_with=tuple(record.keys),
        destination=destination.shown(name),
        state=state,
        reencrypted=content.copy is not None,
    )
    return Ready(name, destination, found, upload, result)


def _state(content: Content, found: Found) -> State:
    if not found.readable:
        return State.UNKNOWN
    if found.data is None:
        return State.NEW
    return State.SAME if content.is_at(found) else State.CHANGED


def would_publish(plan: Publication) -> BatchResult:
    """Return the results of a dry run."""
    return BatchResult(tuple(_planned(each) for each in plan.items), plan.notes)


def _planned(item: Ready | PublishResult) -> PublishResult:
    if isinstance(item, PublishResult):
        return item
    return item.result if item.upload is None else replace(item.result, outcome=Outcome.WOULD_PUBLISH)


def publish(plan: Publication, progress: Uploading) -> BatchResult:
    """Upload what is not at its destination yet, one file after the other.

    A file that fails does not keep the others from being published. Running it again uploads what is missing.

    Args:
        plan: from `plan_publication`.
        progress: is kept up to date; if this is interrupted, it says how far it got.
    """
    results = []
    for item in plan.items:
        result = item if isinstance(item, PublishResult) else _uploaded(item, progress)
        note_file(result)
        results.append(result)
    return BatchResult(tuple(results), plan.notes)


def _uploaded(item: Ready, progress: Uploading) -> PublishResult:
    if item.upload is None:
        return item.result
    progress.current = item.result.path
    try:
        send(item)
    except FluxsecretsError as error:
        progress.current = None
        return replace(item.result, outcome=Outcome.FAILED, error=error.in_file(item.result.path))
    progress.done.append(item.result.path)
    progress.current = None
    return item.result


def send(item: Ready) -> None:
    """Upload one file.

    Raises:
        ServiceError: it was refused, or somebody else wrote there meanwhile.
    """
    if item.upload is None:
        return
    try:
        item.destination.write(item.name, item.upload, item.found)
    except ServiceError as error:
        # An answer may be lost. The second try then finds what the first one wrote.
        if error.reason != CONFLICT or item.destination.read(item.name).data != item.upload.data:
            raise


# Which files, where they go, and how they are called there.


def _sources(session: Session, request: PublishRequest) -> tuple[list[Source], Path, tuple[str, ...]]:
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


def _routed(
    session: Session, request: PublishRequest, sources: list[Source]
) -> tuple[list[tuple[Target, Route, str]], dict[Path, PublishResult], int]:
    """The files with their rules and names, those that failed, and how many have no destination."""
    routed, failed, left = [], {}, 0
    for target, name in sources:
        try:
            if target.problem is not None:
                raise target.problem
            route = find_route(session, target.path)
            if route is None and not target.named:
                left += 1
                continue
            if route is None:
                raise no_route(session, target.path)
            refuse_unknown(route)
            omit = request.omit_extensions or route.rule.omit_extensions
            routed.append((target, route, published_name(name, omit=omit)))
        except FluxsecretsError as error:
            failed[target.path] = _failed(target, error)
    return routed, failed, left


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
    if not session.key_services.includes(config_path):
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


def _clash(
    target: Target,
    routed: list[tuple[Target, Route, str]],
    destinations: Destinations,
    shown: str,
) -> UsageError:
    other = next(
        each
        for each, route, name in routed
        if each.path != target.path and destinations.at(route.place).shown(name) == shown
    )
    return UsageError(
        f"it would be published to the same place as {other.shown}",
        hint="rename one of them, publish their folder instead of the files, or keep their extensions",
    )


def _failed(target: Target, error: FluxsecretsError, shown: str = "") -> PublishResult:
    if error.path == str(target.path):
        error.path = target.shown
    return PublishResult(
        target.shown, Outcome.FAILED, error=error.in_file(target.shown), destination=shown or None
    )
