"""Creation rules for a new environment, in `.sops.yaml` files of many styles."""

import difflib

import pytest

from fluxsecrets.errors import ConfigError
from fluxsecrets.ops.newenv.model import Cluster
from fluxsecrets.ops.newenv.rules import RuleRequest, add_rules
from fluxsecrets.sops.config import parse_config, rule_for

ALICE = "age1a454ldt5jy8ds3uykf2zju9v8y6t8t3n5gsug6xclh80mcw6uszss5m7la"
OLD = "age14q0m73pt0v3vhtwsla3y85snce232wjjnzc787th7snm6e329auqjxn43c"
STAGING = "age1jtgdzd3eqrd5hc9ttv5rlsg6443knl70z6y0g0ge72gpmk08fedq960n2p"
NEW = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
FINGERPRINT = "85D77543B3D624B63CEA9E6DBC17301B491B3F21"

FILES = {
    "clusters/production/a.yaml": "clusters/dr/a.yaml",
    "apps/x/production/s.yaml": "apps/x/dr/s.yaml",
    "notes/production.txt": "notes/dr.txt",
}
SECRETS = ("apps/x/dr/s.yaml", "clusters/dr/a.yaml")
OTHERS = (*FILES, "clusters/staging/a.yaml", "apps/x/staging/s.yaml", "other.yaml")


def add(text, *, old=(OLD,), shared=(), files=FILES, secrets=SECRETS, others=OTHERS):
    request = RuleRequest(files, secrets, shared, others, "production", "dr")
    return add_rules(text.encode(), ".sops.yaml", request, Cluster(tuple(old), NEW, "cluster-dr"))


def readers(made, path):
    return {each.id for each in rule_for(made.config, path).recipients}


def added(text, made):
    """The lines that are new; no other line may have changed."""
    diff = list(difflib.ndiff(text.splitlines(), made.data.decode().splitlines()))
    assert not [line for line in diff if line.startswith("- ")]
    return [line[2:] for line in diff if line.startswith("+ ")]


STYLES = {
    "anchors": f"""\
keys:
  # people
  - &alice {ALICE} # she
  - &production {OLD} # it
creation_rules:
  # of production
  - path_regex: (clusters|apps/x)/production/
    encrypted_regex: ^(data|stringData)$
    key_groups:
    - age: [*alice, *production]
  # the end
""",
    "a list of texts": f"""\
creation_rules:
- path_regex: "production/"
  age:
  - {ALICE}
  - {OLD}
""",
    "one text": f"creation_rules:\n  - path_regex: production/\n    age: {ALICE},{OLD}\n",
    "a quoted text": f"creation_rules:\n  - path_regex: 'production/'\n    age: '{ALICE},{OLD}'\n",
    "a folded text": (
        f"creation_rules:\n  - path_regex: production/\n    age: >-\n      {ALICE},\n      {OLD}\n"
        "stores: {}\n"
    ),
    "a dash alone": f"creation_rules:\n  -\n    path_regex: production/\n    age: {OLD},{ALICE}\n",
    "anchors in the rule": (
        "creation_rules:\n  - path_regex: production/\n    age:\n"
        f"      - &alice {ALICE}\n      - &cluster-production {OLD}\n"
        f"  - path_regex: staging/\n    age:\n      - *alice\n      - {STAGING}\n"
    ),
    "named anchors": (
        f"keys:\n  alice: &alice {ALICE}\n  production: &production {OLD}\n"
        "creation_rules:\n  - path_regex: production/\n    key_groups: [{age: [*alice, *production]}]\n"
    ),
    "no list of its own": (
        f"keys: [&alice {ALICE}, &prod {OLD}]\n"
        "creation_rules:\n  - path_regex: production/\n    key_groups:\n      - age:\n"
        "          - *alice\n          - *prod\n"
    ),
    "a shared list": (
        f"groups:\n  - &production\n    - {ALICE}\n    - {OLD}\n"
        "creation_rules:\n  - path_regex: production/\n    age: *production\n"
    ),
    "a named list in the rule": (
        f"creation_rules:\n  - path_regex: production/\n    age: &both\n      - {ALICE}\n      - {OLD}\n"
        "  - path_regex: staging/\n    age: *both\n"
    ),
    "a named text in the rule": (
        f"creation_rules:\n  - path_regex: production/\n    age: &both {ALICE},{OLD}\n"
        "  - path_regex: staging/\n    age: *both\n"
    ),
    "a merged rule": (
        f"all: &all\n  age: {ALICE},{OLD}\ncreation_rules:\n  - <<: *all\n    path_regex: production/\n"
    ),
    "a flow rule": f"creation_rules:\n  - {{path_regex: production/, age: [{ALICE}, {OLD}]}}\n",
    "no line end": f"creation_rules:\n  - path_regex: production/\n    age: {ALICE},{OLD}",
    "for everything": f"creation_rules:\n  - age: {ALICE},{OLD},{STAGING}\n",
    "for both": f"creation_rules:\n  - path_regex: (staging|production)/\n    age: {ALICE},{OLD},{STAGING}\n",
    "an escaped path": f'creation_rules:\n  - path_regex: "produc\\u0074ion/"\n    age: {ALICE},{OLD}\n',
}


