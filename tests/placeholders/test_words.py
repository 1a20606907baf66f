"""What counts as a name that may stay: words that can be pronounced."""

from random import Random
from string import ascii_letters, digits

import pytest

from fluxsecrets.placeholders.words import is_label, is_name


@pytest.mark.parametrize(
    "text",
    [
        *(
            "password",
            "DB_PASSWORD",
            "clientSecret",
            "S3_BUCKET",
            "HTTPS_PROXY",
            "x-api-key",
            "User Id",
            "tls.crt",
        ),
        *("spring.datasource.hikari.maximum-pool-size", "oauth2", "eu-west-1", "https", "mysql", "AWSRegion"),
    ],
)
def test_names(text):
    assert is_name(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "xK9qz83",
            "AKIAIOSFODNN7EXAMPLE",
            "hunter123",
            "S3cr3tT0ken",
            "qzxwvbnm",
            "correct horse battery",
        ),
        *(
            "tr0ub4dor",
            "cLiEnTsEcReT",
            "a" * 50,
            "naïve",
            "correcthorsebatterystaple",
            "deadbeef01ab",
            "9f86d081",
        ),
    ],
)  # fluxsecrets:allow
def test_what_is_not_a_name(text):
    assert not is_name(text)


def test_few_random_texts_look_like_names():
    draws = (Random(seed) for seed in range(2000))
    texts = ["".join(draw.choices(ascii_letters + digits, k=16)) for draw in draws]
    assert sum(map(is_name, texts)) < 20


def test_labels_of_hosts_are_names_in_lower_case():
    assert is_label("eu-west-1")
    assert not any(map(is_label, ("Example", "a.b", "-a", "", "xk9qz83")))
