"""Branches of somebody without a key: nothing becomes readable for them, and nothing false counts as fine."""

import re
from dataclasses import replace

import pytest

from fluxsecrets.ops.merge.model import Outcome
from fluxsecrets.sops.metadata import KeyGroup
from fluxsecrets.sops.recipients import age
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec

from .conftest import SECRET, edited


@pytest.fixture
def versions(desk):
    base = desk.encrypt(SECRET)
    return base, desk.encrypt(edited(password="throwaway-new"), base)


def refused(desk, base, ours, theirs):
    result = desk.merge(base, ours, theirs)
    assert result.outcome is Outcome.REFUSED
    assert result.data == ours
    return result.reason


def metadata(desk, data):
    return desk.format.parse(data, desk.session.limits).metadata


def test_an_injected_recipient_gets_no_key_that_opens_the_file(desk, versions):
    base, ours = versions
    own = metadata(desk, base)
    (group,) = own.key_groups
    mallory = replace_recipient(group.keys[0], desk.people["bob"])
    theirs = desk.with_block(base, key_groups=(KeyGroup((*group.keys, mallory)),))
    result = desk.merge(base, ours, theirs)
    assert result.outcome is Outcome.MERGED
    assert any("added" in note for note in result.notes)
    wrapped = {key.recipient.id: key.enc for key in metadata(desk, result.data).wrapped_keys}
    assert wrapped[desk.people["bob"]] == mallory.enc  # what mallory wrote, and nothing new


def replace_recipient(key, text):
    return replace(key, recipient=age(text))


def test_an_injected_recipient_is_a_stranger_where_a_new_key_is_needed(desk, versions):
    base, ours = versions
    own = metadata(desk, base)
    (group,) = own.key_groups
    mallory = replace_recipient(group.keys[0], desk.people["bob"])
    theirs = desk.with_block(base, key_groups=(KeyGroup((group.keys[0], mallory)),))  # the cluster goes
    reason = refused(desk, base, ours, theirs)
    assert "somebody that the creation rule does not name" in reason.message
    assert "fluxsecrets resolve" in reason.hint


def test_a_data_key_of_theirs_never_protects_values_of_ours(desk, versions):
    base, ours = versions
    theirs = desk.encrypt(edited(token="throwaway-mine"), new_key=True)
    result = desk.merge(base, ours, theirs)
    assert result.outcome is Outcome.MERGED
    keys = {data: desk.open(data).opened.data_key.reveal() for data in (base, ours, theirs, result.data)}
    assert keys[result.data] not in {keys[base], keys[theirs]}
    assert desk.plain(result.data) == edited(password="throwaway-new", token="throwaway-mine")
    lines = set(result.data.splitlines()) & (set(theirs.splitlines()) | set(ours.splitlines()))
    assert not any(b"ENC[" in line for line in lines)


def test_a_data_key_that_a_removed_recipient_knows_is_replaced(desk):
    base = desk.encrypt(SECRET, people=("alice", "bob", "cluster"))
    ours = desk.encrypt(edited(password="throwaway-new"), base, people=("alice", "bob", "cluster"))
    own = metadata(desk, base)
    kept = tuple(key for key in own.key_groups[0].keys if key.recipient.id != desk.people["bob"])
    theirs = desk.with_block(base, key_groups=(KeyGroup(kept),))
    result = desk.merge(base, ours, theirs)
    assert result.outcome is Outcome.MERGED
    assert {key.recipient.id for key in metadata(desk, result.data).wrapped_keys} == {
        desk.people[name] for name in ("alice", "cluster")
    }
    assert desk.open(result.data).opened.data_key.reveal() != desk.open(base).opened.data_key.reveal()


def test_moved_ciphertexts_are_refused(desk, versions):
    base, ours = versions
    text = base.decode()
    password, token = (re.search(rf"(?m)^  {key}: (.*)$", text)[1] for key in ("password", "token"))
    theirs = text.replace(password, "PLACE").replace(token, password).replace("PLACE", token).encode()
    assert "cannot be decrypted" in refused(desk, base, ours, theirs).message


def test_a_selector_that_matches_the_same_values_and_fewer_later_is_refused(desk, versions):
    base, ours = versions
    weaker = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^(username|password|token)$")
    theirs = desk.with_block(base, selector=weaker)
    assert "creation rule does not allow" in refused(desk, base, ours, theirs).message


def test_a_value_that_ours_added_stays_encrypted_under_a_weaker_selector_of_theirs(desk, versions):
    base, _ = versions
    ours = desk.encrypt(edited(more="throwaway-more"), base)
    weaker = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^(username|password|token)$")
    theirs = desk.with_block(base, selector=weaker)
    result = desk.merge(base, ours, theirs)
    assert b"throwaway" not in result.data
    assert metadata(desk, result.data).selector == metadata(desk, base).selector


