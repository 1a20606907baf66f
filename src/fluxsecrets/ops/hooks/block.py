"""The lines that go into a hook of the work tree, such as husky's: they run its rest, and then check."""

from __future__ import annotations

import re
from textwrap import indent

_BEGIN, _END = "# >>> fluxsecrets hook", "# <<< fluxsecrets hook"
BLOCK = re.compile(rf"^{_BEGIN}.*?^{_END}[^\n]*\n", re.DOTALL | re.MULTILINE)
"""Our lines in a hook."""

# What Python takes from the environment to load other code; a Python that is started by a script of another
# program's cannot be told with -I.
UNSET = (
    "unset PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE PYTHONPLATLIBDIR PYTHONPYCACHEPREFIX "
    "PYTHONWARNINGS PYTHONBREAKPOINT PYTHONINSPECT PYTHONEXECUTABLE"
)
"""The shell's command that drops what leads Python to other code."""

# The lines of a shell hook before which nothing of ours may stand; husky's older versions source a file.
_HEAD = re.compile(r"(?:#![^\n]*\n)?(?:[ \t]*(?:#[^\n]*)?\n)*(?:\. [^\n]*husky\.sh[^\n]*\n)?")

_FIND = """\
fluxsecrets_hook=$(command -v fluxsecrets) || fluxsecrets_hook=
case $fluxsecrets_hook in
/* | [A-Za-z]:*) ;;
*)
    echo "error: fluxsecrets is not installed here, so nothing was checked and this was refused" >&2
    echo "  hint: install it, see this repository's guide" >&2
    exit 1
    ;;
esac
"""


def shared_block(hook: str, *, husky: bool = False) -> str:
    """The lines that go into a hook that others have too: no path of this machine is in them.

    The check of a commit comes after the rest of the file, whichever way that ends: with `exit`, with
    `exec`, with lines that are added later. The block starts the file again, then checks. The second run
    knows itself by the id of the process that started it, which no environment holds before.
    """
    # In a process of its own, so that what follows keeps its environment.
    run = f'({UNSET}\n    PYTHONSAFEPATH=1 exec "$fluxsecrets_hook" hook run {hook} "$@")'
    if hook == "pre-push":
        run = f"refs=$(cat)\nprintf '%s' \"${{refs:+$refs\n}}\" | {run} || exit 1\nexec <<END\n$refs\nEND\n"
        return f"{_BEGIN}: keeps secrets in plain text out of git\n{_FIND}{run}{_END}\n"
    again = 'fluxsecrets_rest=$$ "$0" "$@"'
    by_shell = 'fluxsecrets_rest=$$ sh "$0" "$@"'
    rest = f'if [ -x "$0" ]; then {again}; else {by_shell}; fi || exit\n'
    if husky:  # it starts the files so, whatever their first line says
        rest = 'fluxsecrets_rest=$$ sh -e "$0" "$@" || exit\n'
    return f"""\
{_BEGIN}: keeps secrets in plain text out of git
# All other lines of this file run first, since they may stage more. Then what is staged is checked.
case ${{fluxsecrets_rest-}} in
"$PPID") unset fluxsecrets_rest ;;
"")
{indent(_FIND + rest + run, "    ")}
    exit
    ;;
*)
    echo "error: the variable fluxsecrets_rest is set, so nothing was checked and this was refused" >&2
    echo "  hint: unset fluxsecrets_rest" >&2
    exit 1
    ;;
esac
{_END}
"""


def with_block(text: str, block: str) -> str:
    """A shared hook with our lines at its top, where they belong."""
    rest = BLOCK.sub("", text)
    head = _HEAD.match(rest)
    place = head.end() if head is not None else 0
    return rest[:place] + block + rest[place:]