@pytest.mark.parametrize("text", STYLES.values(), ids=STYLES)
def test_the_new_files_are_for_the_same_people_and_the_new_cluster(text):
    before = parse_config(text.encode(), path=".sops.yaml")
    made = add(text)
    added(text, made)
    for path in SECRETS:
        old = rule_for(before, path.replace("dr/", "production/"))
        assert readers(made, path) == ({each.id for each in old.recipients} - {OLD}) | {NEW}
        assert rule_for(made.config, path).selector == old.selector
    for path in OTHERS:
        old, new = rule_for(before, path), rule_for(made.config, path)
        assert (old and old.recipients) == (new and new.recipients)
    assert made.uncovered == ()


def test_a_twin_stands_behind_its_rule_and_comments_stay_where_they_are():
    text = STYLES["anchors"]
    made = add(text)
    assert made.data.decode().splitlines()[4:] == [
        f"  - &dr {NEW}",
        "creation_rules:",
        "  # of production",
        "  - path_regex: (clusters|apps/x)/production/",
        "    encrypted_regex: ^(data|stringData)$",
        "    key_groups:",
        "    - age: [*alice, *production]",
        "  - path_regex: (clusters|apps/x)/dr/",
        "    encrypted_regex: ^(data|stringData)$",
        "    key_groups:",
        "    - age: [*alice, *dr]",
        "  # the end",
    ]
    assert [each.line for each in made.changes] == [5, 12]


def test_a_copy_names_what_its_rule_defines_and_defines_nothing_itself():
    text = (
        'creation_rules:\n\n  - path_regex: "produc\\u0074ion/"\n    age: &both # they\n'
        f"      - &alice {ALICE}\n      - &it {OLD}\n\n  - path_regex: staging/\n    age: *both\n"
    )
    made = add(text)
    assert made.data.decode().splitlines()[5:11] == [
        f"      - &it {OLD}",
        "",
        '  - path_regex: "dr/"',
        "    age: # they",
        "      - *alice",
        f"      - {NEW}",
    ]
    assert [(each.line, each.like) for each in made.changes] == [(8, "production/")]


def test_windows_line_ends_and_a_byte_order_mark_stay():
    text = STYLES["anchors"].replace("\n", "\r\n")
    data = b"\xef\xbb\xbf" + text.encode()
    request = RuleRequest(FILES, SECRETS, (), OTHERS, "production", "dr")
    made = add_rules(data, ".sops.yaml", request, Cluster((OLD,), NEW, "cluster-dr")).data
    assert made.startswith(b"\xef\xbb\xbf")
    assert made.count(b"\n") == made.count(b"\r\n")


def test_of_a_general_rule_the_new_files_get_one_of_their_own_above_it():
    text = "creation_rules:\n  # all\n" + STYLES["for everything"].split("\n", 1)[1].replace(
        "  - age", "  - encrypted_regex: ^data$\n    mac_only_encrypted: true\n    age"
    )
    made = add(text)
    assert added(text, made) == [
        '  - path_regex: "^(apps/x/dr/|clusters/dr/)"',
        '    encrypted_regex: "^data$"',
        "    mac_only_encrypted: true",
        "    key_groups:",
        "      - age:",
        f'          - "{ALICE}"',
        f'          - "{STAGING}"',
        f"          - {NEW}",
    ]


