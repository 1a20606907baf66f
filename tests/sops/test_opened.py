from hypothesis import assume, given

from fluxsecrets.records import replace
from fluxsecrets.sops.document import Leaf
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat
from strategies import yaml_files


@given(yaml_files())
def test_the_opened_parts_hold_what_the_plain_file_holds(core, plain):
    encrypted = core.encrypt_if_any(plain)
    assume(encrypted is not None)
    opened = core.open(encrypted)
    expected = YamlFormat().parse(core.decrypt(encrypted), Limits())
    found = replace(opened.document, parts=opened.plain)
    assert [(leaf.path, leaf.value) for leaf in found.leaves] == [
        (leaf.path, leaf.value) for leaf in expected.leaves
    ]
    changed = {id(change.target): change.value for change in opened.changes}
    if not any(getattr(item, "alias", False) for item in opened.document.items):
        places = [
            (item.path, item.start, changed.get(id(item), held(item)[2])) for item in opened.document.items
        ]
        assert places == [(item.path, item.start, held(item)[2]) for item in found.items]


def held(item):
    """What a value or comment holds, wherever it stands."""
    return type(item), item.path, item.value if isinstance(item, Leaf) else item.text
