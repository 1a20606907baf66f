"""What a value is likely to be by its name, as a table: for values that nobody can decrypt.

Each entry is a form of names, and a sample. The placeholder is made of the sample as of any other value. What
is drawn from the ciphertext is a mark at `{0}`, a number at `{1}`, and hexadecimal digits at `{2}`.
"""

from __future__ import annotations

import re
from functools import cache

from .key import Draw
from .mark import WORDS, mark_of, words_for
from .model import Maker

_PEM = "-----BEGIN {kind}-----\n{{2}}\n-----END {kind}-----\n"
_LOGIN = '{{"username": "{0}", "password": "{0}"}}'
_WORD = "(?:.*[-_.])?"
_SAMPLES = (
    (r"(?:.*[-_.])?(?:crt|cert|cer|pem|ca-bundle|cacert)", _PEM.format(kind="CERTIFICATE")),
    (r"tls\.key|.*\.key|private[-_]?key", _PEM.format(kind="PRIVATE KEY")),
    (r"ssh-privatekey|id_(?:rsa|ecdsa|ed25519)|identity", _PEM.format(kind="OPENSSH PRIVATE KEY")),
    (r"\.dockerconfigjson", f'{{{{"auths": {{{{"registry.example.com": {_LOGIN}}}}}}}}}'),
    (r"\.dockercfg", f'{{{{"registry.example.com": {_LOGIN}}}}}'),
    (rf"{_WORD}json", '{{"value": "{0}"}}'),
    (rf"{_WORD}ya?ml", "value: {0}\n"),
    (r".*\.toml", '[values]\nvalue = "{0}"\n'),
    (r".*\.(?:ini|cfg|cnf|conf)", "[values]\nvalue = {0}\n"),
    (r".*\.(?:env|properties)", "VALUE={0}\n"),
    (
        rf"{_WORD}(?:database|postgres|pg|db)[-_.]?(?:ur[il]|dsn)",
        "postgres://{0}:{0}@db.example.com:5432/{0}",
    ),
    (rf"{_WORD}redis[-_.]?ur[il]", "redis://:{0}@redis.example.com:6379/{0}"),
    (rf"{_WORD}(?:ur[il]|endpoint|webhook)", "https://app.example.com/{0}"),
    (rf"{_WORD}port", "{1}"),
    (rf"{_WORD}e?mail", "{0}@example.com"),
    (rf"{_WORD}(?:host|hostname|domain)", "{0}.example.com"),
)


def text_for(draw: Draw, length: int, maker: Maker) -> str:
    """Return a text that a value of this name may be.

    Args:
        draw: what belongs to the ciphertext.
        length: that of the value in bytes; 0 if it is unknown.
        maker: it has the name.
    """
    words = words_for(length) if length else WORDS[0]
    mark = mark_of(draw.bytes(2 * words), words)
    sample = next((sample for form, sample in _forms() if form.fullmatch(maker.name)), None)
    if sample is None:
        return mark
    return maker.whole(sample.format(mark, 1024 + draw.below(2**16 - 1024), draw.bytes(32).hex()))


@cache
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(form, re.IGNORECASE), sample) for form, sample in _SAMPLES)
