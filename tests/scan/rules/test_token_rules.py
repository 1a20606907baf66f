"""Every token rule finds its samples and nothing else, under both engines, and is documented."""

import re
from pathlib import Path

import pytest
import re2

from fluxsecrets.scan import rules as rules_package
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.engine import Engine
from fluxsecrets.scan.matcher import KeywordMatcher, make_matcher
from fluxsecrets.scan.patterns import patterns
from fluxsecrets.scan.rules import PAIRS, TOKEN_RULES
from fluxsecrets.scan.rules.parts import name_of
from fluxsecrets.scan.signs import SIGNS, rules_of
from fluxsecrets.scan.tokens import find_tokens
from fluxsecrets.scan.values import entropy
from token_samples import RecipeError, make

DOCS = Path(__file__).parents[3] / "docs"

ALSO = {
    # Where a rule finds what another rule's samples hold, the reason. The earlier rule counts.
    ("google-service-account-key", "private-key"): "it is a private key in JSON",
    ("encrypted-private-key", "private-key"): "it is a private key under a passphrase",
    ("encrypted-private-key", "openssh-private-key"): "OpenSSH writes them under one label",
    ("encrypted-private-key", "putty-private-key"): "PuTTY writes them with one header",
    ("openssh-private-key", "private-key"): "any label counts as a private key",
    ("pgp-private-key", "private-key"): "any label counts as a private key",
    ("kubernetes-service-account-token", "json-web-token"): "it is a JWT with a known issuer",
    **{
        (one, "json-web-token"): "it is a JWT under a telling name"
        for one in (
            *("onepassword-connect-token", "home-assistant-token", "snowflake-token", "turso-token"),
            *("prisma-key", "scalr-token", "monday-token", "calendly-token", "jfrog-identity-token"),
        )
    },
    ("dotenv-vault-key", "cursor-key"): "both are key_ and 64 digits",
    ("paystack-secret", "stripe-live-key"): "Paystack chose the same prefix",
    ("clerk-secret-key", "stripe-live-key"): "Clerk chose the same prefix",
    ("workos-key", "stripe-live-key"): "WorkOS chose the same prefix",
    ("google-chat-webhook", "google-api-key"): "the address has an API key in it",
}
RULE = {rule.id: rule for rule in TOKEN_RULES}
GROUPS = [module.RULES for module in vars(rules_package).values() if hasattr(module, "RULES")]
by_group = pytest.mark.parametrize("rules", GROUPS, ids=lambda rules: rules[0].id)


def options():
    found = re2.Options()
    found.encoding = re2.Options.Encoding.LATIN1  # bytes are bytes, as they are to hyperscan
    found.log_errors = False
    return found


def compiled(pattern):
    return re2.compile(pattern.encode(), options())


def compiled_words(words):
    found = re2.Set.SearchSet(options())
    for word in words:
        found.Add(re2.escape(word.decode()).encode())
    found.Compile()
    return found


PATTERNS = {rule.id: compiled(rule.pattern) for rule in TOKEN_RULES}
KEYWORDS = sorted({keyword for rule in TOKEN_RULES for keyword in rule.keywords})
SEARCHED = compiled_words(KEYWORDS)


def matching(text):
    """The rules whose patterns match; a keyword is in every match, as another test shows."""
    data = text.encode()
    there = {KEYWORDS[number] for number in SEARCHED.Match(data.lower()) or ()}
    likely = (rule for rule in TOKEN_RULES if not there.isdisjoint(rule.keywords))
    return [rule for rule in likely if PATTERNS[rule.id].search(data)]


def secrets(rule, text):
    """What the rule alone finds in a text."""
    data = text.encode()
    return [data[token.start : token.end] for token in find_tokens((rule,), data) if token.rule is rule]


def finds(text):
    """The rules that find something by themselves, as without hyperscan."""
    return {rule.id for rule in matching(text) if secrets(rule, text)}


def also(rule):
    return {other for one, other in ALSO if one == rule.id}


def test_there_are_many_and_each_has_its_own_name():
    assert len(TOKEN_RULES) >= 500
    assert len({name.partition("-")[0] for name in RULE}) >= 300
    assert len(RULE) == len(TOKEN_RULES)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in RULE)


