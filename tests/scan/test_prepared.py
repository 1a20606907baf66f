"""Compiled patterns are taken without the rules only as long as every file of the program is as it was."""

import os
import shutil
import subprocess
import sys
from copy import copy
from pathlib import Path

import pytest

import fluxsecrets

pytest.importorskip("hyperscan")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="elsewhere the rules are always imported")

_RULES = "fluxsecrets.scan.rules"
_SCAN = """
import sys, time
if {settled}:
    import os
    true = time.time_ns
    time.time_ns = lambda: true() + 3600 * 10**9
from pathlib import Path
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.engine import Engine
import fluxsecrets
assert fluxsecrets.__file__.startswith({program!r}), fluxsecrets.__file__
found = Engine(Path({cache!r})).scan(Blob("a.txt", {data!r}))
print(*(finding.rule for finding in found.findings), {rules!r} in sys.modules or "hashlib" in sys.modules)
"""


class Program:
    """A copy of the program with a cache of its own, whose patterns are few and compile at once."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache = folder / "program", folder / "cache"
        shutil.copytree(Path(fluxsecrets.__file__).parent, self.folder / "fluxsecrets")
        self.rules = self.folder / "fluxsecrets" / "scan" / "rules" / "__init__.py"
        start, _, _ = self.rules.read_text(encoding="utf-8").partition("*messaging.RULES,")
        self.rules.write_text(f"{start}*packages.RULES,)\n", encoding="utf-8")
        patterns = self.rules.parent.parent / "patterns.py"
        text = patterns.read_text(encoding="utf-8")
        few = text.replace("trigger.value for", 'Pattern("never-there", ()) for')
        assert few != text
        patterns.write_text(few, encoding="utf-8")

    def run(self, data: bytes = b"a: 1\n", *, settled: bool = True) -> list[str]:
        """Return the rules that find something, and whether the rules were imported."""
        code = _SCAN.format(
            settled=settled, program=str(self.folder), cache=str(self.cache), data=data, rules=_RULES
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """A program that has run before."""
    program = Program(tmp_path_factory.mktemp("prepared"))
    program.run()  # the modules are compiled, which changes their folders
    program.run()
    return program


@pytest.fixture
def program(used, tmp_path):
    """The same, with a cache that the test may change."""
    mine = copy(used)
    mine.cache = shutil.copytree(used.cache, tmp_path / "cache")
    return mine


def test_the_rules_are_imported_when_a_token_may_be_there(program):
    assert program.run() == ["False"]
    assert program.run(b"cloudsmith_api_key: csa_" + b"0a1b2c3d4e5f" * 3 + b"\n")[-1] == "True"


def test_what_was_written_lately_is_not_relied_on(program):
    for note in program.cache.glob("prepared-*"):
        note.unlink()
    assert program.run(settled=False) == ["True"]
    assert not list(program.cache.glob("prepared-*"))


def test_a_damaged_note_is_made_again(program):
    (note,) = program.cache.glob("prepared-*")
    note.write_bytes(note.read_bytes().replace(b"patterns-", b"patterns_"))
    assert program.run() == ["True"]
    assert program.run() == ["False"]


def test_a_note_that_others_may_write_does_not_count(program):
    (note,) = program.cache.glob("prepared-*")
    note.chmod(0o666)
    assert program.run() == ["True"]


def test_patterns_that_are_gone_are_made_again(program):
    for file in program.cache.glob("patterns-*"):
        file.unlink()
    assert program.run() == ["True"]
    assert program.run() == ["False"]


def test_a_new_rule_is_never_missed(program):
    """Also where the file keeps its size and its time of change."""
    data = b"word: zzq-7391846205\n"
    assert program.run(data) == ["False"]
    old, text = program.rules.stat(), program.rules.read_text(encoding="utf-8")
    added = "from .model import TokenRule as T; from fluxsecrets.findings import Severity as S\n"
    added += "A=T('zzq','x',S.HIGH,'zzq-[0-9]{10}',(b'zzq-',),'','',(),());TOKEN_RULES=(A,)\n"
    docstring, rest = text.split('"""')[1], text.split('"""', 2)[2]
    filler = max(0, len(text) - len(f'""""""{rest}{added}'))
    program.rules.write_text(f'"""{docstring[:filler].ljust(filler)}"""{rest}{added}', encoding="utf-8")
    os.utime(program.rules, ns=(old.st_atime_ns, old.st_mtime_ns))
    shutil.rmtree(program.rules.parent / "__pycache__")
    assert program.run(data) == ["zzq", "True"]
    assert program.run(data) == ["zzq", "True"]


def test_what_patterns_are_known_by_is_their_name_with_and_without_a_note(program):
    """With a note, nothing makes them."""
    code = f"""
import os, sys, time
true = time.time_ns
time.time_ns = lambda: true() + 3600 * 10**9
from pathlib import Path
from fluxsecrets.scan import prepared
print(prepared.known_as(Path(os.environ["CACHE"])), {_RULES!r} in sys.modules)
from fluxsecrets.scan.matcher import cache_name
from fluxsecrets.scan.patterns import patterns
print(cache_name(patterns()), prepared.known_as(None))
"""

    def known():
        environ = {**os.environ, "PYTHONPATH": str(program.folder), "CACHE": str(program.cache)}
        command = [sys.executable, "-c", code]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout.split()

    for note in program.cache.glob("prepared-*"):
        note.unlink()
    for made in ("True", "False"):
        name, *said = known()
        assert said == [made, name, name]
