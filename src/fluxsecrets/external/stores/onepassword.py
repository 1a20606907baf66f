"""1Password through a Connect server (`pip install fluxsecrets[onepassword]`).

A key is the title of an item, a property the label of one of its fields, as in the operator
(providers/v1/onepassword/onepassword.go). Vaults are searched in the order of their numbers.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from fluxsecrets.clouds import onepassword, refusal
from fluxsecrets.clouds.calling import Caller
from fluxsecrets.errors import ConfigError, ServiceError, StoreError

from .asking import ask
from .model import Opening, Stored, StoreKind

Result = TypeVar("Result")

_ID = re.compile(r"[0-9a-z]{26}")
_TITLE = r"(?![0-9a-z]{26}$)[^\s\"\\\x00-\x1f\x7f](?:[^\"\\\x00-\x1f\x7f]*[^\s\"\\\x00-\x1f\x7f])?"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_DEFAULT = "password"
_DOCUMENT = "DOCUMENT"
_CATEGORY = "SERVER"
"""Of new items, as the operator makes them: it has no fields of its own that could clash with others."""
_LOOKS, _PAUSE = 20, 0.5
"""How often, and after how many seconds, to look for what was written: Connect shows it a little later."""


@dataclass(frozen=True, slots=True)
class ItemContent:
    """An item. Its properties are fields; those of a document are files.

    Attributes:
        item: as the server has it; not in the repr.
        load: returns the content of a file.
    """

    item: Mapping[str, Any] = field(repr=False)
    load: Callable[[Mapping[str, Any]], bytes] = field(repr=False)

    def whole(self) -> bytes:
        """Return the first file of a document, or the field `password`."""
        if self._is_document:
            files = self._listed("files")
            if files:
                return self.load(files[0])
        else:
            found = self._field(_DEFAULT)
            if found is not None:
                return found
        raise StoreError(
            f"the item {self._title} has no file and no field {_DEFAULT}", hint="name a property"
        )

    def part(self, name: str) -> bytes | None:
        """See `Content.part`. A prefix `field/` or `file/` says what a name is."""
        if name.startswith("field/"):
            return self._field(name.removeprefix("field/"))
        if name.startswith("file/") or self._is_document:
            name = name.removeprefix("file/")
            found = next((each for each in self._listed("files") if each.get("name") == name), None)
            return None if found is None else self.load(found)
        return self._field(name)

    def members(self) -> Mapping[str, bytes] | None:
        """See `Content.members`."""
        if self._is_document:
            return {str(each.get("name", "")): self.load(each) for each in self._listed("files")}
        labels = [_label(each) for each in self._listed("fields")]
        return {label: self._field(label) or b"" for label in labels}

    def with_fields(self, values: Mapping[str, str]) -> dict[str, Any]:
        """Return the item with fields set or added.

        Raises:
            StoreError: it is a document.
        """
        if self._is_document:
            raise StoreError(
                f"the item {self._title} is a document, whose files can't be changed here",
                hint="choose another --key-template",
            )
        fields = [
            {**each, "value": values[_label(each)]} if _label(each) in values else dict(each)
            for each in self._listed("fields")
        ]
        known = {_label(each) for each in fields}
        return {**self.item, "fields": [*fields, *new_fields(values, known)]}

    @property
    def _is_document(self) -> bool:
        return self.item.get("category") == _DOCUMENT

    @property
    def _title(self) -> str:
        return ascii(str(self.item.get("title", "")))

    def _field(self, label: str) -> bytes | None:
        found = [each for each in self._listed("fields") if _label(each) == label]
        if len(found) > 1:
            raise StoreError(
                f"the item {self._title} has {len(found)} fields {label!a}",
                hint="rename all but one: the operator refuses to choose",
            )
        return str(found[0].get("value") or "").encode("utf-8") if found else None

    def _listed(self, name: str) -> Sequence[Mapping[str, Any]]:
        found = self.item.get(name)
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def new_fields(values: Mapping[str, str], known: set[str]) -> Iterator[dict[str, str]]:
    """Yield fields for values that an item does not have yet, hidden as passwords are."""
    for label, value in values.items():
        if label not in known:
            yield {"label": label, "value": value, "type": "CONCEALED"}


@dataclass(frozen=True, slots=True)
class OnePasswordStore:
    """Vaults of a Connect server, the most important one first.

    Attributes:
        vaults: names or identifiers.
    """

    address: str
    vaults: tuple[str, ...]
    _client: Any = field(repr=False)
    _caller: Caller = field(default_factory=lambda: Caller(onepassword.SERVICE), repr=False)
    _sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    _ids: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def shown(self) -> str:
        """The store, for messages."""
        return f"1Password {self.address}, {', '.join(ascii(name)[1:-1] for name in self.vaults)}"

    def read(self, key: str, version: str | None = None) -> Stored | None:
        """See `StoreClient.read`."""
        if version is not None:
            raise StoreError("1Password has no versions", path=self._place(key), hint="remove version")
        for vault in self.vaults:
            place = f"/v1/vaults/{self._id_of(vault)}/items"
            if _ID.fullmatch(key):
                return self._stored(f"{place}/{key}", key)  # the operator looks for an identifier here only
            found = self._get(_filtered(place, "title", key), key, list)
            if len(found) > 1:
                raise StoreError(
                    f"the vault {vault!a} has {len(found)} items of this title",
                    path=self._place(key),
                    hint="rename or remove all but one: the operator refuses to choose",
                )
            if found:
                return self._stored(f"{place}/{self._checked(found[0].get('id'))}", key)
        return None

    def check(self, key: str, values: Mapping[str, str], now: Stored | None) -> None:
        """See `StoreClient.check`."""
        if now is not None and isinstance(now.content, ItemContent):
            now.content.with_fields(values)

    def write(self, key: str, values: Mapping[str, str], expected: Stored | None) -> None:
        """See `StoreClient.write`.

        Connect has no check-and-set. So this compares the item's version right before it writes, and again
        with the version that the server gives to the new state.
        """
        now = self.read(key)
        if (now.version if now is not None else None) != (expected.version if expected is not None else None):
            raise StoreError("was changed in the store meanwhile", path=self._place(key))
        if now is None:
            vault = self._id_of(self.vaults[0])
            path = f"/v1/vaults/{vault}/items"
            new = {"title": key, "category": _CATEGORY, "vault": {"id": vault}}
            written = self._send("POST", path, {**new, "fields": list(new_fields(values, set()))}, key)
        else:
            assert isinstance(now.content, ItemContent)  # noqa: S101 - this class made it
            item = now.content.with_fields(values)
            path = f"/v1/vaults/{self._checked(item['vault'].get('id'))}/items/{self._checked(item['id'])}"
            written = self._send("PUT", path, item, key)
            if _number(written) > _number(now.content.item) + 1:
                raise StoreError(
                    "someone else changed it in the store at the same time",
                    path=self._place(key),
                    hint="look at the item's history in 1Password, and compare its fields",
                )
        self._wait_for(key, written)

    def _wait_for(self, key: str, written: Mapping[str, Any]) -> None:
        """Wait until the server shows what was written; a push before that would create a second item."""
        for _ in range(_LOOKS):
            now = self.read(key)
            shown = now.content if now is not None else None
            if isinstance(shown, ItemContent) and _number(shown.item) >= _number(written):
                return
            self._sleep(_PAUSE)
        raise StoreError(
            "is written, but the server does not show it yet",
            path=self._place(key),
            hint="try again when the Connect server has synchronized",
        )

    def _stored(self, path: str, key: str) -> Stored | None:
        try:
            item = self._get(path, key, dict)
        except ServiceError as error:
            if error.reason == refusal.NOT_FOUND:
                return None
            raise
        vault = item.get("vault")
        inside = self._checked(vault.get("id") if isinstance(vault, dict) else None)
        own = self._checked(item.get("id"))

        def load(file: Mapping[str, Any]) -> bytes:
            content = f"/v1/vaults/{inside}/items/{own}/files/{self._checked(file.get('id'))}/content"
            return self._call("GET", content, None, key, bytes)

        return Stored(ItemContent(item, load), f"{own}:{_number(item)}")

    def _id_of(self, vault: str) -> str:
        if vault not in self._ids:
            if _ID.fullmatch(vault):
                self._ids[vault] = vault
            else:
                found = self._get(_filtered("/v1/vaults", "name", vault), "", list)
                if len(found) != 1:
                    what = f"{len(found)} vaults" if found else "no vault"
                    raise StoreError(
                        f"the token can see {what} named {vault!a}",
                        path=f"1Password {self.address}",
                        hint="check the name, and which vaults the token has",
                    )
                self._ids[vault] = self._checked(found[0].get("id"))
        return self._ids[vault]

    def _checked(self, text: object) -> str:
        """Return an identifier from an answer, which becomes a part of a path."""
        if not isinstance(text, str) or not _ID.fullmatch(text):
            raise StoreError("the answer does not come from a Connect server", path=self.shown)
        return text

    def _get(self, path: str, key: str, kind: type[list[Any]] | type[dict[str, Any]]) -> Any:
        found = self._call("GET", path, None, key, lambda body: onepassword.parsed(body, kind))
        if isinstance(found, list) and not all(isinstance(each, dict) for each in found):
            raise StoreError("the answer does not come from a Connect server", path=self.shown)
        return found

    def _send(self, method: str, path: str, item: Mapping[str, object], key: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._call(
            method, path, item, key, lambda body: onepassword.parsed(body, dict)
        )
        return found

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        key: str,
        read: Callable[[bytes], Result],
    ) -> Result:
        return ask(
            self._caller,
            self.address,
            self._place(key),
            lambda: read(onepassword.call(self._client, method, path, body)),
            writes=body is not None,
        )

    def _place(self, key: str) -> str:
        return f"{self.shown}: {ascii(key)[1:-1]}" if key else self.shown


def _filtered(path: str, name: str, text: str) -> str:
    """Return the path of a list of those with a name. The server has no way to escape a quotation mark."""
    if '"' in text or "\\" in text:
        raise StoreError(f"{text!a} can't be looked for in 1Password", hint="use a name without quotes")
    wanted = f'{name} eq "{text}"'
    return f"{path}?filter={quote(wanted, safe='')}"


def _label(item: Mapping[str, Any]) -> str:
    return str(item.get("label") or "")


def _number(item: Mapping[str, Any]) -> int:
    number = item.get("version")
    return number if isinstance(number, int) else 0


def _open(opening: Opening) -> OnePasswordStore:
    client = onepassword.make_client(opening.environ)
    address = onepassword.address_of(opening.environ)
    named = opening.setting("connectHost").rstrip("/")
    if named and named != address:
        opening.note(f"the store {opening.name} is at {named}, {onepassword.HOST} says {address}")
    return OnePasswordStore(address, _vaults(opening), client)


def _vaults(opening: Opening) -> tuple[str, ...]:
    if (given := opening.options.get("vault")) is not None:
        return (given,)
    found = opening.settings.get("vaults")
    numbers = {
        name: number
        for name, number in (found if isinstance(found, dict) else {}).items()
        if "${" not in name
    }
    if not numbers:
        raise ConfigError(f"the vault of {opening.name} is not known", hint="give it with --vault NAME")
    order = list(numbers.values())
    if not all(isinstance(number, int) for number in order) or len(set(map(str, order))) < len(order):
        raise ConfigError(
            f"the vaults of {opening.name} need different numbers", hint="the smallest is searched first"
        )
    return tuple(sorted(numbers, key=lambda name: int(str(numbers[name]))))


KIND = StoreKind(
    name="onepassword",
    title="1Password",
    providers=("onepassword",),
    options={"vault": "vault"},
    template="{namespace}/{name}",
    key=re.compile(_TITLE),
    key_words="a title without quotes, backslashes and control characters, and not like an identifier",
    as_base64=lambda text: _CONTROL.search(text) is not None,
    ignored=frozenset({"version"}),
    readable=re.compile(r"[^\"\\]+"),
    required=("connectHost", "vaults"),
    open=_open,
)
