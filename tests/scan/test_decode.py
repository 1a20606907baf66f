"""Base64 in files: what is told apart before it is decoded is never what holds a token."""

import base64
import gzip
import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.scan.decode import TRIGGER, decode, decode_percent
from token_samples import make

_SEEN = re.compile(TRIGGER.encode())
_TOKEN = make("AKIA{base32:16}", "decode").encode()  # the shortest of all rules


def _wrapped(text: bytes, width: int, indent: str) -> bytes:
    lines = [text[start : start + width] for start in range(0, len(text), width)]
    return f"\n{indent}".encode().join(lines)


@given(
    before=st.text(st.characters(max_codepoint=126), max_size=40),
    after=st.text(st.characters(max_codepoint=126), max_size=40),
    width=st.sampled_from([32, 60, 64, 76, 10_000]),
    indent=st.sampled_from(["", "    "]),
    encode=st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]),
)
def test_ascii_with_a_token_is_always_looked_into(before, after, width, indent, encode):
    plain = before.encode().replace(b"\0", b" ") + b" " + _TOKEN + b" " + after.encode().replace(b"\0", b" ")
    data = b"value: " + _wrapped(encode(plain), width, indent) + b"\n"
    assert _SEEN.search(data)
    found = decode(data)
    assert found is not None
    assert _TOKEN in found.data


@given(before=st.text(max_size=30), after=st.text(max_size=30))
def test_other_text_with_a_token_is_looked_into_on_one_line(before, after):
    plain = f"{before}{_TOKEN.decode()}{after}".replace("\0", " ").encode()
    data = base64.b64encode(plain)
    assert _SEEN.search(data)
    found = decode(data)
    assert found is not None
    assert _TOKEN in found.data


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, lambda text: text.decode().encode("utf-16-le"), base64.b64encode],
    ids=["gzip", "utf-16", "base64"],
)
def test_what_base64_holds_may_be_packed(pack):
    data = base64.b64encode(pack(b"id = " + _TOKEN + b"\n"))
    assert _SEEN.search(data)
    assert decode(data) is not None


@pytest.mark.parametrize("count", [20, 24, 32, 64, 96])
def test_digests_and_ciphertext_are_hardly_ever_looked_into(count):
    chance = Random(count)
    texts = [base64.b64encode(chance.randbytes(count)) for _ in range(1_000)]
    texts += [chance.randbytes(count).hex().encode() for _ in range(1_000)]
    assert sum(_SEEN.search(text) is not None for text in texts) < 20


def test_names_and_paths_are_not_looked_into():
    text = b"kubernetes/apps/monitoring/kube-prometheus-stack/app/helmrelease.yaml application_config_name"
    assert _SEEN.search(text) is None


_PERCENT_SIGNS = ("%41", "%41%42%43", "%", "%zz", "%4", "a", "=", "?", "&", "?a=", "&b=", " ", "-", "_", "~")


def test_runs_of_percent_signs_start_where_a_search_from_each_sign_finds_them():
    chance = Random(5)
    run = r"(?:[?&][\w.~-]*=)?([0-9A-Za-z._~+/=:-]*(?:%[0-9A-Fa-f]{2}[0-9A-Za-z._~+/=:-]*){6,})"
    found = 0
    for _ in range(3_000):
        text = "".join(chance.choices(_PERCENT_SIGNS, weights=(9, 3, *[1] * 13), k=chance.randrange(1, 40)))
        wanted = tuple(match.span(1) for match in re.finditer(run, text, re.ASCII))
        decoded = decode_percent(text.encode())
        assert (() if decoded is None else decoded.spans) == wanted
        found += len(wanted)
    assert found > 300


def test_a_long_run_without_percent_signs_takes_linear_time():
    assert decode_percent(b"a" * 2_000_000) is None
