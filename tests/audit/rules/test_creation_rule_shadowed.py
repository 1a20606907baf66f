"""Only rules that apply to nothing are compared with all files; what is found stays the same."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.audit.model import ConfigFile
from fluxsecrets.audit.rules.creation_rule_shadowed import check
from fluxsecrets.sops.config import parse_config

AGE = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
FOLDER = st.sampled_from(("", "apps"))
PATTERNS = st.sampled_from((None, ".*", "a", "^a/b", r"b\.yaml$", "a|c", "nothing", r"^c/.*\.yaml$"))
NAMES = ("a/b.yaml", "a/c.yaml", "b.yaml", "c/b.yaml", "c/d.json", "d.json")


def found_in(folder, patterns, names):
    entries = [
        f"  - {{path_regex: '{each}', age: {AGE}}}" if each else f"  - {{age: {AGE}}}" for each in patterns
    ]
    text = "\n".join(["creation_rules:", *entries]).encode()
    config = parse_config(text, path=".sops.yaml")
    paths = tuple(f"{folder}/{name}" if folder else name for name in names)
    file = ConfigFile(f"{folder}/.sops.yaml" if folder else ".sops.yaml", config)
    facts = SimpleNamespace(configs=(file,), tree=SimpleNamespace(below=lambda _: paths))
    return config, [each.location.line for each in check(facts)]


def long_way(config, names):
    for rule in config.rules:
        before = config.rules[: rule.index]
        matched = [name for name in names if rule.matches(name)]
        taken = [any(each.matches(name) for each in before) for name in matched]
        if any(each.path_regex is None for each in before) or (matched and all(taken)):
            yield rule.line


@pytest.mark.parametrize("times", [1, 8])  # many rules are looked for in one search
@given(FOLDER, st.lists(PATTERNS, min_size=1, max_size=6), st.sets(st.sampled_from(NAMES)).map(sorted))
def test_what_is_found_is_what_comparing_each_rule_finds(times, folder, patterns, names):
    config, found = found_in(folder, patterns * times, names)
    assert found == list(long_way(config, names))