def test_key_groups_keep_their_number_and_threshold():
    text = (
        "creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n"
        f"      - age: [{ALICE}]\n        pgp: [{FINGERPRINT}]\n      - age: [{OLD}]\n"
    )
    made = add(text)
    rule = rule_for(made.config, SECRETS[0])
    assert [[each.id for each in group] for group in rule.key_groups] == [[ALICE, FINGERPRINT], [NEW]]
    assert rule.shamir_threshold == 2


@pytest.mark.parametrize(
    "rule",
    [
        f"age:\n      - {ALICE}\n      - {OLD} # it\n      - {STAGING}\n",
        f"age: {ALICE},{OLD},{STAGING}\n",
        f"age: [{ALICE}, {OLD}, {STAGING}] # all\n",
        f"key_groups: [{{age: ['{ALICE}', '{OLD}', '{STAGING}']}}]\n",
        f"age: >-\n      {ALICE},\n      {OLD},\n      {STAGING}\n",
    ],
)
def test_a_rule_for_what_both_use_gets_the_new_key_beside_the_old_one(rule):
    text = f"creation_rules:\n  - path_regex: ^shared/\n    {rule}"
    made = add(text, shared=("shared/s.yaml",), secrets=(), others=("other.yaml",))
    assert readers(made, "shared/s.yaml") == {ALICE, OLD, STAGING, NEW}
    assert parse_config(made.data, path="x").rules[0].path_regex == "^shared/"


def test_a_shared_rule_without_the_old_key_stays():
    text = f"creation_rules:\n  - age: {ALICE}\n"
    made = add(text, shared=("shared/s.yaml",), secrets=(), others=())
    assert made.data == text.encode()


def test_where_the_old_key_is_not_known_the_new_one_is_added():
    made = add(STYLES["one text"], old=())
    assert readers(made, SECRETS[0]) == {ALICE, OLD, NEW}


def test_what_no_rule_covered_is_told():
    text = f"creation_rules:\n  - path_regex: ^apps/x/production/\n    age: {ALICE},{OLD}\n"
    assert add(text).uncovered == ("clusters/dr/a.yaml",)


def test_a_file_of_its_own_is_named_by_its_whole_path():
    files = {"notes/production.txt": "notes/dr.txt"}
    text = f"creation_rules:\n  - path_regex: ^notes/\n    age: {ALICE},{OLD}\n"
    made = add(text, files=files, secrets=("notes/dr.txt",), others=("notes/x.txt", "notes/dr.txt.bak"))
    assert rule_for(made.config, "notes/dr.txt").path_regex == r"^notes/dr\.txt$"
    assert readers(made, "notes/dr.txt.bak") == {ALICE, OLD}


def test_a_path_beyond_the_first_plane_of_unicode_is_written_as_yaml_reads_it():
    files = {"notes/🦆/production.txt": "notes/🦆/dr.txt"}
    text = f"creation_rules:\n  - path_regex: ^notes/\n    age: {ALICE},{OLD}\n"
    made = add(text, files=files, secrets=("notes/🦆/dr.txt",), others=("notes/x.txt",))
    assert rule_for(made.config, "notes/🦆/dr.txt").path_regex.startswith("^notes/🦆/dr")
    assert readers(made, "notes/🦆/dr.txt") == {ALICE, NEW}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"creation_rules: [{{path_regex: production/, age: '{ALICE},{OLD}'}}]\n", "a line for each rule"),
        (
            f"creation_rules:\n  - age: {ALICE},{OLD}\n    kms: arn:aws:kms:eu-west-1:1:key/abc\n",
            "a key of the kind kms",
        ),
        (
            f"x: &x\n  - {OLD}\ncreation_rules:\n  - path_regex: ^shared/\n    age: *x\n",
            "another rule would apply to shared/s.yaml",
        ),
    ],
)
def test_what_cannot_be_added_in_the_text_is_an_error(text, message):
    shared = ("shared/s.yaml",) if "shared" in text else ()
    with pytest.raises(ConfigError, match=message) as caught:
        add(text, shared=shared, secrets=() if shared else SECRETS)
    assert "by hand" in caught.value.hint