@by_group
def test_a_rule_finds_its_positives_and_no_other_rule_does(rules):
    for rule in rules:
        assert rule.positives, rule.id
        for recipe in rule.positives:
            # Several of each, so that a letter at an end or an unlucky digit cannot hide.
            for seed in range(4):
                text = make(recipe, f"{rule.id}{seed}")
                found = secrets(rule, text)
                assert len(found) == 1, f"{rule.id}: {recipe}, seed {seed}"
                assert finds(text) - also(rule) == {rule.id}, f"{rule.id}: {recipe}, seed {seed}"
                assert rule.check is None or rule.check(found[0]) is not False, (
                    f"{rule.id}: {recipe}, seed {seed}"
                )


@by_group
def test_nothing_is_found_in_its_negatives(rules):
    for rule in rules:
        assert rule.negatives, rule.id
        for recipe in rule.negatives:
            for seed in range(3):
                assert finds(make(recipe, f"{rule.id}{seed}")) == set(), f"{rule.id}: {recipe}, seed {seed}"


@pytest.fixture(scope="module")
def signs(caches):
    """Which signs hit in some bytes, by hyperscan."""
    pytest.importorskip("hyperscan", reason="hyperscan is not installed: RE2 alone was tried")
    matcher = make_matcher(patterns(), caches / "fluxsecrets")
    first = len(patterns()) - len(SIGNS)
    return lambda data: {number - first for number in matcher.hits(data) if number >= first}


@pytest.fixture(scope="module")
def engines(engine):
    """The engine with what is installed, and the one for machines without hyperscan."""
    return engine, Engine(matcher=KeywordMatcher(patterns()))


@by_group
def test_the_engine_finds_each_positive_by_its_rule_alone(rules, engines):
    for rule in rules:
        for recipe in rule.positives:
            blob = Blob("notes.txt", make(recipe, rule.id, rule.id).encode())
            for engine in engines:
                assert [found.rule for found in engine.scan(blob).findings] == [rule.id], (rule.id, recipe)


@by_group
def test_both_engines_agree_on_the_negatives(rules, engines):
    for rule in rules:
        for recipe in rule.negatives:
            blob = Blob("notes.txt", make(recipe, rule.id, rule.id).encode())
            first, second = (
                [(each.rule, each.location, each.message) for each in engine.scan(blob).findings]
                for engine in engines
            )
            assert first == second, (rule.id, recipe)


def test_keywords_are_searched_for_together_as_each_alone():
    for rule in TOKEN_RULES:
        for recipe in (*rule.positives, *rule.negatives):
            data = make(recipe, rule.id).encode().lower()
            found = [KEYWORDS[number] for number in sorted(SEARCHED.Match(data) or ())]
            assert found == [keyword for keyword in KEYWORDS if keyword in data], (rule.id, recipe)


def test_each_reason_is_needed():
    for one, other in ALSO:
        texts = [make(recipe, f"{one}0", one) for recipe in RULE[one].positives]
        assert any(other in finds(text) for text in texts), (one, other)


@pytest.mark.parametrize(
    ("recipe", "place"),
    [
        ("a_{base26:30}", "{base26:30}"),
        ("a_{base62}", "{base62}"),
        ("a_{base62:x}", "{base62:x}"),
        ("a_{base62:0}", "{base62:0}"),
        ("a_{base_62:3}", "{base_62:3}"),
        ("a_${Hex:3}", "{Hex:3}"),
        ("a_${hex}", "{hex}"),
        ("a_{uuid:4}", "{uuid:4}"),
        ("a_{pem}", "{pem}"),
        ("a_{base62:30", "{base62:30"),
    ],
)
def test_a_misspelt_place_is_an_error_that_names_it_and_the_rule(recipe, place):
    with pytest.raises(RecipeError, match=re.escape(f"some-rule: the place {place}")):
        make(recipe, rule="some-rule")


@pytest.mark.parametrize(
    "recipe", ["${DB_PASSWORD}", "${TOKEN}", "{{ .Values.key }}", "${{ secrets.X }}", '{"a": 1}']
)
def test_variables_and_templates_are_no_places(recipe):
    assert make(recipe) == recipe


