"""What stands in a text for a value that somebody or something puts in later: references and expressions.

A reference is a whole value (`op://vault/item/field`). An expression may also be a part of one
(`postgres://{{ .user }}:${PASSWORD}@db/app`); the rest of the value is then what counts. Strict on purpose: a
password that merely starts like a reference is a password.
"""

from __future__ import annotations

import re

from .template import MARK
from .wholetext import any_of, is_whole, looks_random, matches

# What `repo.manifests.is_reference` takes for one; this module does without its imports. `ref+echo:` would
# hold the value itself.
_REFERENCES = (
    r"op://[^/\n]+/[^\n]+",  # 1Password
    r"ref\+[a-z0-9]+://\S+",  # vals
    r"(?:>>)?vault:[^\s#]+#\S+",  # Bank-Vaults
    r"<(?:path|vault):[^\s>]+>",  # Argo CD's Vault plugin
    r"\$__(?:file|env|vault)\{[^{}]*\}",  # Grafana
)
_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
_TEMPLATED = (
    r"\$\{\{(?:[^}]|\}[^}])*\}\}",  # GitHub Actions
    r"\{\{(?:[^}]|\}[^}])*\}\}",  # Helm, Jinja, Go
    r"\{%(?:[^%]|%[^}])*%\}",
    r"\{#(?:[^#]|#[^}])*#\}",
    r"<%(?:[^%]|%[^>])*%>",  # ERB
    rf"#\{{[^\n]*?\}}#|#\{{{_NAME}\}}",  # makejinja; Azure DevOps, Octopus
    r"#%(?:[^%\n]|%[^#\n])*%#",
    r"\[\[[ .$](?:[^\]]|\][^\]])*\]\]",  # Go, with other delimiters
    rf"\[\[{_NAME}\]\]",
    r"\[%(?:[^%]|%[^\]])*%\]",
    rf"\{{(?:env[.:]|\$){_NAME}\}}|\{{!{_NAME}!\}}",  # Caddy
    r"@Microsoft\.KeyVault\([^()\s]+\)",
    rf"\(\((?:{_NAME}:)?{_NAME}(?:/{_NAME})*\)\)",  # Concourse, Cloud Foundry
    r"<<<?-?[ ]?[A-Za-z_][A-Za-z0-9_. |\"'()%,:-]*>?>>",  # ResourceSet among them
    r"@@?[A-Z_][A-Z0-9_]*@?@",
    r"%%[A-Z_][A-Z0-9_]*%%",
    r"__[A-Z][A-Z0-9_]*__|~~[A-Z][A-Z0-9_]*~~|\|[A-Z][A-Z0-9_]*\|",
    rf"%\{{{_NAME}\}}|%\{{ [^{{}}\n]* \}}%?",
    rf"{MARK}+",
)
_SHELL = (
    r"\$?\$\{[^\s{}]*(?:\{[^{}]*\}[^\s{}]*)*\}",  # ${VAR}; a default in it is looked at by itself
    rf"\$\$?\({_NAME}\)",  # $(VAR)
    r"\$\$?[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+",  # as envsubst has it; one word alone may be a password
)
_PARTS = rf"(?s)({'|'.join(_TEMPLATED)})|({'|'.join(_SHELL)})"
_IS_REFERENCE = any_of(*_REFERENCES)
_DEFAULT = r"\$?\$\{[A-Za-z_][A-Za-z0-9_]*:?(?P<sign>[-=+?])(?P<default>.*)\}"

# Outside of Secrets, where values that say nothing by themselves are looked at for their names only.
_STORES = (
    "env|file|secrets?|aws|gcp|azure|awssm|awsssm|keyvault|kms|config|data|conjur|sops|doppler|infisical|akeyless"
    "|bws|keychain|pass"
)
_IS_VARIABLE = any_of(
    r"\$[A-Z_][A-Z0-9_]*|\$[A-Za-z_]+",  # with a digit among small letters it may be a password
    r"%[A-Za-z_][A-Za-z0-9_]*%|%\([A-Za-z_][A-Za-z0-9_]*\)[sd]?|%\{[^{}]*\}|%(?:\[\d\])?[a-zA-Z]",
    r"@[A-Za-z_][A-Za-z0-9_.-]*@|!(?:secret|env_var) +[A-Za-z_][A-Za-z0-9_-]*",
    r"\{\{-? *\( *[A-Za-z_][A-Za-z0-9_]*",  # cut at a quote in it: `"{{ (datasource "db").password }}"`
    r"/(?:[\w.@+-]+/)*[\w.@+-]+",  # a path
)
_AROUND = r"^!(?:secret|env_var)|^[$%@({~ -]+|[)}%@]+[sd]?$"
_IS_STORED = any_of(
    r"\.\.?/\S+",
    r"~/\S+",
    r"[A-Za-z]:\\\S+",
    r"secretref\+[a-z0-9]+://\S+",
    rf"(?:{_STORES})(?:://?\S+|:[A-Za-z_./-]+)",
    r"arn:aws[a-z-]*:\S+",
    r"projects/[^/\s]+/secrets/\S+",
)
_SIGNS = frozenset("{[<%#@_$(~|") | {MARK}


def is_reference(text: str, *, loose: bool = False) -> bool:
    """Whether a value says where the secret is, or what will be put in, and holds none itself.

    Args:
        text: the value.
        loose: outside of Secrets, where paths and names of stores count, too.
    """
    from .placeholders import is_placeholder

    stripped = text.strip()
    if stripped.startswith("ref+echo:"):
        return False
    if is_whole(_IS_REFERENCE, stripped):
        return True
    rest = rest_of(stripped)
    if rest is not None and (not _says_something(rest) or is_placeholder(rest)):
        return True
    return loose and _is_loose_reference(stripped if rest is None else rest.strip())


def _is_loose_reference(text: str) -> bool:
    return is_whole(_IS_STORED, text) or (
        is_whole(_IS_VARIABLE, text) and not looks_random(re.sub(_AROUND, "", text))
    )


def rest_of(text: str) -> str | None:
    """What is written beside the expressions of a text; None if it has none. Defaults are written."""
    if _SIGNS.isdisjoint(text):
        return None
    rest, at = [], 0
    for part in matches(_PARTS, text):
        if not _is_name(part[0]):
            continue
        default = re.fullmatch(_DEFAULT, part[0], re.DOTALL) if part[2] else None
        inner = "" if default is None else default["default"]
        if default is not None and default["sign"] == "?":  # a message
            inner = inner if looks_random(inner) else ""
        rest += [text[at : part.start()], rest_of(inner) or inner if inner else ""]
        at = part.end()
    return "".join((*rest, text[at:])) if rest else None


def has_template(text: str) -> bool:
    """Whether a part of a text is an expression of a template language, which Flux would not apply."""
    return not _SIGNS.isdisjoint(text) and any(part[1] for part in matches(_PARTS, text))


def _is_name(expression: str) -> bool:
    """Whether what is between the signs may be a name. Flux's own form is one, whatever the name."""
    inner = expression.strip("{}[]<>%#@_$()~| ")
    return expression.startswith(("${", "$${")) or " " in inner or not looks_random(inner)


def _says_something(rest: str) -> bool:
    return any(sign.isalnum() for sign in rest)
