"""Values that stand in comments: found where they tell something, and never by chance."""

from base64 import b64encode

import pytest

from fluxsecrets.sops.document import Comment
from fluxsecrets.sops.traces import values_in_comments


def found(key, value, *comments):
    made = [Comment((), text, 0, 0, line) for line, text in enumerate(comments, 1)]
    return [
        (trace.comment.line, trace.path) for trace in values_in_comments([(("stringData", key), value)], made)
    ]


@pytest.mark.parametrize(
    ("key", "value", "comment"),
    [
        ("password", "hunter2-very-secret", " was hunter2-very-secret"),
        ("password", "hunter2-very-secret", "hunter2-very-secret"),
        ("password", "hunter2-very-secret", " root: 'hunter2-very-secret', do not tell"),
        ("password", "hunter2-very-secret\n", " pw=hunter2-very-secret"),
        ("password", "correct horse", " the password is correct horse"),
        ("api_token", "123456", " 123456 was the token: 123456"),
        ("password", "postgres", " password: postgres"),
        ("password", "postgres", ' PGPASSWORD="postgres"'),
        ("anything", "kq83LxT4vZ9mWw", " kq83LxT4vZ9mWw"),
        ("url", "postgres://app:kq83@db.apps:5432/app", " see postgres://app:kq83@db.apps:5432/app"),
        ("pin_key", 12345678, " key: 12345678"),
        ("password", b"hunter2-bytes", " hunter2-bytes"),
    ],
)
def test_a_value_is_found(key, value, comment):
    assert found(key, value, " nothing", comment) == [(2, f"stringData.{key}")]


@pytest.mark.parametrize(
    ("key", "value", "comment"),
    [
        ("user", "admin", " the admin's name is admin"),
        ("password", "admin", " password: admin"),  # too short to be told from ordinary text
        ("enabled", "true", " true"),
        ("port", "5432", " port: 5432"),
        ("port", 15432, " port: 15432"),
        ("count", 1234567, " 1234567"),
        ("password", "postgres", " the postgres database of the apps"),
        ("user", "postgres", " postgres: postgres"),
        ("host", "db1.apps.svc.cluster.local", " db1.apps.svc.cluster.local is the primary"),
        ("endpoint", "https://api2.waddle.example/v1", " see https://api2.waddle.example/v1"),
        ("path", "/var/lib/app2/data-files", " /var/lib/app2/data-files"),
        ("password", "hunter2-secret", " hunter2-secrets are not hunter2-secret1"),
        ("password", "", " password:"),
        ("password", None, " null"),
        ("token", True, " True"),
        ("cert", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9", " nothing"),
    ],
)
def test_what_stands_there_by_chance_is_not(key, value, comment):
    assert found(key, value, comment) == []


def test_base64_is_looked_into_both_ways():
    encoded = b64encode(b"hunter2-very-secret").decode()
    comments = [Comment((), text, 0, 0, 1) for text in (" hunter2-very-secret", f" {encoded}")]
    in_data = [(("data", "password"), encoded)]
    assert [trace.path for trace in values_in_comments(in_data, comments)] == ["data.password"] * 2
    assert found("password", "hunter2-very-secret", f" {encoded}") == [(1, "stringData.password")]


def test_a_comment_is_named_once():
    comments = [Comment((), " one-throwaway two-throwaway", 0, 0, 7)]
    values = [(("a_key",), "one-throwaway"), (("b_key",), "two-throwaway")]
    assert [(trace.comment.line, trace.path) for trace in values_in_comments(values, comments)] == [
        (7, "a_key")
    ]


def test_many_values_and_many_comments_are_no_burden():
    comments = [Comment((), f" number {line} of many lines", 0, 0, line) for line in range(20_000)]
    values = [((f"key{number}",), f"throwaway-{number}") for number in range(20_000)]
    assert list(values_in_comments(values, comments)) == []
