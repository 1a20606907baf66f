"""Which keys an environment's cluster has."""

import pytest

from fluxsecrets.repo.clusterkeys import cluster_keys, names_cluster
from fluxsecrets.repo.settings import parse_settings
from fluxsecrets.sops.recipients import age, pgp, read_recipient

STAGING = "age1a454ldt5jy8ds3uykf2zju9v8y6t8t3n5gsug6xclh80mcw6uszss5m7la"
FINGERPRINT = "85D77543B3D624B63CEA9E6DBC17301B491B3F21"


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("staging", "staging"),
        ("cluster-staging", "staging"),
        ("staging-cluster", "staging"),
        ("flux-staging", "staging"),
        ("Flux_Staging", "staging"),
        ("cluster.prod-eu", "prod-eu"),
        ("cluster-prod-eu", "prod/eu"),
        ("prod/eu", "prod/eu"),
        ("kubernetes", "kubernetes"),
        ("cluster-kubernetes", "cluster-kubernetes"),
        ("cluster-k8s-staging", "k8s-staging"),
        ("cluster-my-cluster", "my cluster"),
        ("cluster-b-c", "b`c"),
    ],
)
def test_names_that_say_whose_the_key_is(name, environment):
    assert names_cluster(name, environment)


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("", "staging"),
        ("alice-staging", "staging"),
        ("prod-us", "prod-eu"),
        ("prod", "prod-eu"),
        ("cluster", "staging"),
        ("cluster-staging", "k8s-staging"),
        ("cluster-staging-old", "staging"),
        ("cluster", "`"),
    ],
)
def test_names_that_do_not(name, environment):
    assert not names_cluster(name, environment)


def test_the_settings_win_over_names():
    settings = parse_settings(
        f"environments:\n  staging:\n    cluster_recipients: [{FINGERPRINT}]\n".encode()
    )
    names = {STAGING: "cluster-staging"}
    assert cluster_keys("staging", settings, [age(STAGING)], names) == (pgp(FINGERPRINT),)
    assert cluster_keys("staging", parse_settings(b""), [age(STAGING)], names) == (age(STAGING),)
    assert cluster_keys("production", settings, [age(STAGING)], names) == ()


def test_public_keys_of_every_kind():
    assert read_recipient(f" {STAGING}\n") == age(STAGING)
    assert read_recipient(f"0x{FINGERPRINT}").kind == "pgp"
    assert read_recipient("arn:aws:kms:eu-west-1:123456789012:key/throw-away").kind == "kms"
    assert read_recipient("alice") is None
