"""Values that are Flux's variables with something public around them."""

import pytest

from fluxsecrets.scan.aroundvariables import around_variables


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("DB_PATH", "/mnt/${VOLUME}/data", "a path around references"),
        ("DB_PATH", "${DATA:-/var/lib/app}", "a path around references"),
        ("TZ", "${TIMEZONE:=Europe/Berlin}", "a path around references"),
        ("LEVEL", "${LEVEL:-info}", "a reference with a default"),
        ("HOST", "${HOST:=db.local}:5432", "an address around references"),
        ("password", "postgres://app:${PASSWORD}@db:5432/app", "an address around references"),
        ("password", "${FILE:=/run/secrets/password}", "a path around references"),
        ("url", "https://db.local/?sslmode=${MODE}", "an address around references"),
    ],
)
def test_what_is_public(name, text, form):
    assert around_variables(name, text) == form


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("password", "${PASSWORD:-hunter2}"),
        ("password", "${PREFIX}hunter2"),
        ("password", "${PREFIX}/hunter2"),
        ("user", "${PREFIX}hunter2"),
        ("any", "${VALUE:-hunter2}"),
        ("url", "postgres://app:hunter2@${HOST}/db"),
        ("url", "https://x.example/?token=hunter2&a=${B}"),
        ("url", "https://${DOMAIN}/api/webhooks/1234/aB3dE5fG7hI9jK1lM3"),
        ("path", "/no/variable"),
    ],
)
def test_what_may_be_a_secret(name, text):
    assert around_variables(name, text) == ""
