"""Passwords in lines of configuration that have no sign between name and value, in any file."""

from __future__ import annotations

from .model import BARE, VALUE, Form, Place

_CONFIG = Place.CONFIGURATION
_LINE = r"(?m:^)[ \t]*"
_GAP = r"[ \t]+"

REDIS = Form(
    "",
    _CONFIG,
    rf"{_LINE}(requirepass|masterauth|primaryauth|sentinel[ \t]+auth-pass[ \t]+\S+){_GAP}{VALUE}",
    (b"requirepass", b"masterauth", b"primaryauth", b"auth-pass"),
    ("requirepass §", 'masterauth "§"', "sentinel auth-pass main §", "port 6379\n  requirepass §\n"),
    ("# requirepass §", "requirepass foobared", "requirepass $REDIS_PASSWORD", "requirepass {{ password }}"),
    name=1,
)
REDIS_USER = Form(
    "the password of a Redis user",
    _CONFIG,
    rf"{_LINE}(?:user|ACL[ \t]+SETUSER)[ \t]+\S+[^\r\n]*[ \t]>({BARE})",
    (b"user",),
    ("user app on +@all ~* >§", "ACL SETUSER app on >§ ~* +@all"),
    ("user app on +@all ~* nopass", "user app on >$PASSWORD ~*", "user default off #0a0b"),
)
HAPROXY = Form(
    "",
    _CONFIG,
    rf"{_LINE}(?:user[ \t]+\S+[ \t]+(insecure-password)[ \t]+|stats[ \t]+auth[ \t]+[^\s:]+:)({BARE})",
    (b"insecure-password", b"stats"),
    ("userlist a\n  user b insecure-password §", "listen a\n  stats auth admin:§"),
    ("  stats auth admin:admin", "  stats auth admin:${PASSWORD}"),
    name=1,
)
BLANK = Form(
    "",
    _CONFIG,
    rf"(?i:{_LINE}(auth_pass|bindpw|rootpw|rootbindpw|(?:remote|bind|smtp|mail)_password)){_GAP}"
    rf"{VALUE}[ \t]*;?[ \t]*\r?(?m:$)",
    (b"auth_pass", b"bindpw", b"rootpw", b"rootbindpw", b"_password"),
    ("vrrp_instance a {\n  auth_pass §\n}", "bindpw §", "rootpw §", "connection a\nremote_password §"),
    ("rootpw {SSHA}0a0b0c0d", "bindpw secret", "auth_pass $PASSWORD", "bindpw is the password of §"),
    name=1,
)
NETRC = Form(
    "the password of a netrc entry",
    _CONFIG,
    rf"\bmachine\s+\S+\s+login\s+\S+\s+password\s+{VALUE}",
    (b"machine",),
    (
        "cat > ~/.netrc <<EOF\nmachine git.example login ci password §\nEOF",
        "machine a.example\n login b\n password §",
    ),
    ("machine git.example login ci password $TOKEN", "machine <host> login <login> password <password>"),
)

LINES = (REDIS, REDIS_USER, HAPROXY, BLANK, NETRC)
