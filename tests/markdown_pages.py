"""What a forge would make of Markdown: HTML, by a parser with the tables of GitHub."""

from html.parser import HTMLParser

from markdown_it import MarkdownIt

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
