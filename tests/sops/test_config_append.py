"""Rules at the end of a `.sops.yaml`: what is there keeps its text and its meaning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import ConfigError
from fluxsecrets.sops.config import parse_config
from fluxsecrets.sops.config_append import FreshRule, append_rules, new_config
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec

ALICE = "age1jtgdzd3eqrd5hc9ttv5rlsg6443knl70z6y0g0ge72gpmk08fedq960n2p"
BOB = "age14q0m73pt0v3vhtwsla3y85snce232wjjnzc787th7snm6e329auqjxn43c"
NAMES = {ALICE: "alice", BOB: "cluster-production"}
FLUX = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^(data|stringData)$")
RULES = (
    FreshRule("files", r"^apps/files/", None, (Recipient("age", ALICE),)),
    FreshRule("manifests", r"^a/.*\.ya?ml$", FLUX, (Recipient("age", ALICE), Recipient("age", BOB))),
)

CONFIGS = {
    "a list": f"creation_rules:\n  - path_regex: ^b/ # why\n    age: {BOB}\n",
    "a list without indentation": f"creation_rules:\n- age: {BOB}\n  path_regex: x\n",
    "more behind it": f"creation_rules:\n  - age: {BOB}\n    path_regex: x\n\n# end\nstores: {{}}\n",
    "no final line break": f"creation_rules:\n  - age: {BOB}\n    path_regex: x",
    "names": f"keys:\n  - &al {ALICE}\ncreation_rules:\n  - age: *al\n    path_regex: x\n",
    "a dash on a line of its own": f"creation_rules:\n  -\n    age: >-\n      {BOB}\n    path_regex: x\n",
    "an empty list": "creation_rules: []\n",
    "nothing in it": "creation_rules:\nstores: {yaml: {indent: 2}}\n",
    "null": "creation_rules: ~ # none yet\n",
    "no rules": "stores:\n  yaml:\n    indent: 2\n",
    "a comment": "# nothing yet\n",
    "nothing": "",
    "CRLF": f"creation_rules:\r\n  - age: {BOB}\r\n    path_regex: x\r\n",
    "a mark": f"\ufeffcreation_rules:\n  - age: {BOB}\n    path_regex: x\n",
}


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS.keys())
def test_old_lines_stay_and_new_rules_come_last(text):
    data = append_rules(text.encode(), RULES, NAMES, path=".sops.yaml")
    before, after = parse_config(text.encode(), path="x"), parse_config(data, path="x")
    count = len(before.rules)
    assert [(rule.path_regex, rule.recipients) for rule in after.rules[:count]] == [
        (rule.path_regex, rule.recipients) for rule in before.rules
    ]
    assert [(rule.path_regex, rule.selector, rule.recipients) for rule in after.rules[count:]] == [
        (rule.path_regex, rule.selector, rule.recipients) for rule in RULES
    ]
    assert after.stores == before.stores
    new = iter(data.decode().splitlines())
    kept = [line.replace(" []", "").replace(" ~", "").rstrip() for line in text.splitlines()]
    assert all(any(each.rstrip().replace("  #", " #") == line for each in new) for line in kept)


def test_a_name_that_the_file_has_is_used():
    data = append_rules(CONFIGS["names"].encode(), RULES, NAMES, path="x").decode()
    assert data.count(ALICE) == 1
    assert data.count("*al") == 3
    assert f"- {BOB} # cluster-production" in data


@pytest.mark.parametrize(
    "text",
    [
        f"creation_rules: [{{age: {BOB}, path_regex: x}}]\n",
        f"{{creation_rules: [{{age: {BOB}}}]}}\n",
    ],
)
def test_what_cannot_be_added_to_is_refused(text):
    with pytest.raises(ConfigError):
        append_rules(text.encode(), RULES, NAMES, path="x")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1), max_size=4))
def test_any_path_and_comment_is_read_as_it_was_meant(words):
    from fluxsecrets.sops.selectors import RegexError, compile_regex

    def pattern(word):
        try:
            compile_regex(word)
        except RegexError:
            return "^x/"
        return word

    rules = [FreshRule(word, pattern(word), None, (Recipient("age", ALICE),)) for word in words]
    found = parse_config(new_config(rules, NAMES), path="x").rules
    assert [rule.path_regex for rule in found] == [rule.path_regex for rule in rules]


@given(st.text(min_size=1, max_size=8))
def test_any_comment_of_a_rule_is_one_line(text):
    rule = FreshRule(text, "^x/", None, (Recipient("age", ALICE),))
    assert len(parse_config(new_config([rule], {}), path="x").rules) == 1
