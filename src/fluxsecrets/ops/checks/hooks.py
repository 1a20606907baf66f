"""Git hooks that keep secrets in plain text out: put into place, taken away again.

Two ways, by whose file it is. A hook in git's own folder is ours: an existing one is set aside and runs
first. A file that the team shares, such as `.husky/pre-commit`, gets a few marked lines at its top, which
start the rest of the file. Either way the check of a commit comes last: what runs before may stage more.

A hook that is in place may still do nothing: git looks elsewhere, the file may not be run, somebody put
another one there. `hook_states` tells.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fluxsecrets.errors import ConfigError, FileAccessError, FluxsecretsError, GitError, UsageError
from fluxsecrets.files.reading import FileContent, read_file
from fluxsecrets.files.reasons import reason_of
from fluxsecrets.files.writing import write_atomic, write_new
from fluxsecrets.repo.git import Repository, find_repository

from .hookorder import CALLS, LEGACY, OLD, displaced, order_of, runs_by_config
from .sharedhook import BLOCK, UNSET, shared_block, with_block

HOOKS = ("pre-commit", "pre-push")
ASIDE = ".before-fluxsecrets"
"""The suffix of a hook that existed before ours."""

_LIMIT = 2**20
_AGAIN = "`fluxsecrets hook install`"
_MADE_BY = "made by `fluxsecrets hook install`"
_PYTHON = re.compile(r"^python=(?P<python>'.*')$", re.MULTILINE)
_SHELL = re.compile(r"#!.*\b(?:ba|da|k|z|a)?sh\b")


class HookOutcome(StrEnum):
    """What became of a hook."""

    INSTALLED = "installed"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    NOT_INSTALLED = "not installed"


@dataclass(frozen=True, slots=True)
class HookResult:
    """One hook.

    Attributes:
        hook: `pre-commit` or `pre-push`.
        note: what else there is to know, one sentence, or "".
    """

    hook: str
    path: Path
    outcome: HookOutcome
    note: str = ""


@dataclass(frozen=True, slots=True)
class HookState:
    """Whether a hook does its work.

    Attributes:
        hook: `pre-commit` or `pre-push`.
        path: the file that git runs, or would run.
        installed: there is a hook of fluxsecrets, there or where git looked before.
        problem: why nothing is checked, or what is wrong with it; "" where all is well.
        late: it checks, and what runs after it may stage more: `problem` says what.
    """

    hook: str
    path: Path
    installed: bool
    problem: str = ""
    hint: str = ""
    late: bool = False


@dataclass(frozen=True, slots=True)
class Launcher:
    """How a hook starts this fluxsecrets, whatever the environment says.

    Attributes:
        python: absolute path of the Python that has it, with `/`.
        isolation: the options that keep the environment and the working directory from putting other
            modules in the place of ours.
    """

    python: str
    isolation: str = "-I"


@dataclass(frozen=True, slots=True)
class HooksPlace:
    """Where a repository's hooks are.

    Attributes:
        folder: where git looks for them, or husky's own folder.
        shared: it lies in the work tree, so that the team has the same files.
        husky: it is husky's, which starts the files in it with `sh -e`.
    """

    folder: Path
    shared: bool
    husky: bool = False


def install_hooks(
    start: Path, hooks: Sequence[str], launcher: Launcher, *, everywhere: bool = False
) -> tuple[HookResult, ...]:
    """Install hooks; a hook that is already right stays as it is.

    `everywhere` permits a core.hooksPath that serves all of the user's repositories.

    Raises:
        GitError: no repository.
        ConfigError: the hooks are not this repository's alone, or a hook is not a shell script.
        FileAccessError: a file cannot be read or written.
    """
    repository = _repository(start)
    place = find_place(repository, everywhere=everywhere)
    _make_folder(place.folder)
    results = []
    for hook in hooks:
        path = place.folder / hook
        results.append(
            _install_shared(hook, path, husky=place.husky)
            if place.shared
            else _install_own(hook, path, launcher)
        )
    return tuple(results)


def uninstall_hooks(start: Path, hooks: Sequence[str]) -> tuple[HookResult, ...]:
    """Remove hooks, and restore the ones from before.

    Raises:
        GitError: no repository.
        FileAccessError: a file cannot be read or written.
    """
    place = find_place(_repository(start), everywhere=True)
    return tuple(
        _uninstall_shared(hook, place.folder / hook)
        if place.shared
        else _uninstall_own(hook, place.folder / hook)
        for hook in hooks
    )


def find_place(repository: Repository, *, everywhere: bool = False) -> HooksPlace:
    """Where the hooks of a repository are: by core.hooksPath, in a worktree those of the main one.

    Raises:
        ConfigError: the folder belongs to no repository, and `everywhere` is not given.
    """
    folder = Path(os.path.normpath(repository.root / repository.path_of("hooks")))
    if (husky := _husky(repository, folder)) is not None:
        return HooksPlace(husky, shared=True, husky=True)
    if _is_below(folder, repository.common_dir) or _is_below(folder, repository.git_dir):
        return HooksPlace(folder, shared=False)
    if _is_below(folder, repository.root):
        return HooksPlace(folder, shared=True)
    if not everywhere:
        raise ConfigError(
            "core.hooksPath names a folder outside of this repository, whose hooks run in others too",
            path=str(folder),
            hint="to have hooks of its own here: "
            f"`git config core.hooksPath {_quoted(repository.common_dir / 'hooks')}`, then install again; "
            "for all repositories that use that folder: add --everywhere",
        )
    return HooksPlace(folder, shared=False)


def hook_states(start: Path, hooks: Sequence[str] = HOOKS) -> tuple[HookState, ...]:
    """Return for each hook whether it works, and what git would do now.

    Raises:
        GitError: no repository.
        FileAccessError: a file cannot be read.
    """
    repository = _repository(start)
    folder = Path(os.path.normpath(repository.root / repository.path_of("hooks")))
    usual = repository.common_dir / "hooks"
    return tuple(_state(repository, hook, folder / hook, usual / hook) for hook in hooks)


def dead_hooks(start: Path) -> tuple[HookState, ...]:
    """Return the installed hooks that do nothing; cheap without hooks."""
    try:
        repository = find_repository(start)
        names = (f"{hook}{suffix}" for hook in HOOKS for suffix in ("", LEGACY, OLD))
        if repository is None or not any(
            _is_ours(_read(repository.common_dir / "hooks" / name)) for name in names
        ):
            return ()
        return tuple(state for state in hook_states(start) if state.installed and state.problem)
    except FluxsecretsError:
        return ()  # `hook status` reports the error


def _state(repository: Repository, hook: str, path: Path, usual: Path) -> HookState:
    husky = _husky(repository, path.parent)
    content = _read(path)
    if husky is not None and husky != path.parent and content is not None:
        content = _read(husky / hook)  # what husky made runs it
    text = (content or b"").decode("utf-8", "replace")
    if not _is_ours(content) and not runs_by_config(repository.root, hook, text):
        return _replaced(hook, path, usual, text)
    problem, hint, late = "", _AGAIN, False
    own = _PYTHON.search(text)
    if os.name != "nt" and not os.access(path, os.X_OK):
        problem = "it may not be executed, so that git does not run it"
    elif _MADE_BY in text and own is None:
        problem = "it is of an older fluxsecrets, which the environment can switch off"
    elif own is not None and not os.access(_unquoted(own["python"]), os.X_OK):
        problem = "the Python that it starts is gone, so that it looks for fluxsecrets on PATH"
    elif BLOCK.search(text) is not None:
        late = text != with_block(text, shared_block(hook, husky=husky is not None))
        if late:
            problem = "its lines are of an older fluxsecrets, or were moved: what follows may stage more"
    elif _MADE_BY not in text and hook == "pre-commit":
        problem, hint = order_of(repository.root, hook, text)
        late = bool(problem)
    return HookState(hook, path, True, problem, hint if problem else "", late)


def _replaced(hook: str, path: Path, usual: Path, text: str) -> HookState:
    """The state where git runs another hook, or none."""
    if path != usual and _is_ours(_read(usual)):
        problem = f"core.hooksPath names {path.parent}, so that git does not run the hook in {usual.parent}"
        hint = f"{_AGAIN} puts it there; `git config --show-origin core.hooksPath` says who set that"
        return HookState(hook, path, True, problem, hint)
    if text and (found := displaced(path, text, _is_made)) is not None:
        return HookState(hook, path, True, found.problem, _AGAIN, late=found.runs)
    problem = "another hook is there, which does not run fluxsecrets" if text else "there is no hook"
    return HookState(hook, path, False, problem, _AGAIN)


def _is_made(path: Path) -> bool:
    """Whether a file is a hook that `hook install` made."""
    return _MADE_BY.encode() in (_read(path) or b"")


def _is_ours(content: bytes | None) -> bool:
    """Whether a hook runs fluxsecrets."""
    if content is None:
        return False
    text = content.decode("utf-8", "replace")
    return _MADE_BY in text or BLOCK.search(text) is not None or CALLS.search(text) is not None


def own_launcher() -> Launcher:
    """The running Python, with the options under which it has this package and nothing else can be it.

    Raises:
        UsageError: it has not, such as where the package is run from its sources.
    """
    import subprocess

    python = Path(sys.executable).absolute().as_posix() if sys.executable else ""
    # Without the user's own packages where that goes; in a plain `pip install --user` they are where it is.
    for isolation in ("-I", "-E -P") if python else ():
        command = [python, *isolation.split(), "-c", "import fluxsecrets.cli.entry"]
        done = subprocess.run(  # noqa: S603 - the Python that runs this, without a shell
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if done.returncode == 0:
            return Launcher(python, isolation)
    raise UsageError(
        "this fluxsecrets starts with the help of the environment only, so a hook could not rely on it",
        hint="install the package, such as with `pipx install`, and run `fluxsecrets hook install` again",
    )


# --- hooks of our own ------------------------------------------------------------------------------------


def own_script(hook: str, launcher: Launcher) -> str:
    """The hook as it stands in git's own folder.

    It refuses where it cannot check.
    """
    run_before = '"$before" "$@" || exit'
    run = 'run "$@"'
    if hook == "pre-push":  # what is pushed; both must be told
        run_before = "\n".join(
            (
                "refs=$(cat)",
                r"    printf '%s' "
                '"${refs:+$refs\n}" | "$before" "$@" || exit',
                r"    printf '%s' "
                '"${refs:+$refs\n}" | run "$@"',
                "    exit",
            )
        )
    return f"""\