@by_group
def test_a_token_is_found_where_it_stands(rules):
    """In the middle of a file, with CR LF, in quotes, and twice."""
    for rule in rules:
        text = make(rule.positives[0], rule.id)
        for around in ("a: b\n{}\nc: d\n", "\r\n{}\r\n", "[{}]", "{}"):
            assert len(secrets(rule, around.replace("{}", text))) == 1, around
        other = make(rule.positives[0], "another")
        assert len(secrets(rule, f"{text}\n---\n{other}\n")) == 2


@by_group
def test_keywords_are_lower_case_and_in_every_match(rules):
    for rule in rules:
        assert rule.keywords
        for keyword in rule.keywords:
            assert keyword == keyword.lower()
            assert keyword
        for recipe in rule.positives:
            found = PATTERNS[rule.id].search(make(recipe, rule.id).encode())
            assert any(keyword in found.group(0).lower() for keyword in rule.keywords)


@by_group
def test_patterns_mean_the_same_to_hyperscan(rules, signs):
    """A rule's own sign hits exactly where RE2 matches; one for several rules misses none."""
    for rule in rules:
        for recipe in (*rule.positives, *rule.negatives):
            text = make(recipe, rule.id)
            data = text.encode()
            expected = {each.id for each in matching(text)}
            numbers = signs(data)
            assert expected <= {each.id for each in rules_of(numbers, data)}, (rule.id, recipe)
            single = [SIGNS[number].rules for number in numbers if len(SIGNS[number].rules) == 1]
            alone = {TOKEN_RULES[position].id for (position,) in single}
            assert alone == {each for each in expected if name_of(RULE[each].pattern) is None}, (
                rule.id,
                recipe,
            )


def test_several_rules_share_a_sign():
    assert len(SIGNS) < len(TOKEN_RULES) * 0.6
    assert sorted(position for sign in SIGNS for position in sign.rules) == [*range(len(TOKEN_RULES))]


def test_what_they_say_is_said_as_the_rest():
    for rule in TOKEN_RULES:
        assert rule.explanation.endswith("."), rule.id
        assert rule.explanation[0].isupper(), rule.id
        assert not rule.fix.endswith("."), rule.id
        assert not rule.title.endswith("."), rule.id


def test_the_docs_list_every_rule_as_it_is():
    page = (DOCS / "scan-rules.md").read_text(encoding="utf-8")
    assert re.findall(r"^### ([a-z0-9-]+)$", page, re.MULTILINE) == [rule.id for rule in TOKEN_RULES]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.rule)
def test_a_pair_names_rules_that_exist(pair):
    assert {pair.beside, pair.rule} <= RULE.keys()
    secret = make(pair.sample)
    assert compiled(pair.pattern).search(f"x\n{secret}\n".encode()).group(1) == secret.encode()
    assert entropy(secret.encode()) >= pair.entropy


@pytest.mark.parametrize(
    "text",
    [
        "sha256:" + "0a1b2c3d" * 8,
        "image: ghcr.io/fluxcd/source-controller:v1.6.2@sha256:" + "9f86d081884c7d65" * 4,
        "commit: da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "integrity sha512-{base64:86}==",
        "password: ENC[AES256_GCM,data:8fkD9s0=,iv:{base64:44},tag:{base64:24},type:str]",
        "encryptedData:\n  password: AgB{base64:400}",
        "uid: {uuid}",
        "apiKeySecretRef:\n  name: cloudflare-api-token-secret\n  key: api-token",
        "caBundle: {base64:400}",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{base64:43} alice@wad.example",
        "-----BEGIN CERTIFICATE-----\n{base64:64}\n-----END CERTIFICATE-----",
        "recipient: age1{lower:58}",
        "sops_age__list_0__map_recipient=age1{lower:58}",
        "${GITHUB_TOKEN} {{ .Values.token }} op://vault/item/password",
        "known_hosts: github.com ssh-rsa {base64:300}",
    ],
)
def test_what_only_looks_like_a_secret_is_none(text):
    for seed in range(8):
        assert finds(make(text, str(seed))) == set()
