"""sops-plain-value and sops-foreign-value: files with a sops block, judged by their own selector."""

from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[2] / "vectors"

ENC = "ENC[AES256_GCM,data:aGk=,iv:" + "A" * 43 + "=,tag:" + "A" * 22 + "==,type:str]"
OTHER = "ENC[AES256_GCM,data:eW8=,iv:" + "A" * 43 + "=,tag:" + "A" * 22 + "==,type:str]"
BLOCK = """\
sops:
  age:
    - recipient: age1throwaway
      enc: |
        -----BEGIN AGE ENCRYPTED FILE-----
        {key}
        -----END AGE ENCRYPTED FILE-----
  lastmodified: "2026-11-20T10:00:00Z"
  mac: {enc}
  {selector}
  version: 3.13.2
"""


def encrypted(body, selector="encrypted_regex: ^(data|stringData)$", key="b25l"):
    return body + BLOCK.format(enc=ENC, selector=selector, key=key)


SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n"


def test_code_with_an_encrypted_file_in_it_is_code(scanner):
    dotenv = f"A={ENC}\nPLAIN=hunter2\nsops_mac={ENC}\nsops_version=3.13.2\n"
    assert scanner(dotenv, "settings") == ["2 sops-plain-value"]
    code = (
        f'import os\n\n\nTEXT = """\\\n{dotenv}"""\n\n\ndef read():\n    return TEXT.split(",")\n'
        + "x = read()\n" * 3
    )
    assert scanner(code, "test_it.py") == []


@pytest.mark.parametrize(
    "path", sorted(VECTORS.glob("sops/*/encrypted.*")), ids=lambda path: path.parent.name
)
def test_what_sops_encrypted_is_clean(scanner, path):
    scanned = scanner.scan(path.read_bytes(), f"x/{path.name}")
    assert scanned.findings == ()
    assert scanned.problem is None
    assert scanned.encrypted or path.suffix == ".bin"


@pytest.mark.parametrize("value", ["added", "'12'", "12", "true", "ENC[AES256_GCM,broken"])
def test_a_value_that_was_added_with_an_editor_is_found(scanner, value):
    assert scanner(encrypted(f"{SECRET}  a: {ENC}\n  b: {value}\n")) == ["7 sops-plain-value"]


def test_even_a_placeholder_is(scanner):
    """sops would have encrypted it; whoever reads the file cannot tell what else was changed."""
    assert scanner(encrypted(f"{SECRET}  b: REPLACE_ME\n")) == ["6 sops-plain-value"]


@pytest.mark.parametrize("value", ['""', "null", "~", "", ENC, f'"{ENC}"'])
def test_what_sops_leaves_alone_is_fine(scanner, value):
    assert scanner(encrypted(f"{SECRET}  a: {ENC}\n  b: {value}\n")) == []


@pytest.mark.parametrize(
    ("selector", "lines"),
    [
        ("unencrypted_suffix: _plain", [1, 3]),
        ("encrypted_suffix: _plain", [2]),
        ("encrypted_regex: ^b", [3]),
        ("unencrypted_regex: ^b", [1, 2]),
        ("mac_only_encrypted: false", [1, 2, 3]),
    ],
)
def test_each_selector_says_what_should_be_encrypted(scanner, selector, lines):
    text = encrypted("a: one\nb_plain: two\nbc:\n  - three\n".replace("b_plain", "a_plain"), selector)
    found = [line for line, rule in (item.split() for item in scanner(text)) if rule == "sops-plain-value"]
    assert [min(int(line), 3) for line in found] == lines


def test_a_block_with_plain_values_only_is_found_value_by_value(scanner):
    assert scanner(encrypted("a: one\nb: two\n", "unencrypted_suffix: _x")) == [
        "1 sops-plain-value",
        "2 sops-plain-value",
    ]


def test_selectors_that_look_at_comments(scanner):
    body = f"# keep\na: one\n# other\nb: two\nc: {ENC}\n"
    assert scanner(encrypted(body, "unencrypted_comment_regex: keep")) == ["4 sops-plain-value"]
    assert scanner(encrypted(body, "encrypted_comment_regex: keep")) == ["2 sops-plain-value"]


@pytest.mark.parametrize("selector", ["encrypted_regex: '['", "encrypted_regex: a\n  encrypted_suffix: b"])
def test_a_selector_that_is_none_is_found(scanner, selector):
    findings = scanner.findings(encrypted(f"a: {ENC}\n", selector))
    assert [finding.rule for finding in findings] == ["sops-plain-value"]
    assert "selector" in findings[0].message


