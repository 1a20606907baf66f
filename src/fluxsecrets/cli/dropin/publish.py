"""`sops publish` (sops: cmd/sops/subcommand/publish)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fluxsecrets.cli.dropin.asking import agreed
from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.codes import (
    COULD_NOT_READ_INPUT,
    COULD_NOT_RETRIEVE_KEY,
    ERROR_DECRYPTING_TREE,
    GENERIC,
    MAC_MISMATCH,
    coded,
    failing_with,
    usage_error,
)
from fluxsecrets.cli.dropin.job import absolute_path
from fluxsecrets.errors import (
    ConfigError,
    DataKeyError,
    FileAccessError,
    FluxsecretsError,
    IntegrityError,
    LimitError,
)
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.publish.content import Handling
from fluxsecrets.ops.publish.model import Ready
from fluxsecrets.ops.publish.publish import Destinations, compared, prepare, send
from fluxsecrets.ops.publish.routes import Route, find_route, no_route, published_name
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.record import note_file
from fluxsecrets.sops.formats import make_format


class _Item(NamedTuple):
    """A file, where it goes, and its name there."""

    target: Target
    route: Route
    name: str


def run(call: Call) -> int:
    """Upload a file, or all files of a folder, after asking for each.

    sops goes from file to file. Here the rules and names of all are known before the first is uploaded.
    """
    if call.session.find_config(call.session.cwd) is None:
        raise coded(
            ConfigError(
                "there is no .sops.yaml in the working directory or above it",
                hint="name one with --config, in front of publish",
            ),
            GENERIC,
        )
    text = call.first_argument()
    if not os.path.lexists(call.session.cwd / text):
        raise coded(FileAccessError("there is no such file", path=text, hint="check its spelling"), GENERIC)
    if (call.session.cwd / text).is_dir() and not call.values.on("recursive"):
        raise coded(
            FileAccessError("it is a folder", path=text, hint="add --recursive to publish all files in it"),
            GENERIC,
        )
    destinations = Destinations(call.session)
    items = [_item(call, text, path) for path in _files(call, text)]
    _refuse_clashes(items, destinations)
    handling = Handling(compare=False, keep_selector=False, order=call.order())
    for item in items:
        _publish(call, item, destinations, handling)
    return 0


def _files(call: Call, text: str) -> Iterator[str]:
    """The files as sops walks them: in the order of names, links as files. Each is given as sops names it."""
    if not (call.session.cwd / text).is_dir():
        yield text
        return
    folder = os.path.normpath(text)
    for name in sorted(os.listdir(call.session.cwd / folder)):  # noqa: PTH208 - names, not paths
        inside = os.path.normpath(os.path.join(folder, name))  # noqa: PTH118 - text as in Go
        if (call.session.cwd / inside).is_symlink():
            yield inside
        else:
            yield from _files(call, inside)


def _item(call: Call, text: str, path: str) -> _Item:
    """Find the rule of a file. `path_regex` is searched in the path as it was given, as in sops."""
    absolute = absolute_path(call.session.cwd / path)
    with failing_with(GENERIC):
        route = find_route(call.session, absolute, matched=Path(path).as_posix() if path != text else path)
        if route is None:
            raise no_route(call.session, absolute)
    for each in route.rule.unknown:
        call.warn(f"{route.config.path}:{each.line}: {each.name} is not a known field, and has no effect")
    name = absolute.name
    if path != text:
        name = absolute.relative_to(absolute_path(call.session.cwd / text)).as_posix()
    omit = call.values.on("omit-extensions") or route.rule.omit_extensions
    target = Target(absolute.resolve(), path, call.input_format(path))
    return _Item(target, route, published_name(name, omit=omit))


def _refuse_clashes(items: list[_Item], destinations: Destinations) -> None:
    """Refuse two files for one place: sops would keep the second.

    Raises:
        UsageError: there are two.
    """
    seen: dict[str, str] = {}
    for item in items:
        shown = destinations.at(item.route.place).shown(item.name)
        if shown in seen:
            raise usage_error(
                f"{seen[shown]} and {item.target.shown} would be published to the same place, {shown}",
                GENERIC,
                "leave out --omit-extensions, or rename one of them",
            )
        seen[shown] = item.target.shown


def _publish(call: Call, item: _Item, destinations: Destinations, handling: Handling) -> None:
    destination = destinations.at(item.route.place)
    shown = item.target.shown
    try:
        found = _ready(call, item, destinations, handling)
        call.warn_of(shown, found.result.warnings)
        if found.upload is None:
            call.out.note(f"{shown}: already the same at {destination.shown(item.name)}")
        elif not call.values.on("yes") and not agreed(_question(item, destination.shown(item.name))):
            _cancelled(call, item)
            return
        else:
            send(found)
            call.out.note(f"{shown}: published to {destination.shown(item.name)}")
        note_file(found.result)
    except FluxsecretsError as error:
        if error.path == str(item.target.path):
            error.path = shown
        raise error.in_file(shown) from None


def _ready(call: Call, item: _Item, destinations: Destinations, handling: Handling) -> Ready:
    destination = destinations.at(item.route.place)
    try:
        with failing_with(COULD_NOT_READ_INPUT, FileAccessError, LimitError):
            file = prepare(call.session, item.target, item.route, item.name, destination, handling)
            return compared(file, destination.read(item.name))
    except DataKeyError as error:
        raise coded(error, COULD_NOT_RETRIEVE_KEY) from None
    except IntegrityError as error:
        raise coded(error, _code_of_damage(call, item, handling)) from None


def _code_of_damage(call: Call, item: _Item, handling: Handling) -> int:
    """Return sops's exit code for a changed file: a value can't be opened, or the MAC does not fit."""
    data = read_file(item.target.path, limit=call.session.limits.size).data
    try:
        open_file(
            make_format(item.target.format),
            data,
            call.session.providers,
            call.session.limits,
            check_mac=False,
            order=handling.order,
        )
    except FluxsecretsError:
        return ERROR_DECRYPTING_TREE
    return MAC_MISMATCH


def _question(item: _Item, shown: str) -> str:
    return f"uploading {item.target.path} to {shown} ? (y/n): "


def _cancelled(call: Call, item: _Item) -> None:
    """Say that a file is not published; without --recursive that is an error, as in sops."""
    if not call.values.on("recursive"):
        raise usage_error("not published", GENERIC)
    call.out.note(f"{item.target.shown}: not published")
