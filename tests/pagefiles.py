"""The pages of the documentation, and what is in them."""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

PROJECT = Path(__file__).parents[1]
DOCS = PROJECT / "docs"
PAGES = sorted(
    [
        *(PROJECT / each for each in ("README.md", "CONTRIBUTING.md", "examples/waddle-infra/README.md")),
        *DOCS.rglob("*.md"),
    ]
)
SHELLS = ("console", "bash", "sh", "shell")

_TEST = re.compile(r"<!-- test(?:: exit (?P<code>\d))? -->")
_RUN = re.compile(rf"^{_TEST.pattern}$", re.MULTILINE)
_NOT_RUN = re.compile(r"<!-- not run: (?P<why>(?:needs (?:an?|another|the)|shows) .+) -->")
_START = "<!-- starts with nothing -->"


def name(page):
    return page.relative_to(PROJECT).as_posix()


@functools.cache
def tokens(page):
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def links(page):
    inline = [child for token in tokens(page) for child in token.children or ()]
    return [child.attrs["href"] for child in inline if child.type == "link_open"] + [
        child.attrs["src"] for child in inline if child.type == "image"
    ]


@functools.cache
def anchors(page):
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@dataclass(frozen=True)
class Block:
    """A block of shell, the mark above it, and where it is.

    Attributes:
        code: the exit code of its last command, or None if it is not run.
        why: why it is not run, or None.
    """

    language: str
    text: str
    line: int
    code: int | None
    why: str | None

    @property
    def steps(self):
        """The commands, each with the output that is expected. A script may print anything."""
        if self.language != "console":
            return [(self.text.strip(), "...")]
        found = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif found and continued(found[-1]):
                found[-1] = (f"{found[-1][0]}\n{re.sub('^> ?', '', line)}", [])
            else:
                assert found, f"output without a command: {line}"
                found[-1][1].append(line)
        return [(command, "\n".join(lines).strip("\n")) for command, lines in found]


def continued(step):
    """Whether the shell would read on: after a backslash, or inside of a here-document."""
    command, output = step
    if output:
        return False
    here = re.search(r"<<-?'?(\w+)'?", command)
    return command.endswith("\\") or (here is not None and command.splitlines()[-1] != here[1])


def shell_blocks(page):
    """Every block of shell on the page, marked or not."""
    above, found = "", []
    for token in tokens(page):
        if token.type == "fence" and token.info.split(" ")[0] in SHELLS:
            tested, left = _TEST.fullmatch(above), _NOT_RUN.fullmatch(above)
            found.append(
                Block(
                    token.info.split(" ")[0],
                    token.content,
                    token.map[0] + 1,
                    int(tested["code"] or 0) if tested else None,
                    left["why"] if left else None,
                )
            )
        above = token.content.strip() if token.type == "html_block" else ""
    return found


def starts_with_nothing(page):
    """Whether the reader of the page has an empty folder, instead of the example."""
    return _START in page.read_text(encoding="utf-8")


def is_run(page):
    """Whether any example of the page is run. No page is parsed for it while tests are collected."""
    return _RUN.search(page.read_text(encoding="utf-8")) is not None
