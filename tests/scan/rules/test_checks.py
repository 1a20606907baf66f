"""Checks say True only where checksum or structure hold, False where they are broken, and never raise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.scan.rules import TOKEN_RULES, checks
from fluxsecrets.scan.values import entropy
from token_samples import make

CHECKS = sorted({rule.check for rule in TOKEN_RULES if rule.check}, key=lambda check: check.__name__)


def test_the_checksum_is_githubs_own():
    # The random part and the checksum of the example in GitHub's announcement of the format.
    assert checks.crc32_base62(b"zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ") == b"0mLq17"


@pytest.mark.parametrize(
    ("check", "recipe"),
    [
        (checks.check_github, "ghp_{base62:30}{crc62}"),
        (checks.check_npm, "npm_{base62:30}{crc62}"),
        (checks.check_netbird, "nbp_{base62:30}{crc62}"),
        (checks.check_matrix, "{matrix}"),
        (checks.check_mas, "{mas:mct}"),
        (checks.check_gitlab, "{gitlab:glpat-}"),
        (checks.check_jwt, "{jwt}"),
        (checks.check_github_app, "ghs_1_{jwt}"),
        (checks.check_age, "{age}"),
        (checks.check_age, "{age-pq}"),
        (checks.check_pypi, "{pypi}"),
        (checks.check_sentry, "{sentry}"),
        (checks.check_tunnel, "{tunnel}"),
        (checks.check_pem, "{pem:PRIVATE KEY}"),
        (checks.check_pem, "{pem-json:PRIVATE KEY}"),
        (checks.check_pem, "{pem:OPENSSH PRIVATE KEY}"),
        (checks.check_pgp, "{pgp}"),
        (checks.check_uuid4, "{uuid}"),
    ],
)
def test_what_is_whole_is_verified(check, recipe):
    for seed in range(20):
        assert check(make(recipe, str(seed)).encode()) is True


@pytest.mark.parametrize(
    ("check", "recipe"),
    [
        (checks.check_github, "ghp_{base62:36}"),
        (checks.check_npm, "npm_{base62:36}"),
        (checks.check_netbird, "nbp_{base62:36}"),
        (checks.check_matrix, "syt_{base62:8}_{letter:20}_{base62:6}"),
        (checks.check_mas, "mct_{base62:30}_{base62:6}"),
        (checks.check_gitlab, "glpat-{base62:40}.01.{alnum:9}"),
        (checks.check_jwt, "eyJ{base62:20}.eyJ{base62:40}.{base62:43}"),
        (checks.check_age, "AGE-SECRET-KEY-1{upper:58}"),
        (checks.check_pypi, "pypi-AgEIcHlwaS5vcmc{base64url:120}"),
        (checks.check_sentry, "sntrys_eyJ{base64:80}_{base62:43}"),
        (checks.check_tunnel, "eyJhIjoi{base64:120}"),
        (checks.check_pem, "-----BEGIN PRIVATE KEY-----\nAAAA{base64:60}"),
        (checks.check_pgp, "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA{base64:60}"),
        (checks.check_telegram, "0123456789:AA{base64url:33}"),
    ],
)
def test_what_is_made_up_fails(check, recipe):
    for seed in range(20):
        assert check(make(recipe, str(seed)).encode()) is False


def test_where_nothing_can_be_checked_it_says_so():
    assert checks.check_github(make("ghr_{base62:76}").encode()) is None
    assert checks.check_gitlab(make("glpat-{base62:20}").encode()) is None
    assert checks.check_aws_key_id(make("{aws:AKIA}").encode()) is None
    assert checks.check_pem(b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIC") is None


@given(st.binary(max_size=80), st.sampled_from(CHECKS))
def test_no_check_raises(data, check):
    assert check(data) in (True, False, None)
    assert check(b"-----BEGIN PRIVATE KEY-----" + data) in (True, False, None)


@pytest.mark.parametrize(("text", "bits"), [(b"", 0.0), (b"aaaa", 0.0), (b"abab", 1.0), (b"abcd", 2.0)])
def test_entropy_counts_bits_per_character(text, bits):
    assert entropy(text) == bits
