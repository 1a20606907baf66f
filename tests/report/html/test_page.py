"""The HTML report: it holds what it should, loads nothing, and no name in a repository becomes markup."""

import re
import sys
from base64 import b64encode
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import scaled
from fluxsecrets.errors import UsageError
from fluxsecrets.report.html.page import html_page, require_engine
from fluxsecrets.report.text import printable, well_formed
from overviews import make_overview

tinyhtml5 = pytest.importorskip("tinyhtml5.parser", reason="tinyhtml5 is not installed: no page is parsed")

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onclick='alert(1)",
    "</style><script>alert(1)</script>",
    "</script><!--",
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.exe\u2066",
    "a\x00b\x1b[31m\r\nc",
    "javascript:alert(1)",
    "&lt;b&gt; &amp;amp;",
    "bytes \udcff",
    "`<b>` and `",
)
NAMED_BY_US = {"onclick", "onerror", "onload", "style", "srcset", "background", "formaction", "action"}


def text_of(overview):
    (block,) = html_page(overview, "1.2.3")
    return "\n".join(block.lines)


def parsed(text):
    """The elements of a page as a browser reads it; what is not HTML is an error."""
    parser = tinyhtml5.HTMLParser(namespace_html_elements=False)
    tree = parser.parse(text)
    assert parser.errors == []
    return [each for each in tree.iter() if isinstance(each.tag, str)]


def tag(element):
    return element.tag.rpartition("}")[2]


def structure(elements):
    return [tag(each) for each in elements]


def everything(elements):
    texts = "".join(part or "" for each in elements for part in (each.text, each.tail))
    return texts + " ".join(value for each in elements for value in each.attrib.values())


@settings(max_examples=scaled(8))
@given(
    st.text(
        st.one_of(
            st.sampled_from("<>\"'&`/=\\{}%#;-!\x00\x0b\r\n\u202e\u2028\udc80 "),
            st.characters(categories=["L", "S"]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_no_name_becomes_markup(name):
    _check_name(name)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_hostile_name_becomes_markup_and_each_is_shown(name):
    elements = _check_name(name)
    shown = printable(well_formed(name)).strip().replace("`", "")
    assert shown in everything(elements).replace("`", "")


def _check_name(name):
    elements = parsed(text_of(make_overview(name)))
    tags = structure(elements)
    assert (tags.count("script"), tags.count("style"), tags.count("img"), tags.count("base")) == (1, 1, 0, 0)
    assert not {key for each in elements for key in each.attrib if key.startswith("on")} | {
        key for each in elements for key in each.attrib if key in NAMED_BY_US
    }
    targets = [each.get(key) for each in elements for key in ("href", "src") if each.get(key) is not None]
    assert all(target.startswith("#") for target in targets)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", everything(elements))
    return elements


def test_a_name_changes_no_structure():
    plain, hostile = (text_of(make_overview(name)) for name in ("name", "<b>'\"&"))
    assert structure(parsed(plain)) == structure(parsed(hostile))


def test_the_policy_allows_this_style_and_this_script_alone():
    elements = parsed(text_of(make_overview()))
    policy = next(each.get("content") for each in elements if each.get("http-equiv"))
    assert policy.startswith("default-src 'none'; ")
    for name in ("style", "script"):
        inside = next(each.text for each in elements if tag(each) == name)
        digest = b64encode(sha256(inside.encode()).digest()).decode()
        assert re.search(rf"{name}-src '([^']*)'", policy)[1] == f"sha256-{digest}"
    assert "unsafe" not in policy


def test_the_same_overview_gives_the_same_page():
    assert text_of(make_overview()) == text_of(make_overview())


def test_the_page_is_built_for_assistive_technology():
    elements = parsed(text_of(make_overview(environments=2)))
    ids = [each.get("id") for each in elements if each.get("id")]
    assert len(ids) == len(set(ids))
    references = [
        *(each.get("for") for each in elements if each.get("for")),
        *(each.get("aria-labelledby") for each in elements if each.get("aria-labelledby")),
        *(each.get("href")[1:] for each in elements if each.get("href")),
    ]
    assert set(references) <= set(ids)
    for table in (each for each in elements if tag(each) == "table"):
        inside = list(table.iter())
        assert tag(inside[1]) == "caption"
        assert all(each.get("scope") for each in inside if tag(each) == "th")
    levels = [int(each.tag[1]) for each in elements if re.fullmatch("h[1-6]", tag(each))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_without_the_script_all_is_shown():
    elements = parsed(text_of(make_overview()))
    hidden = [each.get("id") for each in elements if each.get("hidden") is not None]
    assert hidden == ["filters", "nothing"]


def test_a_large_repository_fits_into_a_page():
    text = text_of(make_overview("apps/some-team/overlays", findings=2_000, environments=50, files=500))
    assert len(text.encode()) < 3_000_000
    assert text.count('<tr data-severity="') == 2_000
    groups = re.findall(r'<details class="rule [^>]*>', text)
    assert any(not each.endswith(" open>") for each in groups), "many findings are folded"
    environments = re.findall(r'<details class="environment"[^>]*>', text)
    assert (len(environments), [each for each in environments if each.endswith(" open>")]) == (50, [])


def test_nothing_at_all_is_a_page():
    elements = parsed(text_of(make_overview(findings=0)))
    assert "No findings" in everything(elements)


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(UsageError) as caught:
        require_engine()
    assert caught.value.hint == "run `pip install 'fluxsecrets[html]'`"
