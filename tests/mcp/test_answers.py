"""Answers are short enough for an agent, and say what is missing."""

import json

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.mcp.answers import MOST, Paging, answer, failure


def findings(count, **more):
    return {"findings": [{"path": f"apps/{number}.yaml", **more} for number in range(count)], "known": []}


def pages(data, limit):
    offset = 0
    while offset is not None:
        content = answer("scan", data, Paging(offset, limit), "findings").content
        yield content
        offset = content["page"]["next"]


def test_pages_have_each_item_once():
    data = findings(2000, message="plain")
    found = [each for content in pages(data, MOST) for each in content["data"]["findings"]]
    assert found == data["findings"]


def test_a_page_beyond_the_end_is_empty():
    content = answer("scan", findings(3), Paging(10, 5), "findings").content
    assert content["data"]["findings"] == []
    assert content["page"] == {"list": "findings", "total": 3, "offset": 10, "shown": 0, "next": None}


def test_an_answer_is_never_too_large():
    data = findings(60, related=[{"path": "x" * 900}] * 100)
    contents = list(pages(data, MOST))
    assert all(len(json.dumps(content)) < 60_000 for content in contents)
    assert sum(content["page"]["shown"] for content in contents) == 60
    assert "of 100" in contents[0]["shortened"][0]


def test_long_texts_say_how_much_is_missing():
    content = answer("scan", findings(1, message="m" * 5000), Paging(), "findings").content
    assert content["data"]["findings"][0]["message"].endswith("… (4000 more characters)")


def test_errors_hold_no_private_key(identity):
    error = FluxsecretsError("not a recipient", details=(identity.secret,))
    error.path = identity.secret
    text = json.dumps(failure("set", error).content)
    assert identity.secret not in text
    assert "(a private key)" in text