def test_a_telling_value_that_the_selector_forgets_is_a_plain_secret(scanner):
    text = encrypted(
        f"{SECRET}  password: {ENC}\n  api_token: kX9vQ2mNp4Lz-throwaway\n", "encrypted_regex: ^password$"
    )
    (finding,) = scanner.findings(text)
    assert finding.rule == "plain-secret"
    assert "widen it" in finding.hint


def test_what_the_selector_names_to_stay_plain_may_stay(scanner):
    text = encrypted(
        f"{SECRET}  password: {ENC}\n  user_unencrypted: app\n", "unencrypted_suffix: _unencrypted"
    )
    assert "user_unencrypted" not in " ".join(finding.message for finding in scanner.findings(text))


def test_documents_beside_encrypted_ones_are_judged_by_themselves(scanner):
    text = encrypted(f"{SECRET}  a: {ENC}\n") + f"---\n{SECRET}  a: hunter2\n"
    assert scanner(text) == ["24 plain-secret"]


def test_dotenv_and_ini_are_judged_by_their_own_fields(scanner):
    dotenv = (
        f"A={ENC}\n# note\nB=added\nC_unencrypted=x\nsops_mac={ENC}\nsops_unencrypted_suffix=_unencrypted\n"
    )
    assert scanner(dotenv, "a.env") == ["3 sops-plain-value"]
    ini = f"[one]\na = {ENC}\nb = added\n[sops]\nmac = {ENC}\nencrypted_regex = ^[ab]$\n"
    assert scanner(ini, "a.ini") == ["3 sops-plain-value"]


@pytest.mark.parametrize(
    "text",
    [
        f"{SECRET}  a: {ENC}\n  b: {ENC}\n",
        f"{SECRET}  a: {ENC}\nspos:\n  mac: {ENC}\n",
        encrypted(f"{SECRET}  a: {ENC}\n").replace(f"  mac: {ENC}\n", ""),
        encrypted(f"{SECRET}  a: {ENC}\n").replace(f"mac: {ENC}", "mac: ''"),
    ],
)
def test_a_ciphertext_without_the_block_that_opens_it(scanner, text):
    assert scanner(text) == ["6 sops-block-missing"]


COMMENT = ENC.replace("type:str", "type:comment")


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (f"#{COMMENT}\nkind: Secret\ndata:\n  a: {ENC}\n", [1]),
        (f"kind: Secret #{COMMENT}\ndata:\n  a: {ENC}\n", [1]),
        (f"kind: Secret\nmetadata:\n  # {COMMENT}\n  name: x\ndata:\n  a: {ENC}\n", [3]),
        (f"kind: Secret\ndata:\n  #{COMMENT}\n  a: {ENC} #{COMMENT}\n", []),
        (f"kind: Secret\ndata:\n  a: {ENC}\n# ENC[AES256_GCM, is how a ciphertext begins\n", []),
    ],
)
def test_a_ciphertext_in_a_comment_that_nothing_encrypts(scanner, body, lines):
    assert scanner(encrypted(body), "a.yaml") == [f"{line} sops-moved-comment" for line in lines]


def test_ciphertext_under_another_data_key_is_foreign(scanner):
    files = {
        "a.yaml": encrypted(f"{SECRET}  a: {ENC}\n", key="b25l"),
        "b.yaml": encrypted(f"{SECRET}  b: {OTHER}\n  c: {ENC}\n", key="dHdv"),
    }
    assert scanner.together(files) == ["b.yaml:7 sops-foreign-value"]


def test_a_copy_of_a_file_has_its_data_key(scanner):
    text = encrypted(f"{SECRET}  a: {ENC}\n")
    assert scanner.together({"a.yaml": text, "b.yaml": text}) == []


def test_a_guide_that_speaks_of_sops_is_no_encrypted_file(scanner):
    assert scanner("sops:\n  - how to use it\n", "a.yaml") == []
    assert scanner("code = '[sops]'\nmac = ENC\nsops_mac = 3\nx = 'ENC[AES256_GCM,'\n", "a.py") == []


def test_of_several_selectors_with_one_name_the_last_counts(scanner):
    body = f"{SECRET}  a: hunter2hunter2\n  b: {ENC}\n"
    twice = "encrypted_regex: ^{}$\n  encrypted_regex: ^{}$"
    assert "6 sops-plain-value" in scanner(encrypted(body, twice.format("none", "stringData")))
    assert "6 sops-plain-value" not in scanner(encrypted(body, twice.format("stringData", "none")))
