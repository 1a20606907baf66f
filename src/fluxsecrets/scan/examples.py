"""Values that are printed in the documentation of those who issue such values: they open nothing.

The table holds digests, so that no other scanner finds the values here. The whole value must be one: a token
is not an example because the word, or an example, is a part of it.
"""

from __future__ import annotations

from fluxsecrets.files.hashing import fast_hash

_PRINTED = {
    "AWS, IAM user guide": "b1dba8e85ee052b5 087defd4dba80dcd 311e599589febd74 b360992f6a5193fc"
    " b122867768cf1807 826a83582efbd367 ef67432f60c9b033 4f33d40def7f3b26 a0a44f7a6abcef88 3044103dd2c7c122",
    "Stripe, API reference": "826e0fd9a88ef5e1 2e12236193731ba6 1c84746fcb793603 f8c661bbd238e78b"
    " 6e9c4b146acd9dcd 47b00e6f81783cda",
    "GitHub, apps and OAuth": "c87e7d0454b975d9 797efb586569f544 0282aaeb1041c568 c0d59325a7732fd1"
    " cfc4847975a09853 368472f17bf34eb7",
    "Azure, emulators of Storage and Cosmos DB": "20e88191d76dc156 76449d3eb6d5ca57",
    "kubeadm, reference and tutorials": "7e5f7ee228e06eb9 e986f26177a18d38 189236b7a926c1a8 aed59facd950e286"
    " cf8d7473c2c4022e",
    "Cloudflare, API reference": "4433fb39f6fa56fb d925de346a05d025 7761dd85a7a43087 5f321b9480cf827b",
    "SendGrid, API reference": "6384ecbed5ff26b8",
    "Slack, API reference": "bc0184f27356f308 deaafee5090ccdec",
    "RFC 6749, 6750, 7515 and 7617": "f58ddb4b81ed1ff4 c2945bcd936cf1d3 be46cec26ef43b30 e6d1b65208cb54f6"
    " 9a119b06a213486f a05b8aa8899378c2 fc9f94683b968d58 cd5b49fcc80a6e3d 11c38988238e0512",
    "the template of Flux clusters at home": "c941ba426136116a",
}
"""The first eight bytes of BLAKE2b of each value, by who prints it."""

_KNOWN = frozenset(digest for digests in _PRINTED.values() for digest in digests.split())
_SHORTEST, _LONGEST = 10, 100
_LONGEST_JWT = 2000


def is_example(text: str) -> bool:
    """Whether a value is one that a provider's documentation prints, or the token of jwt.io."""
    if text.startswith("eyJ"):
        return len(text) <= _LONGEST_JWT and _is_jwt_io(text)
    if not _SHORTEST <= len(text) <= _LONGEST:
        return False
    state = fast_hash(8)
    state.update(text.encode("utf-8", "replace"))
    return state.hexdigest() in _KNOWN


def _is_jwt_io(text: str) -> bool:
    """Whether a token's claims are those of jwt.io: whatever signed them, they let nobody in."""
    parts = text.split(".")
    if len(parts) != 3:
        return False
    import json
    from base64 import urlsafe_b64decode

    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(claims, dict)
        and claims.keys() <= {"sub", "name", "iat", "admin"}
        and claims.get("sub") == "1234567890"
        and claims.get("name") == "John Doe"
    )
