"""A List of Secrets becomes YAML documents, text and comments kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FormatError
from fluxsecrets.ops.files.split import split_lists
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat

LIST = """\
# at the top
apiVersion: v1
# about the items
items:
# first
- apiVersion: v1
  kind: Secret
  metadata:
    name: a # its name
  # inside
  stringData:
    text: |
      one
        two

    folded: "three
      four"
# second
-
  # behind the dash - with dashes
  apiVersion: v1
  kind: Secret
  metadata: {name: b}
  data: {k: dg==}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
kind: List
metadata:
  resourceVersion: ""
"""

DOCUMENTS = """\
# at the top
# about the items
# first
apiVersion: v1
kind: Secret
metadata:
  name: a # its name
# inside
stringData:
  text: |
    one
      two

  folded: "three
    four"
---
# second

# behind the dash - with dashes
apiVersion: v1
kind: Secret
metadata: {name: b}
data: {k: dg==}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
"""

OTHER = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n"


def split(text):
    return split_lists(text.encode(), Limits()).decode()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_text_comments_and_order_are_kept(newline, bom):
    assert split((bom + LIST).replace("\n", newline)) == (bom + DOCUMENTS).replace("\n", newline)


def test_other_documents_stay_as_they_are():
    assert (
        split(f"---\n{OTHER}---\n{LIST}---\n{OTHER}...\n") == f"---\n{OTHER}---\n{DOCUMENTS}---\n{OTHER}...\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        OTHER,
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap}\n",
        "apiVersion: v1\nkind: List\nitems: []\n",
        "kind: Secret\nitems:\n- kind: Secret\n",
        "kind: List\nitems: text\n",
    ],
)
def test_what_needs_no_splitting_is_not_touched(text):
    assert split(text) == text


def test_items_of_a_secret_list_get_what_they_leave_out():
    text = "apiVersion: v1\nkind: SecretList\nitems:\n    - metadata: {name: a}\n      data: {a: eA==}"
    assert split(text) == "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: eA==}\n"


def test_flow_style_and_lists_in_lists():
    text = "kind: List\nitems: [{kind: Secret, x: 'yes'}, {kind: List, items: [{kind: Secret, x: [1]}]}]\n"
    parts = YamlFormat().parse(split(text).encode(), Limits()).parts
    assert [to_data(part) for part in parts] == [{"kind": "Secret", "x": "yes"}, {"kind": "Secret", "x": [1]}]


@pytest.mark.parametrize(
    "text",
    [
        "kind: List\nitems:\n- &a {kind: Secret, x: &b y}\n- {kind: Secret, x: *b}\n",
        "kind: List\nitems:\n- kind: Secret\n- text\n",
        "kind: List\nitems:\n- kind: Secret\n- [1]\n",
    ],
)
def test_items_that_cannot_stand_alone(text):
    with pytest.raises(FormatError) as caught:
        split(text)
    assert caught.value.hint is not None


VALUES = st.sampled_from(
    ["x", '"a\\n b"', "|\n{i}  one\n{i}    two\n", ">-\n{i}  a\n{i}  b\n", "[1, 2]", "{a: 1}", "'# no'"]
)


@given(
    st.lists(st.lists(VALUES, min_size=1, max_size=4), min_size=1, max_size=4),
    st.sampled_from([0, 2, 3]),
    st.sampled_from([1, 3]),
    st.booleans(),
)
def test_items_come_back_as_documents(items, indent, gap, comments):
    text = "apiVersion: v1\nkind: List\nitems:\n"
    for number, values in enumerate(items):
        if comments:
            text += f"{' ' * indent}# item {number}\n"
        text += f"{' ' * indent}-{' ' * gap}kind: Secret\n"
        inner = " " * (indent + 1 + gap)
        for index, value in enumerate(values):
            text += f"{inner}k{index}: " + value.replace("{i}", inner).rstrip("\n") + "\n"
    new = split(text).encode()
    old = to_data(YamlFormat().parse(text.encode(), Limits()).parts[0])["items"]
    assert [to_data(part) for part in YamlFormat().parse(new, Limits()).parts] == old
    assert new.count(b"# item") == (len(items) if comments else 0)
