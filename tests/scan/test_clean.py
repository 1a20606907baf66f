"""What clean contents are judged by: another rule, program or library, and all are looked at again."""

import itertools
import os
import sys
import tempfile
from hashlib import sha1, sha256
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import fluxsecrets
from fluxsecrets.scan import clean
from fluxsecrets.scan.ciphertexts import Shown
from fluxsecrets.scan.clean import CleanContents, judged_by


def test_every_module_of_the_program_counts_with_its_size_and_time():
    program = Path(fluxsecrets.__file__).parent
    expected = {
        f"/{path.relative_to(program).as_posix()} {path.stat().st_size} {path.stat().st_mtime_ns}"
        for path in program.rglob("*.py")
    }
    told = {text.replace("\\", "/") for text in judged_by("", "")}
    assert len(expected) > 1000
    assert expected <= told


def test_rules_of_the_program_and_of_the_team_count():
    plain = judged_by("a", "")
    assert plain == judged_by("a", "")
    assert plain != judged_by("b", "")
    assert plain != judged_by("a", "team")


def test_every_file_of_a_library_counts_with_its_size_and_time(tmp_path, monkeypatch):
    package = tmp_path / "library"
    package.mkdir()
    module, compiled = package / "__init__.py", package / "compiled.so"
    module.write_text("", encoding="ascii")
    compiled.write_bytes(b"1")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(clean, "_LIBRARIES", ("library", "no_such_library"))
    before = judged_by("", "")
    assert before == judged_by("", "")
    os.utime(compiled, ns=(1, 1))
    assert before != judged_by("", "")
    seen = judged_by("", "")
    compiled.write_bytes(b"12")
    os.utime(compiled, ns=(1, 1))
    assert seen != judged_by("", "")
    assert "no_such_library None" in seen
    assert "library" not in sys.modules


IDS = st.sampled_from([make(bytes([n])).hexdigest() for n in range(3) for make in (sha1, sha256)])
PATHS = st.sampled_from(["a", "b", "encrypted", "\udcff"])
SHOWN = st.builds(Shown, st.frozensets(st.integers(0, 2)), st.frozensets(st.integers(0, 2)))


@given(st.sets(st.tuples(IDS, PATHS)), st.sets(st.tuples(IDS, PATHS, SHOWN)))
def test_what_was_noted_is_known_and_nothing_else(plain, encrypted):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known = CleanContents(folder, folder, ("rules",))
        for blob, path in plain:
            known.add(blob, path)
        for blob, path, shown in encrypted:
            known.add_encrypted(blob, path, shown)
        known.save()
        again = CleanContents(folder, folder, ("rules",))
        assert bool(again) == bool(plain or encrypted)
        assert not CleanContents(folder, folder, ("other rules",))
        blobs = {blob for blob, *_ in (*plain, *encrypted)}
        for blob, path in itertools.product(blobs, ("a", "b", "encrypted", "\udcff", "c")):
            assert again.has(blob, path) == ((blob, path) in plain)
            marks = [shown for one, where, shown in encrypted if (one, where) == (blob, path)]
            assert again.is_encrypted(blob, path) == bool(marks)
            for shown in marks:
                assert again.is_encrypted(blob, path, shown)
