"""A 1Password Connect server on this machine: vaults, items and files, as its API's description has them.

It is as strict as the description: a wrong path, filter, field or token gets the error that is written there.
"""

import json
import re
import string
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from webserver import Answer, web_server

TOKEN = "throwaway.connect.token"
_ID = re.compile(r"[0-9a-z]{26}")
_CATEGORIES = {"LOGIN", "PASSWORD", "SERVER", "SECURE_NOTE", "DOCUMENT", "API_CREDENTIAL"}
_TYPES = {"STRING", "EMAIL", "CONCEALED", "URL", "TOTP", "DATE", "MONTH_YEAR", "MENU"}


def identifier(number):
    """Return an identifier of 26 letters."""
    return "".join(string.ascii_lowercase[(number + at) % 26] for at in range(26))


@dataclass
class Connect:
    """The server's state.

    Attributes:
        vaults: items by the name of their vault; each item has its vault's identifier.
        files: contents by identifier.
        closed: names of vaults that the token may not use.
        asked: method and path of each request.
        answers: taken, one by one, instead of the real answers.
        before_write: is called before an item changes, as when someone else is faster.
        delay: how many reads of an item's list still show what was before the last write.
    """

    address: str = ""
    vaults: dict = field(default_factory=lambda: {"Prod": []})
    files: dict = field(default_factory=dict)
    closed: set = field(default_factory=set)
    asked: list = field(default_factory=list)
    answers: list = field(default_factory=list)
    before_write: object = None
    delay: int = 0
    _hidden: set = field(default_factory=set)

    def id_of(self, vault):
        return identifier(list(self.vaults).index(vault))

    def add(self, title, pairs, vault="Prod", **more):
        """Put an item into a vault, and return it; with pairs of a label and a value."""
        number = 100 + sum(map(len, self.vaults.values()))
        item = {
            "id": identifier(number),
            "title": title,
            "category": "SERVER",
            "version": 1,
            "vault": {"id": self.id_of(vault), "name": vault},
            "fields": [
                {"id": f"f{at}", "label": label, "value": value, "type": "CONCEALED"}
                for at, (label, value) in enumerate(pairs)
            ],
            **more,
        }
        self.vaults[vault].append(item)
        return item

    def fields(self, title, vault="Prod"):
        """Return an item's values by label."""
        (item,) = (each for each in self.vaults[vault] if each["title"] == title)
        return {each["label"]: each.get("value", "") for each in item["fields"]}

    def answer(self, request):
        """Return what Connect answers."""
        self.asked.append((request.method, request.path))
        if self.answers:
            return self.answers.pop(0)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _error(401, "Invalid token signature")
        url = urlsplit(request.path)
        parts = url.path.strip("/").split("/")
        if parts[:2] != ["v1", "vaults"]:
            return _error(404, "not found")
        if len(parts) == 2:
            return self._list_vaults(request.method, url.query)
        name = next((each for each in self.vaults if self.id_of(each) == parts[2]), None)
        if not _ID.fullmatch(parts[2]):
            return _error(400, "Invalid Vault UUID")
        if name is None:
            return _error(404, f"vault {parts[2]} not found")
        if name in self.closed:
            return _error(403, f"vault {parts[2]} is not in scope")
        return self._vault(request, name, parts[3:], url.query)

    def _list_vaults(self, method, query):
        if method != "GET":
            return _error(405, "method not allowed")
        wanted = _filter(query, "name")
        if wanted is None:
            return _error(400, "Invalid filter")
        names = [each for each in self.vaults if wanted in ("", each) and each not in self.closed]
        return Answer(200, [{"id": self.id_of(each), "name": each} for each in names])

    def _vault(self, request, name, parts, query):
        items = self.vaults[name]
        if parts == ["items"] and request.method == "GET":
            wanted = _filter(query, "title")
            if wanted is None:
                return _error(400, "Invalid filter")
            hidden = self._hidden if self.delay > 0 else set()
            self.delay -= 1
            shown = [each for each in items if wanted in ("", each["title"]) and each["id"] not in hidden]
            return Answer(
                200, [{key: each[key] for key in each if key not in ("fields", "files")} for each in shown]
            )
        if parts == ["items"] and request.method == "POST":
            return self._create(request, name)
        if len(parts) < 2 or parts[0] != "items" or not _ID.fullmatch(parts[1]):
            return _error(400, "Invalid Item UUID")
        item = next((each for each in items if each["id"] == parts[1]), None)
        if item is None:
            return _error(404, f"item {parts[1]} not found")
        if parts[2:]:
            found = [each["id"] for each in item.get("files", ())]
            if parts[2] == "files" and parts[4:] == ["content"] and parts[3] in found:
                return Answer(200, self.files[parts[3]], {"Content-Type": "application/octet-stream"})
            return _error(404, "file not found")
        if request.method == "GET":
            return Answer(200, _shown(item))
        if request.method == "PUT":
            return self._update(request, name, item)
        return _error(405, "method not allowed")

    def _create(self, request, name):
        item, problem = _checked(request, self.id_of(name))
        if problem:
            return problem
        if self.before_write is not None:
            self.before_write()
        made = self.add(item["title"], [], name, category=item["category"], fields=_with_ids(item["fields"]))
        self._hidden = {made["id"]}
        return Answer(200, _shown(made))

    def _update(self, request, name, old):
        if self.before_write is not None:
            self.before_write()
        item, problem = _checked(request, self.id_of(name))
        if problem:
            return problem
        if item.get("id") != old["id"]:
            return _error(400, "Item ID does not match the path")
        number = old["version"] + 1
        old.clear()
        old.update({**item, "fields": _with_ids(item["fields"]), "version": number})
        return Answer(200, _shown(old))


def _checked(request, vault):
    """Return a sent item, and what the server says against it."""
    if request.headers.get("content-type") != "application/json":
        return None, _error(415, "Unsupported media type")
    item = json.loads(request.body)
    if item.get("category") not in _CATEGORIES:
        return None, _error(400, "Invalid item category")
    if item.get("vault", {}).get("id") != vault:
        return None, _error(400, "Vault ID does not match the path")
    if any(each.get("type") not in _TYPES for each in item.get("fields", ())):
        return None, _error(400, "Invalid field type")
    return item, None


def _with_ids(fields):
    return [{"id": f"made{at}", **each} for at, each in enumerate(fields)]


def _shown(item):
    """Connect leaves out empty values."""
    fields = [{key: text for key, text in each.items() if text != ""} for each in item["fields"]]
    return {**item, "fields": fields}


def _filter(query, name):
    """Return the text that a filter wants, an empty one without a filter, or None if it is not valid."""
    texts = parse_qs(query).get("filter")
    if texts is None:
        return ""
    match = re.fullmatch(rf'{name} eq "([^"]*)"', texts[0])
    return match[1] if match else None


def _error(status, message):
    return Answer(status, {"status": status, "message": message})


@contextmanager
def connect_server():
    connect = Connect()
    with web_server(connect.answer) as address:
        connect.address = address
        yield connect
