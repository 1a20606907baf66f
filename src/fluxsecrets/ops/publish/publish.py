"""Plan what is published, and upload it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from fluxsecrets.clouds.refusal import CONFLICT
from fluxsecrets.errors import ConfigError, FluxsecretsError, ServiceError, UsageError
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.record import Record, note_file, recording
from fluxsecrets.ops.run.results import BatchResult, Outcome
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.destinations import Place
from fluxsecrets.sops.recipients import Recipient

from .content import Content, Handling, read_content
from .destinations import Destination, Found, make_destination
from .model import Publication, PublishRequest, PublishResult, Ready, State, Uploading
from .routes import Route, Source, find_route, find_sources, no_route, published_name, refuse_unknown


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


class Prepared(NamedTuple):
    """A file that was read and checked, and where it goes; `keys` are those that opened it."""

    target: Target
    name: str
    destination: Destination
    content: Content
    keys: tuple[Recipient, ...]


def plan_publication(session: Session, request: PublishRequest) -> Publication:
    """Open and check files, and compare them with what is at their destinations. Nothing is written.

    Raises:
        UsageError: nothing is named, or paths and an environment.
        ConfigError: there is no such environment, or no file of it has a destination.
    """
    if not request.paths and request.environment is None:
        raise UsageError("name the files to publish", hint="name files or folders, or use --env NAME")
    sources, root, notes = find_sources(session, request)
    handling = Handling(accept_recipients=request.accept_recipients, names=read_public_keys(root))
    routed, items, left = _routed(session, request, sources)
    if left:
        what = "file has no destination and is" if left == 1 else "files have no destination and are"
        notes = (*notes, f"{left} {what} left out")
    if not routed and not items:
        raise ConfigError(
            "no file there has a destination",
            hint="add a rule to destination_rules in .sops.yaml whose path_regex matches the files",
        )
    prepared = _all_prepared(session, routed, handling, items)
    for each, found in zip(prepared, _all_read(session, prepared), strict=True):
        try:
            if isinstance(found, FluxsecretsError):
                raise found
            items[each.target.path] = compared(each, found)
        except FluxsecretsError as error:
            items[each.target.path] = _failed(each.target, error, each.destination.shown(each.name))
    order = [source.target.path for source in sources if source.target.path in items]
    return Publication(tuple(items[path] for path in order), notes)


def _routed(
    session: Session, request: PublishRequest, sources: list[Source]
) -> tuple[list[tuple[Target, Route, str]], dict[Path, Ready | PublishResult], int]:
    """The files with their rules and names, those that failed, and how many have no destination."""
    routed: list[tuple[Target, Route, str]] = []
    failed: dict[Path, Ready | PublishResult] = {}
    left = 0
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


def _all_prepared(
    session: Session,
    routed: Sequence[tuple[Target, Route, str]],
    handling: Handling,
    items: dict[Path, Ready | PublishResult],
) -> list[Prepared]:
    """Read and check files. Those that fail are added to the items."""
    destinations = Destinations(session)
    places = [(target, destinations.at(route.place).shown(name)) for target, route, name in routed]
    counts = Counter(shown for _, shown in places)
    found = []
    for (target, route, name), (_, shown) in zip(routed, places, strict=True):
        try:
            if counts[shown] > 1:
                other = next(each for each, place in places if place == shown and each is not target)
                raise _clash(other)
            found.append(prepare(session, target, route, name, destinations.at(route.place), handling))
        except FluxsecretsError as error:
            items[target.path] = _failed(target, error, shown)
    return found


def _all_read(session: Session, prepared: Sequence[Prepared]) -> list[Found | FluxsecretsError]:
    """Return what is at the destinations, or why it can't be read. Several are read at once."""

    def read(each: Prepared) -> Found | FluxsecretsError:
        try:
            return each.destination.read(each.name)
        except FluxsecretsError as error:
            return error

    with closing(run_jobs(read, prepared, waits=lambda _: True)) as found:
        return list(session.watched(found, len(prepared), "comparing"))


def prepare(
    session: Session, target: Target, route: Route, name: str, destination: Destination, handling: Handling
) -> Prepared:
    """Read one file and check it, without its destination.

    Raises:
        FluxsecretsError: see `Destination.check` and `read_content`.
    """
    destination.check(name)
    recreation = route.rule.recreation
    with recording(Record()) as record:
        content = read_content(session, target, route.config, recreation, handling, destination=destination)
    return Prepared(target, name, destination, content, tuple(record.keys))


def compared(file: Prepared, found: Found) -> Ready:
    """Return what publishing a file would upload.

    Args:
        file: the file.
        found: what is at its destination.

    Raises:
        FluxsecretsError: see `Content.upload`.
    """
    content = file.content
    state = _state(content, found)
    upload, warnings = (None, ()) if state is State.SAME else content.upload()
    result = PublishResult(
        file.target.shown,
        Outcome.UNCHANGED if upload is None else Outcome.PUBLISHED,
        content.values,
        content.recipients,
        (*content.warnings, *warnings),
        opened_with=file.keys,
        destination=file.destination.shown(file.name),
        state=state,
        reencrypted=content.copy is not None,
    )
    return Ready(file.name, file.destination, found, upload, result)


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
    """Upload what is not at its destination yet, several files at once.

    A file that fails does not keep the others from being published. Running it again uploads what is missing.

    Args:
        plan: from `plan_publication`.
        progress: is kept up to date; if this is interrupted, it says how far it got.
    """
    ended: dict[str, PublishResult] = {}

    def work(item: Ready | PublishResult) -> PublishResult:
        result = _uploaded(item, progress)
        ended[result.path] = result
        return result

    try:
        with closing(run_jobs(work, plan.items, waits=lambda _: True)) as results:
            return BatchResult(tuple(results), plan.notes)
    finally:
        for item in plan.items:  # the log has what an interrupted run published
            path = item.path if isinstance(item, PublishResult) else item.result.path
            if path in ended:
                note_file(ended[path])


def _uploaded(item: Ready | PublishResult, progress: Uploading) -> PublishResult:
    if isinstance(item, PublishResult):
        return item
    if item.upload is None:
        return item.result
    path = item.result.path
    progress.start(path)
    try:
        send(item)
    except FluxsecretsError as error:
        progress.end(path, published=False)
        return replace(item.result, outcome=Outcome.FAILED, error=_of_file(error, path))
    progress.end(path, published=True)
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


def _clash(other: Target) -> UsageError:
    return UsageError(
        f"it would be published to the same place as {other.shown}",
        hint="rename one of them, publish their folder instead of the files, or keep their extensions",
    )


def _failed(target: Target, error: FluxsecretsError, shown: str = "") -> PublishResult:
    if error.path == str(target.path):
        error.path = target.shown
    error = _of_file(error, target.shown)
    return PublishResult(target.shown, Outcome.FAILED, error=error, destination=shown or None)


def _of_file(error: FluxsecretsError, path: str) -> FluxsecretsError:
    """Return the error of one file: a service that is down gives the same error for all."""
    return copy(error).in_file(path)
