"""What is under telling names everywhere and is not a secret: names of Secrets, translations, versions.

Each exemption is for values that could not be anything else in their place: a password in `package-lock.json`
or in a translation is still one if it has no form of these.
"""

from __future__ import annotations

import re

from .names import WORD, Telling, telling
from .wholetext import any_of, is_odd, is_whole

_LOCK_FILES = frozenset(
    {"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "deno.lock"}
    | {
        "go.sum",
        "go.work.sum",
        "cargo.lock",
        "poetry.lock",
        "uv.lock",
        "pdm.lock",
        "pipfile.lock",
        "pylock.toml",
    }
    | {"composer.lock", "gemfile.lock", "mix.lock", "pubspec.lock", "podfile.lock", "package.resolved"}
    | {
        "flake.lock",
        "chart.lock",
        "requirements.lock",
        "kustomize.lock",
        ".terraform.lock.hcl",
        "devbox.lock",
    }
    | {
        "packages.lock.json",
        "gradle.lockfile",
        "pixi.lock",
        "conda-lock.yml",
        "mise.lock",
        "aqua-checksums.json",
    }
)
_VERSION = r"(?:[~^<>=v]|<=|>=|==)?[ ]?\d+(?:\.(?:\d+|x|\*))*(?:[-+.][0-9A-Za-z.+-]{1,30})?"
_LOCKED = any_of(
    rf"{_VERSION}(?:(?: \|\| |, ?| )(?:{_VERSION}))*(?:\([^()\s]*\))*(?:_[0-9a-z@./+-]+)?",
    r"\*|latest|next",
    r"(?:npm|workspace|file|link|portal|patch|catalog|jsr|git(?:hub)?):@?[A-Za-z0-9_./@~^*+-]+",
    r"(?:sha\d+|md5|h1|zh|blake3)[-:=][A-Za-z0-9+/=]+",
    r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128}",
)

_LANGUAGE = (
    r"(?:ar|bg|bn|ca|cs|da|de|el|en|es|eu|fa|fi|fr|gl|he|hi|hu|it|ja|ko|lt|lv|nb|nl|nn|pl|pt|ro|ru|sk|sl|sr"
    r"|sv|ta|th|tr|uk|vi|zh)(?:[-_][A-Za-z]{2,4})?"
)
_TRANSLATED = (
    r"(?i)(?:.*/)?(?:(?:i18n|l10n|locales?|lang|langs|languages?|translations?)/.*"
    rf"|(?:[\w-]*(?:messages|strings|translations?|locale)[_.-])?{_LANGUAGE}\.(?:json|ya?ml|properties|toml|ts|js|ftl))"
)
_WORDING = r"[^\W\d_][^\d_=$/\\]*"
_LONGEST_WORD = 20

_OBJECT = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+"
_LONGEST_HASH = 10
_HOLDERS = frozenset({"secret", "credential", "credentials", "creds"})
# Whose secret is a value, not an object: `clientSecret`.
_OWNERS = frozenset(
    {"client", "app", "consumer", "webhook", "shared", "oauth", "oauth2", "api", "jwt", "session", "cookie"}
    | {"hmac", "signing", "access", "token", "key", "master", "root", "admin", "user"}
)


def is_everyday(path: str, text: str) -> bool:
    """Whether a value under a telling name is what files of this name are made of."""
    name = path.rpartition("/")[2].lower()
    if name in _LOCK_FILES and is_whole(_LOCKED, text):
        return True
    return _is_wording(text) and is_whole(_TRANSLATED, path)


def _is_wording(text: str) -> bool:
    """Whether a text is words of a language, without a digit or a sign that passwords have."""
    words = text.split()
    return re.fullmatch(_WORDING, text.strip()) is not None and all(
        len(word) <= _LONGEST_WORD and not any(sign.isupper() for sign in word[1:]) for word in words
    )


def names_object(name: str, text: str) -> bool:
    """Whether a value may be the name of a Secret, under such a name: `authSecret: pg-creds-8f3a2c9b7d`."""
    if telling(name) is not Telling.MAYBE:
        return False
    words = [word.lower() for word in re.findall(WORD, name)]
    if words[-1] not in _HOLDERS or (len(words) > 1 and words[-2] in _OWNERS):
        return False
    return is_object_name(text)


def is_object_name(text: str) -> bool:
    """Whether a text is words with a short hash, as kustomize and people name objects."""
    if re.fullmatch(_OBJECT, text) is None:
        return False
    odd = [part for part in text.split("-") if is_odd(part)]
    return len(odd) <= 1 and all(len(part) <= _LONGEST_HASH for part in odd)
