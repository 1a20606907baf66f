"""What the operator makes of stores: a model of `GetSecret` of each provider, from external-secrets' sources.

It works on parsed data, unlike the code that it checks, and knows only what the tests need.
"""

import json
from base64 import b64decode


class MissingError(Exception):
    """The provider finds nothing."""


def _path(data, path):
    """Return what gjson's `Get` finds in data; names with dots between them."""
    steps, step, at = [], "", 0
    while at < len(path):
        if path[at] == "\\":
            at += 1
            step += path[at : at + 1]
        elif path[at] == ".":
            steps.append(step)
            step = ""
        else:
            step += path[at]
        at += 1
    for name in (*steps, step):
        if not isinstance(data, dict) or name not in data:
            raise MissingError(path)
        data = data[name]
    return data


def _first(data, *paths):
    for path in paths:
        try:
            return _path(data, path)
        except MissingError:
            continue
    raise MissingError(paths)


def _escaped(name):
    return name.replace(".", "\\.")


def _text(value):
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def aws(store, key, name):
    return _text(_first(json.loads(store[key]), *([_escaped(name)] if "." in name else []), name))


def azure(store, key, name):
    name_in_vault = key.split("/")[1] if "/" in key else key
    return _text(_first(json.loads(store[name_in_vault]), name, *([_escaped(name)] if "." in name else [])))


def gcp(store, key, name):
    inner = [_escaped(name)] if name.find(".") > 0 else []
    return _text(_first(json.loads(store[key]), *inner, name))


def vault(store, key, name):
    data = json.loads(store[key])
    return _text(data[name] if name in data else _path(data, name))


def onepassword(store, key, name):
    found = [value for label, value in store[key] if label == name]
    if len(found) != 1:
        raise MissingError(name)
    return found[0].encode()


def kubernetes(store, key, name):
    return store[key][name]


def bitwarden(store, key, _name):
    return store[key].encode()


def doppler(store, key, _name):
    return store[key].replace("${", "expanded").encode()


def infisical(store, key, name):
    text = store[key]
    trimmed = text.strip() + ("\n" if text.endswith("\n") else "")
    return trimmed.replace("${", "expanded").encode()


MODELS = {
    "aws": aws,
    "azure": azure,
    "bitwarden": bitwarden,
    "doppler": doppler,
    "gcp": gcp,
    "infisical": infisical,
    "kubernetes": kubernetes,
    "onepassword": onepassword,
    "openbao": vault,
    "vault": vault,
}


def secret_of(spec, get, store):
    """Return the values of the Secret that the operator makes, by key."""
    values = {}
    for entry in spec["data"]:
        reference = entry["remoteRef"]
        value = get(store, reference["key"], reference.get("property", ""))
        if reference.get("decodingStrategy") == "Base64":
            value = b64decode(value, validate=True)
        values[entry["secretKey"]] = value
    return values
