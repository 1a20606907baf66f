"""What destinations share: names, reprs without content, and the table."""

import pytest

from fluxsecrets.errors import ConfigError
from fluxsecrets.ops.publish.destinations import DESTINATIONS, Found, Upload, make_destination
from fluxsecrets.ops.publish.destinations.objects import check_object_name
from fluxsecrets.ops.publish.routes import published_name
from fluxsecrets.sops.destinations import GcsPlace, S3Place, VaultPlace


@pytest.mark.parametrize("name", ["a", "a/b.yaml", "a//b", "/a", ".a", "...", "é", "a b?#%", "x" * 1024])
def test_names_of_objects(name):
    check_object_name(name)


@pytest.mark.parametrize(
    "name", ["", "a/", ".", "..", "../a", "a/../b", "a/./b", "a\nb", "a\x00", "\udc80", "x" * 1025, "é" * 513]
)
def test_what_is_not_the_name_of_an_object(name):
    with pytest.raises(ConfigError):
        check_object_name(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.yaml", "a"),
        ("a.enc.yaml", "a.enc"),
        ("d.x/a.yaml", "d.x/a"),
        ("d.x/a", "d.x/a"),
        (".env", ".env"),
        ("d/.env", "d/.env"),
        (".env.local", ".env"),
        ("a", "a"),
    ],
)
def test_names_without_extensions(name, expected):
    assert published_name(name, omit=True) == expected
    assert published_name(name, omit=False) == name


def test_every_kind_of_place_has_a_destination():
    places = (
        S3Place("waddle", "p/"),
        GcsPlace("waddle", "p/"),
        VaultPlace("https://v.example", "kv", "p", 1),
    )
    assert {type(place) for place in places} == set(DESTINATIONS)
    assert [make_destination({}, place).shown("a") for place in places] == [
        "s3://waddle/p/a",
        "gs://waddle/p/a",
        "https://v.example/v1/kv/p/a",
    ]


def test_no_content_is_shown():
    assert "throwaway" not in repr((Upload(b"throwaway", "mark"), Found(b"throwaway", "1")))
