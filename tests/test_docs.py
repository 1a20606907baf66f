"""The documentation says what the program does: generated parts, examples and links are compared with it."""

import re
from pathlib import Path

from documentation import commands
from documentation.pages import pages
from fluxsecrets.ops.review.kinds import KINDS
from fluxsecrets.scan.registry import all_rules
from pagefiles import DOCS, PAGES, anchors, is_run, links, name, shell_blocks, starts_with_nothing
from tables import each_row


def test_generated_pages_are_up_to_date(environment):
    outdated = [path for path, text in pages().items() if read(path) != text]
    assert not outdated, "run `make docs`"


def read(path: str) -> str:
    place = DOCS / path
    return place.read_text(encoding="utf-8") if place.exists() else ""


def test_every_command_is_documented_once(environment):
    documented = [each for path in pages() for each in commands.documented(read(path))]
    expected = [each for name in commands.COMMANDS for each in commands.paths(name)]
    assert len(expected) > 50
    assert sorted(documented) == sorted(["", *expected])


def test_the_places_that_rules_name_exist():
    named = {rule.docs for rule in all_rules()} | {kind.info.docs for kind in KINDS}
    places = (docs.partition("#") for docs in sorted(named))
    assert not [f"{page}#{anchor}" for page, _, anchor in places if anchor not in anchors(DOCS / page)]


@each_row("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for link in links(page):
        target, _, anchor = link.partition("#")
        if target.startswith(("https:", "mailto:")):
            continue
        place = (page.parent / target).resolve() if target else page
        assert place.exists(), f"{name(page)} links to {target}"
        if anchor:
            assert anchor in anchors(place), f"{name(page)} links to {link}"


def test_code_in_tables_is_shown_as_it_is():
    """A reader of the site who copies `a\\|b` gets the backslash: tables need `<code>a&#124;b</code>`."""
    for page in PAGES:
        lines = page.read_text(encoding="utf-8").splitlines()
        assert not [each for each in lines if re.search(r"^\|.*`[^`]*\\\|[^`]*`", each)], name(page)


def test_pages_of_commands_are_those_of_the_program():
    on_disk = {path.stem for path in Path(DOCS / "commands").glob("*.md")}
    assert on_disk == set(commands.COMMANDS)


def test_no_page_names_the_folder_that_it_was_written_in():
    for page in PAGES:
        assert not re.search(r"/(?:home|Users)/\w+/|/root/", page.read_text(encoding="utf-8")), name(page)


@each_row("page", PAGES, ids=name)
def test_every_example_is_run_or_says_why_not(page):
    unmarked = [block.line for block in shell_blocks(page) if block.code is None and block.why is None]
    assert not unmarked, (
        f"{name(page)}: mark lines {unmarked} with `<!-- test -->` or `<!-- not run: needs … -->`"
    )


@each_row("page", PAGES, ids=name)
def test_a_page_is_known_to_have_examples_that_are_run_before_it_is_parsed(page):
    assert is_run(page) == any(block.code is not None for block in shell_blocks(page))


@each_row("page", [page for page in PAGES if is_run(page)], ids=name)
def test_a_page_says_what_its_examples_start_with(page):
    text = page.read_text(encoding="utf-8")
    assert starts_with_nothing(page) or "example.md" in text, f"{name(page)}: link to docs/example.md"
