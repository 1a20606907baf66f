"""`pathlib` without `urllib.parse` is the same but for what is imported."""

import subprocess
import sys

PREPARED = "import sys; from fluxsecrets.cli.lightpaths import prepare; prepare(); prepare(); "


def run(script):
    return subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True, timeout=60
    ).stdout


def test_nothing_stands_in_for_the_module_afterwards():
    found = run(PREPARED + "print('pathlib' in sys.modules, 'urllib.parse' in sys.modules)")
    assert found == "True False\n"
    quoted = run(PREPARED + "import urllib.parse; print(urllib.parse.quote('a b'))")
    assert quoted == "a%20b\n"


def test_addresses_of_files_are_made_all_the_same():
    script = "from pathlib import PurePosixPath; print(PurePosixPath('/ä b/c').as_uri())"
    assert run(PREPARED + script) == run(script) == "file:///%C3%A4%20b/c\n"


def test_what_is_imported_already_stays():
    script = f"import urllib.parse; {PREPARED}import pathlib; "
    assert run(script + "print(pathlib.Path('/a b').as_uri())") == "file:///a%20b\n"
