"""Where AWS credentials may come from: answered from the environment and AWS's files alone.

No program runs, no service is asked, and no library of AWS is imported. The order is that of AWS's libraries:
a named profile counts before the environment's keys, the default one after them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from configparser import ConfigParser, Error
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.files.reading import read_file

from .home import home_folder

_SOURCES = (
    "aws_access_key_id",
    "credential_process",
    "credential_source",
    "login_session",
    "role_arn",
    "sso_account_id",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
)
"""Settings of a profile that give it credentials."""

_PAIRS = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
)
_CONTAINER = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
_LIMIT = 1 << 20
_VENDOR = Path("/sys/devices/virtual/dmi/id/sys_vendor")
"""Says `Amazon EC2` on a machine of EC2, whose role would otherwise have to be asked for."""


def has_credentials(environ: Mapping[str, str], profile: str = "") -> bool:
    """Return whether there may be credentials.

    Args:
        environ: the environment.
        profile: that the key names, or empty.
    """
    if not profile and any(all(environ.get(name) for name in pair) for pair in _PAIRS):
        return True
    name = profile or environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default"
    if any(name in _profiles(path) for path in _files(environ)):
        return True
    return not profile and (any(environ.get(name) for name in _CONTAINER) or _is_on_ec2(environ))


def looked_in(environ: Mapping[str, str], profile: str = "") -> tuple[str, ...]:
    """Return where credentials are looked for, one line per place."""
    names = [name for pair in _PAIRS for name in pair if environ.get(name)]
    places = [f"AWS's variables ({', '.join(names) if names else 'none is set'})"] if not profile else []
    for path in _files(environ):
        found = ", ".join(sorted(_profiles(path))) if path.is_file() else "missing"
        places.append(f"{_shown(path, environ)} ({found or 'no profile with credentials'})")
    return tuple(places)


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    for variable, name in (("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ("AWS_CONFIG_FILE", "config")):
        given = environ.get(variable)
        path = Path(given) if given else Path("~/.aws") / name
        yield Path(home_folder(environ), *path.parts[1:]) if path.parts[:1] == ("~",) else path


def _shown(path: Path, environ: Mapping[str, str]) -> str:
    home = home_folder(environ)
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


_NO_PROFILE = re.compile(r"(sso-session|services)\s")
"""How sections of `~/.aws/config` start that are parts of profiles."""


def _profiles(path: Path) -> frozenset[str]:
    """Return the profiles of a file that give credentials. A file that can't be read has none."""
    parser = ConfigParser(interpolation=None, strict=False, default_section="\n")
    try:
        parser.read_string(read_file(path, limit=_LIMIT, follow_links=True).data.decode("utf-8", "replace"))
    except (FluxsecretsError, Error):
        return frozenset()
    return frozenset(
        re.sub(r"^profile\s+", "", section).strip("\"'")
        for section in parser.sections()
        if not _NO_PROFILE.match(section) and any(parser.has_option(section, name) for name in _SOURCES)
    )


def _is_on_ec2(environ: Mapping[str, str]) -> bool:
    if environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return False
    try:
        return _VENDOR.read_bytes().startswith(b"Amazon EC2")
    except OSError:
        return False
