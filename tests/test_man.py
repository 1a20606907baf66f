"""Manual pages: one per command, which man reads without a complaint."""

import shutil
import subprocess

import pytest

from documentation import man
from documentation.pages import DOCS
from fluxsecrets.cli.commands import COMMANDS

PAGES = man.pages()


def test_each_command_has_a_page_and_no_page_is_left_over():
    assert len(PAGES) == len(COMMANDS) + 1
    assert {f"man/{path.name}" for path in (DOCS / "man").iterdir()} == PAGES.keys()


def test_text_is_printed_as_it_is():
    assert man.escaped(".env of a\\b -y 'z' `") == r"\&.env of a\eb \-y \(aqz\(aq \(ga"
    assert man.escaped("run `get -h`") == r"run \fBget \-h\fR"


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_man_reads_the_pages_without_a_complaint():
    command = ["mandoc", "-T", "lint", "-W", "warning", *(DOCS / page for page in PAGES)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    # Pages have no date: it would change with every build.
    assert [line for line in found.splitlines() if "missing date" not in line] == []