#!/bin/sh
# Keeps secrets in plain text out of git; {_MADE_BY}.
# `fluxsecrets hook uninstall` takes it away and puts back what was here before.
python={_quoted(launcher.python)}
before=${{0%/*}}/{hook}{ASIDE}
start='
try:
    from fluxsecrets.cli.entry import main
except ImportError as error:
    raise SystemExit(f"error: nothing was checked, so this was refused: fluxsecrets is incomplete: {{error}}")
main()
'
run() {{
    # Isolated: nothing in the environment, or in the folder, takes the place of a module.
    if [ -f "$python" ] && [ -x "$python" ]; then
        exec "$python" {launcher.isolation} -c "$start" hook run {hook} "$@"
    fi
    found=$(command -v fluxsecrets)
    case $found in
    /* | [A-Za-z]:*)
        {UNSET}
        PYTHONSAFEPATH=1 exec "$found" hook run {hook} "$@"
        ;;
    esac
    echo "error: fluxsecrets is not installed any more, so nothing was checked and this was refused" >&2
    echo "  hint: install it, or delete the hook: rm '$0'" >&2
    exit 1
}}
if [ -x "$before" ]; then
    {run_before}
fi
{run}
"""


def _install_own(hook: str, path: Path, launcher: Launcher) -> HookResult:
    script = own_script(hook, launcher).encode()
    aside = path.with_name(path.name + ASIDE)
    found = _content(path)
    present = found.data if found is not None else None
    if present is not None and _MADE_BY.encode() in present:
        _make_executable(path)
        if present == script:
            return HookResult(hook, path, HookOutcome.UNCHANGED)
        write_atomic(path, script, mode=0o755, expected=found)
        return HookResult(hook, path, HookOutcome.UPDATED)
    if present is not None and CALLS.search(present.decode("utf-8", "replace")):
        return HookResult(hook, path, HookOutcome.UNCHANGED, "it runs fluxsecrets by itself")
    note = ""
    if present is not None or path.is_symlink():
        _make_room(path, aside)
        path.rename(aside)
        note = f"the hook that was there runs first; it is {aside.name} now"
        if present is not None and b"pre-commit.com" in present:
            note += ". With pre-commit there is another way: see docs/hooks.md"
    try:
        write_new(path, script, mode=0o755)
    except BaseException:
        if note:
            aside.rename(path)
        raise
    return HookResult(hook, path, HookOutcome.INSTALLED, note)


def _make_room(path: Path, aside: Path) -> None:
    """Remove our own hook where an installer put it aside, and free the name for the hook that was there.

    pre-commit runs what it found as `.legacy`: ours would run there, and again at the end. What ours ran
    first takes its place, so that pre-commit goes on running it.

    Raises:
        FileAccessError: there are two hooks to be kept, and room for one.
    """
    legacy = path.with_name(f"{path.name}{LEGACY}")
    if _is_made(legacy):
        if os.path.lexists(aside):
            aside.replace(legacy)
        else:
            legacy.unlink()
    if os.path.lexists(aside):
        raise FileAccessError(
            f"there is both a hook and one from before it, {aside.name}",
            path=str(path),
            hint="keep one of them under the name of the hook, and remove the other",
        )
    old = path.with_name(f"{path.name}{OLD}")
    if _is_made(old):
        old.unlink()


def _uninstall_own(hook: str, path: Path) -> HookResult:
    aside = path.with_name(path.name + ASIDE)
    present = _read(path)
    if present is None or _MADE_BY.encode() not in present:
        return HookResult(hook, path, HookOutcome.NOT_INSTALLED)
    if not os.path.lexists(aside):
        path.unlink()
        return HookResult(hook, path, HookOutcome.REMOVED)
    aside.replace(path)
    return HookResult(hook, path, HookOutcome.REMOVED, "the hook from before is back")


# --- hooks that are shared -------------------------------------------------------------------------------


def _install_shared(hook: str, path: Path, *, husky: bool) -> HookResult:
    block = shared_block(hook, husky=husky)
    found = _content(path)
    present = found.data if found is not None else None
    if present is None:
        write_new(path, f"#!/bin/sh\n{block}".encode(), mode=0o755)
        return HookResult(
            hook, path, HookOutcome.INSTALLED, "it is in the work tree: commit it for the others"
        )
    text = present.decode("utf-8", "surrogateescape")
    if text.startswith("#!") and _SHELL.match(text) is None:
        raise ConfigError(
            "this hook is not a shell script, so nothing was added to it",
            path=str(path),
            hint=f"let it run `fluxsecrets hook run {hook}`, and fail where that fails",
        )
    outcome = HookOutcome.INSTALLED
    if BLOCK.search(text) is not None:
        outcome = HookOutcome.UPDATED
    elif CALLS.search(text):
        return HookResult(hook, path, HookOutcome.UNCHANGED, "it runs fluxsecrets by itself")
    new = with_block(text, block)
    _make_executable(path)
    if new == text:
        return HookResult(hook, path, HookOutcome.UNCHANGED)
    note = write_atomic(path, new.encode("utf-8", "surrogateescape"), expected=found)
    said = ("it is in the work tree: commit it for the others", note)
    return HookResult(hook, path, outcome, "; ".join(filter(None, said)))


def _uninstall_shared(hook: str, path: Path) -> HookResult:
    found = _content(path)
    present = found.data if found is not None else None
    text = "" if present is None else present.decode("utf-8", "surrogateescape")
    rest = BLOCK.sub("", text)
    if rest == text:
        return HookResult(hook, path, HookOutcome.NOT_INSTALLED)
    note = None
    if rest.strip() in ("", "#!/bin/sh"):
        path.unlink()
    else:
        note = write_atomic(path, rest.encode("utf-8", "surrogateescape"), expected=found)
    return HookResult(hook, path, HookOutcome.REMOVED, note or "")


# --- folders ---------------------------------------------------------------------------------------------


def _repository(start: Path) -> Repository:
    found = find_repository(start)
    if found is None:
        raise GitError(
            "this is not a git repository, so it has no hooks", hint="run it inside one", path=str(start)
        )
    return found


def _husky(repository: Repository, folder: Path) -> Path | None:
    """Husky's folder with the team's hooks, where git looks into one of husky's.

    Since version 9 git looks into `.husky/_`, whose files husky makes anew with each installation.
    """
    for candidate in (folder, folder.parent):
        if candidate.name == ".husky" and _is_below(candidate, repository.root):
            return candidate
    return None


def _is_below(folder: Path, parent: Path) -> bool:
    real, real_parent = Path(os.path.realpath(folder)), Path(os.path.realpath(parent))
    return real.is_relative_to(real_parent)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason, hint = reason_of(error)
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EEXIST):
            hint = "check core.hooksPath with `git config --show-origin core.hooksPath`"
        raise FileAccessError(
            f"the folder of the hooks cannot be made: {reason}",
            path=str(folder),
            hint=hint,
        ) from None


def _read(path: Path) -> bytes | None:
    found = _content(path)
    return found.data if found is not None else None


def _content(path: Path) -> FileContent | None:
    if not os.path.lexists(path):
        return None
    if path.is_symlink() and not path.exists():
        return None
    return read_file(path, limit=_LIMIT, follow_links=True)


def _make_executable(path: Path) -> None:
    mode = path.stat().st_mode
    if not mode & stat.S_IXUSR and os.name != "nt":
        path.chmod(stat.S_IMODE(mode) | 0o111)


def _quoted(path: object) -> str:
    """For a POSIX shell."""
    return "'" + str(path).replace("'", "'\\''") + "'"


def _unquoted(text: str) -> str:
    """The text of a word that `_quoted` made."""
    return text[1:-1].replace("'\\''", "'")
