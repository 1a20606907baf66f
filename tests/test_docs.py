"""The documentation says what the program does: help texts, examples and links are compared with it."""

import importlib.util
import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from fluxsecrets.cli.app import RUN_BY_GIT
from fluxsecrets.ops.review.kinds import KINDS
from fluxsecrets.scan.registry import all_rules

PROJECT = Path(__file__).parents[1]
PAGES = sorted([PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *(PROJECT / "docs").glob("*.md")])
FIRST_PAGE = "getting-started.md"
COMMANDS = PROJECT / "docs" / "commands.md"

# ```console blocks after `<!-- test -->` are run, page by page, in a copy of the example. A line that starts
# with `$ ` is a command; what follows must be its output, where `...` stands for anything.
# `<!-- test: exit 2 -->` expects that exit code from the block's last command.
_EXAMPLE = re.compile(
    r"^<!-- test(?:: exit (?P<code>\d))? -->\n```console\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
_OURS = re.compile(r"fluxsecrets(?: [\w@%+=:,./-]+)*")  # nothing in it that a shell would change
_LINK = re.compile(r"\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")


def name(page):
    return page.relative_to(PROJECT).as_posix()


def load_generator():
    spec = importlib.util.spec_from_file_location("docs_generate", PROJECT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def steps(text):
    """The block's commands, each with the output that is expected."""
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found and found[-1][0].endswith("\\"):
            found[-1] = (f"{found[-1][0]}\n{line.removeprefix('> ')}", [])
        else:
            assert found, f"output without a command: {line}"
            found[-1][1].append(line)
    return [(command, "\n".join(lines).strip("\n")) for command, lines in found]


def matches(expected, output):
    pattern = ".*".join(re.escape(part) for part in expected.split("..."))
    return re.fullmatch(pattern, output, re.DOTALL) is not None


def run_example(command, cwd, cli):
    """The exit code of a command, and what it printed; one of ours alone takes no process of its own."""
    if _OURS.fullmatch(command):
        result = cli(*command.split()[1:], merged=True)
        return result.exit_code, result.stdout
    environment = {**os.environ, "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def with_examples():
    return [page for page in PAGES if _EXAMPLE.search(page.read_text(encoding="utf-8"))]


@pytest.mark.skipif(
    shutil.which("bash") is None, reason="bash is not on PATH: the documentation's examples are not run"
)
@pytest.mark.parametrize("page", with_examples(), ids=name)
def test_examples_print_what_the_page_says(page, waddle, cli, monkeypatch):
    if page.name == FIRST_PAGE:  # its reader has no identity, and nobody in the rules to be
        monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    for block in _EXAMPLE.finditer(page.read_text(encoding="utf-8")):
        done = steps(block["text"])
        for number, (command, expected) in enumerate(done, start=1):
            exit_code, printed = run_example(command, waddle, cli)
            output = "\n".join(line.rstrip() for line in printed.splitlines()).strip("\n")
            code = int(block["code"] or 0) if number == len(done) else 0
            assert exit_code == code, f"$ {command}\n{output}"
            assert matches(expected, output), f"$ {command}\n{output}\n--- the page says:\n{expected}"


def test_readme_and_guides_have_examples_that_are_run():
    assert {"README.md", "docs/getting-started.md"} <= {name(page) for page in with_examples()}


def test_help_in_the_docs_is_what_the_commands_print(environment):
    page = COMMANDS.read_text(encoding="utf-8")
    assert load_generator().with_help(page) == page, "docs/commands.md is out of date: run `make docs`"


def test_rules_of_the_scanner_are_in_the_docs():
    page = PROJECT / "docs" / "scan.md"
    text = page.read_text(encoding="utf-8")
    assert load_generator().with_rules(text) == text, "docs/scan.md is out of date: run `make docs`"
    for rule in all_rules():
        place, _, anchor = rule.docs.partition("#")
        assert anchor in anchors(PROJECT / "docs" / place), rule.id


def test_kinds_of_the_review_are_in_the_docs():
    page = PROJECT / "docs" / "review.md"
    text = page.read_text(encoding="utf-8")
    assert load_generator().with_kinds(text) == text, "docs/review.md is out of date: run `make docs`"
    for kind in KINDS:
        place, _, anchor = kind.info.docs.partition("#")
        assert anchor in anchors(PROJECT / "docs" / place), kind.info.id


def test_every_command_is_documented(environment):
    generator = load_generator()
    documented = generator.documented(COMMANDS.read_text(encoding="utf-8"))
    pending, commands = ["", *RUN_BY_GIT], []
    while pending:
        command = pending.pop()
        commands.append(command)
        listed = generator.help_of(command).partition("Commands:\n")[2].partition("\n\n")[0]
        names = re.findall(r"^  ([a-z][a-z-]*)", listed, re.MULTILINE)
        pending += [f"{command} {each}".strip() for each in names]
    assert len(commands) > 1
    assert sorted(documented) == sorted(commands)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for match in _LINK.finditer(page.read_text(encoding="utf-8")):
        target, _, anchor = match["target"].partition("#")
        if target.startswith(("https:", "mailto:")):
            continue
        place = (page.parent / target).resolve() if target else page
        assert place.exists(), f"{name(page)} links to {target}"
        if anchor:
            assert anchor in anchors(place), f"{name(page)} links to {match['target']}"


def anchors(page):
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    ("expected", "output", "same"),
    [("a\n...\nd", "a\nb\nc\nd", True), ("a", "a\nb", False), ("age1...", "age1xyz", True), ("", "b", False)],
)
def test_the_comparison_itself(expected, output, same):
    assert matches(expected, output) is same
