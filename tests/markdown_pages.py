"""What a forge would make of Markdown: HTML, by a parser with the tables of GitHub."""

from html.parser import HTMLParser

from markdown_it import MarkdownIt

ATTACKS = (
    "@fluxcd/maintainers look",
    "see #12 and GH-12 and org/repo#3",
    "[click](https://evil.example)",
    "![](https://evil.example/pixel.png)",
    "<https://evil.example> https://evil.example www.evil.example a@evil.example",
    "<!-- fluxsecrets review -->",
    "<img src=x onerror=alert(1)>",
    "</details></td></table><h1>approved</h1>",
    "a`b``c` @team `",
    "`` @team ``",
    "a\\`@team\\`",
    "a | b | @team |",
    "a\\| @team",
    "x\n\n# approved\n\n- [x] done\n> quote\n---\n",
    "x\r\n@team",
    "$`\\href{https://evil.example}{x}`$ $$x$$",
    ":rocket: ~~gone~~ **bold** __bold__ _it_",
    "[^1]: note",
    "[a]: https://evil.example\n[a]",
    "&#64;team &commat;team &lt;b&gt;",
    "\u202egnp.exe\u2066 \u061c\u200b@\u200bteam\ufeff",
    "\x1b[31m\x00\x07",
    "`",
    "|",
    "1) one",
    "1. one",
    "+ a",
    "- a",
    "    indented",
    "\U000e0041\U000e0042",
    "caf\udce9.yaml",
)
"""Names and sentences that would do something in Markdown, if they could."""

ACTIVE = {"a", "img", "script", "style", "iframe", "form", "input", "object", "svg"}
_QUIET = {"code", "pre"}


class Page(HTMLParser):
    """HTML as a forge shows it.

    Attributes:
        tags: the names of all elements.
        text: all text.
        loose: the text outside of code, in which a forge looks for mentions, references and links.
        code: the texts of the code spans.
        comments: the HTML comments.
    """

    def __init__(self, markdown):
        super().__init__()
        self.tags, self.text, self.loose = set(), "", ""
        self.code, self.comments, self.ids = [], [], []
        self._within = []
        self.html = MarkdownIt("commonmark").enable("table").render(markdown)
        self.feed(self.html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        if tag in _QUIET:
            self._within.append(tag)
            self.code.append("")

    def handle_endtag(self, tag):
        if tag in _QUIET:
            self._within.remove(tag)

    def handle_data(self, data):
        self.text += data
        if self._within:
            self.code[-1] += data
        else:
            self.loose += data

    def handle_comment(self, data):
        self.comments.append(data)


def assert_harmless(markdown, comments=()):
    """The page does nothing: no links, images or active elements, and nobody is mentioned.

    Anchors are elements `a` with an id and nothing else.
    """
    page = Page(markdown)
    assert page.tags & (ACTIVE - {"a"}) == set()
    assert page.html.count("<a ") == page.html.count('<a id="')
    assert not any(mark in page.loose for mark in ("@", "://", "<", "`", "$", "www.", "#", "]("))
    assert page.comments == list(comments)
    return page
