"""What was decrypted is followed to where it ends."""

import pytest

from fluxsecrets.sops.disclosure import disclosed
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.selection import selected
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec, compile_selector

YAML = YamlFormat()
DATA = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^data$")
PLAIN = "about: hunter2\n# plain\ndata:\n  # hidden\n  a: hunter2\n  b: kept\n  n: 1\n  t: true\nother: {}\n"


@pytest.fixture
def shown(core):
    opened = core.open(core.encrypt(PLAIN.encode(), DATA))

    def shown(text, *, by_hand=False, selector=DATA):
        document = YAML.parse(text.encode(), Limits())
        plain = [item for item, encrypts in selected(document, compile_selector(selector)) if not encrypts]
        return [item.line for item in disclosed(opened, plain, by_hand=by_hand)]

    return shown


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (PLAIN, []),
        (PLAIN.replace("kept", "changed"), []),
        ("# hidden\n" + PLAIN, [1]),
        (PLAIN.replace("# plain", "# hidden"), [2]),
        (PLAIN + "# plain\n", []),
    ],
)
def test_comments_are_known_by_their_text(shown, text, lines, by_hand):
    assert shown(text, by_hand=by_hand) == lines


def test_values_are_known_by_their_place_where_a_command_changed_one(shown):
    narrow = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^(a|n|t)$")
    assert shown(PLAIN, selector=narrow) == [4, 6]  # the comment and data.b
    assert shown(PLAIN.replace("other: {}", "other: kept")) == []


def test_values_are_known_by_what_they_are_where_people_edited(shown):
    moved = PLAIN.replace("  b: kept\n", "").replace("other: {}", "other: kept")
    assert shown(moved, by_hand=True) == [8]
    # One stood there in plain text before, and two do now.
    assert shown(PLAIN.replace("other: {}", "other: hunter2"), by_hand=True) == [9]
    for harmless in ("other: 1", "other: true", "other: ''", "other: k"):
        assert shown(PLAIN.replace("other: {}", harmless), by_hand=True) == []
