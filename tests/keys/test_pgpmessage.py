import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import IntegrityError
from fluxsecrets.keys.pgpmessage import HIDDEN, MAX_ARMOUR, read_message

KEY_ID = "D0A1FB7C49824F6E"
DATA = b"\xd2\x05\x01data"


def packet(kind, body):
    return bytes([0xC0 | kind, 0xFF]) + len(body).to_bytes(4, "big") + body


def for_key(key_id):
    return packet(1, b"\x03" + bytes.fromhex(key_id) + b"\x01\x00\x08\xff")


def armoured(data, *, headers=(), checksum=True):
    lines = ["-----BEGIN PGP MESSAGE-----", *headers, "", base64.b64encode(data).decode()]
    if checksum:
        crc = 0xB704CE
        for bit in (byte >> (7 - index) & 1 for byte in data for index in range(8)):
            crc = (crc << 1 ^ (0x864CFB if (crc >> 23) ^ bit else 0)) & 0xFFFFFF
        lines.append("=" + base64.b64encode(crc.to_bytes(3, "big")).decode())
    return "\n".join([*lines, "-----END PGP MESSAGE-----"])


def damage(text, match):
    with pytest.raises(IntegrityError, match=match) as caught:
        read_message(text)
    assert caught.value.hint


@given(st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=4), st.booleans())
def test_key_ids_are_read_in_order(key_ids, checksum):
    ids = tuple(key_id.hex().upper() for key_id in key_ids)
    assert read_message(armoured(b"".join(map(for_key, ids)) + DATA, checksum=checksum)).key_ids == ids


@given(st.text())
def test_any_other_text_is_damage(text):
    damage(text, "damaged")


@given(st.binary())
def test_any_other_packets_are_damage(data):
    try:
        message = read_message(armoured(data))
    except IntegrityError:
        return
    assert all(len(key_id) == 16 for key_id in message.key_ids)


@pytest.mark.parametrize(
    "start",
    [
        packet(10, b"PGP"),
        packet(21, bytes(300)),
        b"\xc1\xc0\x40" + b"\x03" + bytes(8) + bytes(247),
        b"\x84\x0c\x03" + bytes(11),
        b"\x85\x00\x0c\x03" + bytes(11),
        b"\x86\x00\x00\x00\x0c\x03" + bytes(11),
    ],
    ids=["marker", "padding", "two octets", "old one octet", "old two octets", "old four octets"],
)
def test_every_form_of_packet_length_is_read(start):
    assert read_message(armoured(start + for_key(KEY_ID) + DATA)).key_ids[-1] == KEY_ID


def test_newer_ways_to_name_a_key_are_left_to_gpg():
    assert read_message(armoured(packet(1, b"\x06\x15\x04" + bytes(20)) + DATA)).key_ids == (HIDDEN,)


def test_headers_and_white_space_are_read():
    text = armoured(for_key(KEY_ID) + DATA, headers=("Version: GnuPG v2", "Comment: żółć"))
    assert read_message("\n" + text.replace("\n", " \r\n") + "\n\n").key_ids == (KEY_ID,)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "cut off"),
        (for_key(KEY_ID), "cut off"),
        (for_key(KEY_ID)[:-1], "cut off"),
        (b"\xc1", "cut off"),
        (b"\xc1\xff\x00", "cut off"),
        (b"\x87\x03", "cut off"),
        (DATA, "not encrypted for any key"),
        (packet(11, b"b\x00\x00\x00\x00\x00plain"), "not an encrypted message"),
        (packet(8, b"\x00"), "not an encrypted message"),
        (b"plain", "not made of PGP packets"),
        (packet(3, b"\x04\x09\x03\x08" + bytes(9)) + DATA, "protected by a passphrase"),
        (for_key(KEY_ID) + packet(3, b"\x04\x09\x03\x08" + bytes(9)) + DATA, "protected by a passphrase"),
    ],
)
def test_what_no_data_key_is_wrapped_in_is_refused(data, match):
    damage(armoured(data), match)


def test_damaged_armour_is_refused():
    good = armoured(for_key(KEY_ID) + DATA)
    damage(good.replace("BEGIN", "BEGUN"), "does not begin")
    damage(good.rpartition("\n")[0], "last line")
    damage(good.replace("\n\n", "\n"), "empty line")
    body = good.split("\n")[2]
    damage(good.replace(body, body[:8] + ("B" if body[8] == "A" else "A") + body[9:]), "checksum")
    damage(good.replace(body, body[:8] + "!" + body[9:]), "base64")
    damage(good.replace("\n=", "\n=A"), "base64")
    damage("x" * (MAX_ARMOUR + 1), "longer than 64 KiB")
