"""Which runs are logged, where, and what is written before and after them.

Every command passes here, so nothing heavy is imported where no log is set up. A log that is `required` and
can't be written stops a command before it does anything. The log gets names, paths, public keys and outcomes;
never a value, an argument that may hold one, or the text of an error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from fluxsecrets.errors import ConfigError, FileAccessError, FluxsecretsError
from fluxsecrets.files.statedirs import STATE_NAME, upwards
from fluxsecrets.marks import SETTINGS_NAME, without_private_keys
from fluxsecrets.records import dataclass, field

from .record import Record, record_from_now_on, recording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.sops.recipients import Recipient

LOG = "FLUXSECRETS_LOG"
LOG_REQUIRED = "FLUXSECRETS_LOG_REQUIRED"

DEFAULT_FILE = ".git/fluxsecrets/log.jsonl"
_OWN_FOLDER = ".git/fluxsecrets/"

UNLOGGED = frozenset(
    (
        *("agent", "audit", "diff", "doctor", "env list", "env show", "explain", "filestatus", "help"),
        *("hook", "keys list", "list", "log", "log verify", "masked", "recipients list", "review"),
        *("rules", "scan", "status", "verify", "version"),
    )
)
"""Commands, or whole groups of them, that neither change secrets nor hand out their values."""

_SHOWING = "show-values"
"""The switch with which some of them hand values out all the same."""

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
_LONG_KEY = 200


@dataclass(frozen=True, slots=True)
class LogPlace:
    """A log.

    Attributes:
        path: absolute.
        required: nothing is done that cannot be noted in it.
        origin: who wants it: a variable, or the settings' path.
    """

    path: Path
    required: bool
    origin: str


@dataclass(frozen=True, slots=True)
class Call:
    """What is run.

    Attributes:
        program: `fluxsecrets`, `fluxsecrets-sops`, or `python` for the library, and our version.
        command: such as `keys export`.
        paths: files and folders that were named, as the user named them.
        details: what else was asked for: the environment, a key, a name, switches.
    """

    program: str
    command: str
    paths: tuple[str, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_logged(self) -> bool:
        """Whether the log records this command; one that is not known to be harmless is recorded."""
        switches = self.details.get("switches")
        if isinstance(switches, list) and _SHOWING in switches:
            return True
        return self.command not in UNLOGGED and self.command.partition(" ")[0] not in UNLOGGED


def configured(environ: Mapping[str, str], cwd: Path, paths: Iterable[str] = ()) -> tuple[LogPlace, ...]:
    """The logs to write for work on some paths.

    Args:
        environ: where the machine's log is named.
        cwd: the working directory; its repository counts where no path is named.
        paths: as the user named them; the repositories of all of them count.

    Raises:
        ConfigError: the settings are invalid, or name a place that no log can be in.
    """
    places: dict[Path, LogPlace] = {}
    for place in (*_from_environment(environ), *_from_settings(cwd, paths)):
        known = places.get(place.path)
        required = place.required or (known is not None and known.required)
        places[place.path] = LogPlace(place.path, required, (known or place).origin)
    return tuple(places.values())


def _from_environment(environ: Mapping[str, str]) -> Iterator[LogPlace]:
    named = environ.get(LOG, "")
    word = environ.get(LOG_REQUIRED, "").strip().lower()
    if word not in (*_TRUE, *_FALSE):
        raise ConfigError(f"{LOG_REQUIRED} is neither 1 nor 0", hint=f"set {LOG_REQUIRED}=1, or unset it")
    if not named:
        if word in _TRUE:
            raise ConfigError(f"{LOG_REQUIRED} is set, but {LOG} is not", hint=f"name the log with {LOG}")
        return
    path = Path(named)
    if not path.is_absolute():
        raise ConfigError(
            f"{LOG} is not an absolute path", hint="the log has to be the same file wherever a command runs"
        )
    yield LogPlace(path, word in _TRUE, LOG)


def _from_settings(cwd: Path, paths: Iterable[str]) -> Iterator[LogPlace]:
    given = [os.path.join(cwd, path) for path in paths] or [str(cwd)]  # noqa: PTH118
    if len(given) > 1:
        from fluxsecrets.files.links import real_path  # one file does without

        known: dict[str, bool] = {}
        places = dict.fromkeys(real_path(path, known) for path in given)
    else:
        places = dict.fromkeys(map(os.path.realpath, given))
    above: dict[str, tuple[str | None, bool]] = {}
    roots: dict[str, None] = {}
    for place in places:
        root = root_with_settings(place, above)
        if root is not None:
            roots[root] = None
    for root in roots:
        try:
            data = Path(root, SETTINGS_NAME).read_bytes()
        except OSError as error:
            from fluxsecrets.files.reasons import reason_of  # only when something fails

            reason = reason_of(error).text
            raise FileAccessError(
                f"cannot be read, so it is unknown whether this has to be logged: {reason}",
                path=SETTINGS_NAME,
            ) from None
        if b"log" in data:
            yield from _settings_log(Path(root))


def root_with_settings(place: str, known: dict[str, tuple[str | None, bool]] | None = None) -> str | None:
    """The root of a path's repository if it has settings; outside of git the nearest folder that has them.

    Args:
        place: absolute.
        known: what was found for folders, and whether they are in git; the folders of this path are added.
    """
    known = {} if known is None else known
    passed: list[tuple[str, bool]] = []
    found, in_git = None, False
    for folder in upwards(place):
        if folder in known:
            found, in_git = known[folder]
            break
        try:
            os.lstat(os.path.join(folder, SETTINGS_NAME))  # noqa: PTH118 - on every start
            has_settings = True
        except NotADirectoryError:  # the file that was named
            passed.append((folder, False))
            continue
        except (OSError, ValueError):
            has_settings = False
        passed.append((folder, has_settings))
        if os.path.lexists(os.path.join(folder, ".git")):  # noqa: PTH118
            found, in_git = folder if has_settings else None, True
            break
    for level, has_settings in reversed(passed):
        if has_settings and not in_git:
            found = level
        known[level] = (found, in_git)
    return found


def _settings_log(root: Path) -> Iterator[LogPlace]:
    from fluxsecrets.files.links import resolve_inside
    from fluxsecrets.repo.settings import LogSettings, load_settings

    log = load_settings(root).log
    if log == LogSettings():
        return
    name = log.file or DEFAULT_FILE
    if name == ".git" or name.startswith(".git/"):
        if not name.startswith(_OWN_FOLDER):
            raise ConfigError(
                f"log.file is {name!a}, which belongs to git",
                hint=f"use {DEFAULT_FILE}, or a path outside of .git",
                path=SETTINGS_NAME,
            )
        yield LogPlace(_own_folder(root) / name.removeprefix(_OWN_FOLDER), log.required, SETTINGS_NAME)
        return
    yield LogPlace(resolve_inside(root / name, root), log.required, SETTINGS_NAME)


def _own_folder(root: Path) -> Path:
    """Ours in git's folder, one for all worktrees of a clone, which come and go; or the user's for the tree.

    Raises:
        FileAccessError: it is there, and is not ours.
    """
    from .statefolder import place_without_git, require_ours  # few runs are logged

    place = root / ".git"
    if not os.path.lexists(place):
        return place_without_git(root).state
    if place.is_file():  # a worktree or a submodule
        place = root / _line_of(place).removeprefix("gitdir:").strip()
        common = place / "commondir"
        if common.is_file():
            place = place / _line_of(common)
    folder = Path(os.path.realpath(place)) / STATE_NAME
    require_ours(folder)
    return folder


def _line_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape").strip()


class Logged:
    """One run of the program, logged where that is wanted.

    Attributes:
        warnings: logs that are not required and could not be written, one sentence each.
    """

    def __init__(self, *, holding: bool = False) -> None:
        """Log nothing yet.

        Args:
            holding: keep what is to be logged until `release`. That is for a run that may turn out not to be
                one: it shows nothing before.
        """
        self.warnings: list[str] = []
        self._held: list[Mapping[str, object]] | None = [] if holding else None
        self._record = Record()
        self._call: Call | None = None
        self._places: tuple[LogPlace, ...] = ()
        self._run = ""

    def start(self, call: Call, environ: Mapping[str, str], cwd: Path) -> None:
        """Note what is about to be done; called before it is, inside of `recording`.

        Args:
            call: what.
            environ: the run's environment.
            cwd: the working directory.

        Raises:
            FileAccessError: a log that is required cannot be written.
            ConfigError: what is said about logs is invalid.
        """
        if self._call is not None or not call.is_logged:
            return
        self._places = configured(environ, cwd, call.paths)
        if not self._places:
            return
        self._call = call
        self._run = os.urandom(6).hex()
        self._record.leaving = self._leave
        record_from_now_on(self._record)
        event = {
            **self._common("start"),
            **_who(environ),
            "program": call.program,
            "command": call.command,
            "folder": str(cwd),
            "paths": [without_private_keys(path) for path in call.paths],
            **call.details,
        }
        self._write([event])

    def end(self, exit_code: int, error: BaseException | None = None) -> None:
        """Note what came of it.

        Raises:
            FileAccessError: a log that is required cannot be written.
        """
        if self._call is None:
            return
        if error is not None and exit_code > 128:  # how it was ended is what the code says
            last: dict[str, object] = {"result": "interrupted"}
        elif error is not None:
            last = {"result": "failed", "error": type(error).__name__}
        else:
            last = {"result": "failed" if exit_code > 1 else "done"}
        self._finish({**last, "exit_code": exit_code})

    def release(self) -> None:
        """Log what was held back, and from now on at once.

        Raises:
            FileAccessError: a log that is required cannot be written.
        """
        held, self._held = self._held, None
        if held:
            self._write(held)

    def _leave(self) -> None:
        self._finish({"result": "replaced"})

    def _finish(self, last: Mapping[str, object]) -> None:
        call = self._call
        if call is None:
            return
        self._call = None
        files = self._files() or self._named(call, last)
        # What was opened beside the files, or where there are none.
        keys = [shown_key(key) for key in self._record.keys] if self._record.files or not files else []
        events = [{**self._common("file"), "command": call.command, **event} for event in files]
        events.append({**self._common("end"), "command": call.command, **last, "keys": keys})
        self._write(events, done=True)

    def _files(self) -> list[dict[str, object]]:
        """What the operation said of each file."""
        return [
            {
                "path": result.path,
                "outcome": str(result.outcome),
                "keys": [shown_key(key) for key in result.opened_with],
                "recipients": list(result.recipients),
                **({} if result.destination is None else {"destination": result.destination}),
                **({} if result.error is None else {"error": type(result.error).__name__}),
            }
            for result in self._record.files
        ]

    def _named(self, call: Call, last: Mapping[str, object]) -> list[dict[str, object]]:
        """The files that were named, where the operation said nothing of single files."""
        keys = [shown_key(key) for key in self._record.keys]
        error = {"error": last["error"]} if "error" in last else {}
        outcome = {"outcome": last["result"], "keys": keys, **error}
        return [{"path": without_private_keys(path), **outcome} for path in call.paths]

    def _common(self, event: str) -> dict[str, object]:
        from datetime import UTC, datetime  # few runs are logged

        time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {"time": time, "event": event, "run": self._run}

    def _write(self, events: Sequence[Mapping[str, object]], *, done: bool = False) -> None:
        if self._held is not None:
            self._held += events
            return
        from fluxsecrets.ops.log.logfile import append

        for place in self._places:
            try:
                append(place.path, events)
            except FluxsecretsError as error:
                if place.required:
                    self._call = None
                    what = (
                        "what was done cannot be logged" if done else "nothing was done: it cannot be logged"
                    )
                    raise FileAccessError(
                        f"{what}, which {place.origin} requires: {error.message}",
                        path=str(place.path),
                        hint=error.hint,
                    ) from None
                warning = f"{place.path}: this is not logged: {error.message}"
                if warning not in self.warnings:
                    self.warnings.append(warning)


@contextmanager
def logged(environ: Mapping[str, str], cwd: Path, call: Call) -> Iterator[None]:
    """Log what is done inside, for the library.

    Raises:
        FileAccessError: a log that is required cannot be written.
    """
    run = Logged()
    with recording(None):
        run.start(call, environ, cwd)
        try:
            yield
        except BaseException as error:
            run.end(getattr(error, "exit_code", 2), error)
            raise
        run.end(0)


def shown_key(recipient: Recipient) -> str:
    """A recipient for the log: whole, but for post-quantum ones, which fill a page."""
    from fluxsecrets.sops.recipients import recipient_text

    text = recipient_text(recipient)
    if len(text) > _LONG_KEY:
        from hashlib import sha256

        text = f"{text[:24]}…{text[-6:]} (SHA-256 {sha256(text.encode()).hexdigest()[:16]})"
    return text


def _who(environ: Mapping[str, str]) -> dict[str, object]:
    """The user by the system, not by the environment, which anybody sets."""
    from fluxsecrets.files.processes import host_name, user_name  # few runs are logged

    who: dict[str, object] = {"user": user_name(environ), "host": host_name(environ), "pid": os.getpid()}
    if sys.platform != "win32":
        who["uid"] = os.getuid()
        if os.getuid() == 0 and environ.get("SUDO_USER"):
            who["sudo_user"] = environ["SUDO_USER"]
    return who