@pytest.mark.parametrize(
    "fields",
    [
        {"mac": None},
        {"lastmodified": "2026-11-29T10:00:01Z"},
        {"mac_only_encrypted": True},
        {"selector": SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^password$")},
        {"selector": SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^nothing$")},
    ],
    ids=["no-mac", "time", "mac-only-encrypted", "selector", "selector-of-nothing"],
)
def test_a_block_that_does_not_fit_is_refused(desk, versions, fields):
    base, ours = versions
    refused(desk, base, ours, desk.with_block(base, **fields))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"  token: ENC.*\n", ""),
        (r"  token: ENC.*", "  token: throwaway-plain"),
        (r"  name: db", "  name: other"),
        (r"(?m)^  (token: ENC.*)\n", r"  \1\n  copy_unencrypted: x\n"),
        (r"(?s)\nsops:.*", "\n"),
        (r"enc: \|\n +-----BEGIN(.|\n)*?END AGE ENCRYPTED FILE-----", "enc: rubbish"),
    ],
    ids=["removed", "plain", "renamed", "added", "no-block", "wrapped-key"],
)
def test_a_text_that_somebody_without_a_key_changed_is_refused(desk, versions, old, new):
    base, ours = versions
    text, count = re.subn(old, new, base.decode(), count=1)
    assert count == 1
    result = desk.merge(base, ours, text.encode())
    assert (result.outcome, result.data) == (Outcome.REFUSED, ours)


def test_a_ciphertext_in_a_comment_is_never_decrypted(desk, versions):
    base, ours = versions
    password = re.search(r"(?m)^  password: (.*)$", base.decode())[1]
    theirs = base.decode().replace("  token:", f"  #{password.replace('type:str', 'type:comment')}\n  token:")
    result = desk.merge(base, ours, theirs.encode())
    assert result.outcome is Outcome.MERGED
    assert b"throwaway" not in result.data
    assert "throwaway-password" not in desk.plain(result.data)


def test_a_comment_that_somebody_without_a_key_added_is_encrypted(desk, versions):
    base, ours = versions
    theirs = base.decode().replace("  token:", "  # throwaway-note\n  token:").encode()
    for sides in ((ours, theirs), (theirs, ours)):
        result = desk.merge(base, *sides)
        assert result.outcome is Outcome.MERGED
        assert b"throwaway-note" not in result.data
        assert "  # throwaway-note\n  token:" in desk.plain(result.data)


def test_rubbish_in_place_of_our_wrapped_key_is_not_copied(desk, versions):
    base, ours = versions
    own = metadata(desk, base)
    keys = tuple(replace(key, enc=own.key_groups[0].keys[1].enc) for key in own.key_groups[0].keys)
    theirs = desk.with_block(base, key_groups=(KeyGroup(keys),))
    result = desk.merge(base, ours, theirs)
    assert result.outcome in (Outcome.MERGED, Outcome.REFUSED)
    assert desk.plain(result.data) == edited(password="throwaway-new")


def test_a_plugin_recipient_runs_nothing(desk, versions, tmp_path, monkeypatch):
    ran = tmp_path / "ran"
    plugin = tmp_path / "age-plugin-evil"
    plugin.write_text(f"#!/bin/sh\ntouch {ran}\n", encoding="utf-8")
    plugin.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    base, ours = versions
    key = metadata(desk, base).key_groups[0].keys[0]
    evil = replace_recipient(key, "age1evil1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq")
    theirs = desk.with_block(base, key_groups=(KeyGroup((key, evil)),))
    refused(desk, base, ours, theirs)
    assert not ran.exists()


def test_without_an_identity_a_removed_recipient_is_refused(desk, versions, strangers_session):
    base, ours = versions
    own = metadata(desk, base)
    theirs = desk.with_block(base, key_groups=(KeyGroup(own.key_groups[0].keys[:1]),))
    result = desk.merge(base, ours, theirs, strangers_session)
    assert (result.outcome, result.data) == (Outcome.REFUSED, ours)


def test_without_an_identity_a_plain_value_is_refused(desk, versions, strangers_session):
    base, ours = versions
    theirs = re.sub(rb"  token: ENC.*", b"  token: throwaway-plain", base)
    result = desk.merge(base, ours, theirs, strangers_session)
    assert (result.outcome, result.data) == (Outcome.REFUSED, ours)


def test_without_an_identity_another_data_key_is_refused(desk, versions, strangers_session):
    base, ours = versions
    theirs = desk.encrypt(edited(token="throwaway-mine"), new_key=True)
    result = desk.merge(base, ours, theirs, strangers_session)
    assert (result.outcome, result.data) == (Outcome.REFUSED, ours)


@pytest.mark.parametrize("side", [0, 1, 2])
def test_a_damaged_wrapped_key_of_ours_is_never_passed_on(desk, side):
    versions = [desk.encrypt(SECRET)]
    versions.append(desk.encrypt(edited(password="throwaway-new"), versions[0]))
    versions.append(desk.encrypt(edited(token="throwaway-newer"), versions[0]))
    own = metadata(desk, versions[0]).key_groups[0].keys
    damaged = (replace(own[0], enc=own[0].enc.replace("AGE", "EGA")), *own[1:])
    versions[side] = desk.with_block(versions[side], key_groups=(KeyGroup(damaged),))
    result = desk.merge(*versions)
    assert (result.outcome, result.data) == (Outcome.REFUSED, versions[1])


def test_a_damaged_wrapped_key_is_no_reason_to_merge_by_ciphertexts(desk, versions):
    base, _ = versions
    own = metadata(desk, base).key_groups[0].keys
    damaged = (replace(own[0], enc=own[0].enc.replace("AGE", "EGA")), *own[1:])
    theirs = desk.with_block(base, key_groups=(KeyGroup(damaged),))
    assert desk.merge(base, base, theirs).outcome is Outcome.REFUSED
