"""The documentation's site: built strictly, whole, and without anything from another host."""

import importlib.util
import re
import shutil
import subprocess
import sys

import pytest

from pagefiles import DOCS, PROJECT

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("zensical") is None, reason="zensical is not installed: the site is not built"
)

# What a browser fetches without a click. A link to another host is the reader's choice.
_FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio)\b[^>]*?\bsrc="?(?P<src>[^"\s>]+)"""
    r"""|<link\b(?=[^>]*rel="?(?:stylesheet|preload|preconnect|prefetch|icon|modulepreload))[^>]*?\bhref="?"""
    r"""(?P<href>[^"\s>]+)""",
    re.IGNORECASE,
)
_IN_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""")


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, folder / "docs")
    shutil.copy(PROJECT / "zensical.toml", folder)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def test_the_site_has_a_page_for_each_page(site):
    sources = {path.relative_to(DOCS).with_suffix("") for path in DOCS.rglob("*.md")}
    expected = {source.parent if source.name == "index" else source for source in sources}
    built = {path.parent.relative_to(site) for path in site.rglob("index.html")}
    assert len(expected) > 70
    assert built == expected


def test_every_page_is_in_the_navigation():
    listed = set(re.findall(r'"([\w/-]+\.md)"', (PROJECT / "zensical.toml").read_text(encoding="utf-8")))
    assert listed == {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}


def test_no_page_fetches_anything_from_another_host(site):
    fetched = set()
    for page in site.rglob("*.html"):
        for match in _FETCHED.finditer(page.read_text(encoding="utf-8")):
            fetched.add(match["src"] or match["href"])
    assert any(each.endswith(".css") for each in fetched)
    assert {each for each in fetched if re.match(r"(?:https?:)?//", each)} == set()
    for style in site.rglob("*.css"):
        assert not _IN_STYLE.search(style.read_text(encoding="utf-8")), style


def test_links_within_the_site_lead_to_files(site):
    broken = set()
    for page in site.rglob("*.html"):
        if page.name == "404.html":
            continue
        for link in re.findall(r'\bhref="?([^"\s>]+)', page.read_text(encoding="utf-8")):
            target = link.partition("#")[0]
            if not target or re.match(r"[a-z]+:|//", target):
                continue
            place = page.parent / target
            if not (place.is_file() or (place / "index.html").is_file()):
                broken.add(f"{page.relative_to(site)}: {link}")
    assert not broken
