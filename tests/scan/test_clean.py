"""What clean contents are judged by: another rule, program or library, and all are looked at again."""

from pathlib import Path

import fluxsecrets
from fluxsecrets.scan.clean import judged_by
from fluxsecrets.scan.matcher import Pattern


def test_every_module_of_the_program_counts_with_its_size_and_time():
    program = Path(fluxsecrets.__file__).parent
    expected = {
        f"/{path.relative_to(program).as_posix()} {path.stat().st_size} {path.stat().st_mtime_ns}"
        for path in program.rglob("*.py")
    }
    told = {text.replace("\\", "/") for text in judged_by((), "")}
    assert len(expected) > 1000
    assert expected <= told


def test_rules_of_the_program_and_of_the_team_count():
    plain = judged_by((Pattern("a", ()),), "")
    assert plain == judged_by((Pattern("a", ()),), "")
    assert plain != judged_by((Pattern("b", ()),), "")
    assert plain != judged_by((Pattern("a", ()),), "team")
