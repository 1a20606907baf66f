"""Command lines in a Python that has not got a module."""

import subprocess
import sys

_BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] == {module!r}:
            raise {error}(f'blocked {{name}}', name=name)
sys.meta_path.insert(0, Blocked())
sys.argv = ['fluxsecrets', *{arguments!r}]
from fluxsecrets.cli.{entry} import main
main()
"""


def run_without(module, folder, env, *arguments, error="ModuleNotFoundError", entry="entry"):
    """Run a command line in a folder, without a module."""
    code = _BLOCKED.format(module=module, arguments=arguments, error=error, entry=entry)
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
