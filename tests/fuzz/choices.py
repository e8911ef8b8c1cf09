"""Builds structured inputs from bytes: a fuzzer's change to the bytes changes the input, which stays well-formed."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, TypeVar

T = TypeVar("T")

TEXTS = (
    "a", "prod", "A.b-c", "_x", "PATH", "OMNI_API_TOKEN", "X", "", "é", "a\n", "a\0b", "1", "٣", "a" * 64, "a" * 65, "-",
    "https://acme.omniapp.co", "http://localhost:8000", "https://me:pw@acme.omniapp.co", "https://acme.omniapp.co/api",
    "HTTPS://ACME.omniapp.co:443/", "acme.omniapp.co", "*.omniapp.co", "[::1]", "http://[::1]:80", "xn--bcher-kva.example",
    "oauth", "api-key", "user", "organization", "keyring", "file", "~/key", "/run/secrets/omni", "ſ", "a b",
)  # fmt: skip
NUMBERS = (
    1, 0, -1, 1.0, 0.5, -0.0, 600, 600.0, 600.0001, 601, 5e-324, 1e308, float("nan"), float("inf"), 10**30, 10**400, 2,
)  # fmt: skip
STRUCTURED = b"\x01"
"""The first byte of encoded choices; other inputs are used unchanged."""


def as_json(data: bytes, known: Sequence[str], head: bytes = STRUCTURED) -> bytes:
    """Return the JSON that `data` encodes if it begins with `head`, else `data`."""
    if not data.startswith(head):
        return data
    choices = Choices(data[len(head) :])
    table = {choices.one(known): choices.json(known) for _ in range(choices.number(8))}
    return json.dumps(table, ensure_ascii=bool(choices.number(2)), indent=choices.one((None, 1, "\t"))).encode(
        "utf-8", "replace"
    )


TIMES = (date(2026, 11, 25), time(10, 30), datetime(2026, 11, 25, 10, 30))  # noqa: DTZ001 - TOML's local time


class Choices:
    """Reads choices from `data`; at its end, every choice is the first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, below: int) -> int:
        """Return a number from 0 to `below`, exclusive."""
        width = 1 if below <= 256 else 2
        taken = self._data[self._at : self._at + width]
        self._at += width
        return int.from_bytes(taken, "little") % below

    def one(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.number(len(options))]

    def rarely(self) -> bool:
        """Return true one time in sixteen."""
        return self.number(16) == 15

    def some(self, most: int) -> bytes:
        """A few bytes as they are."""
        length = self.number(most + 1)
        taken = self._data[self._at : self._at + length]
        self._at += length
        return taken

    def rest(self) -> bytes:
        """All that is left."""
        taken = self._data[self._at :]
        self._at = len(self._data)
        return taken

    def text(self) -> str:
        """Return a text with a meaning somewhere, or any text."""
        return self.some(24).decode("utf-8", "ignore") if self.number(4) == 3 else self.one(TEXTS)

    def anything(self, depth: int = 0) -> Any:
        """Any value that `tomllib` gives."""
        kind = self.number(8 if depth < 3 else 5)
        if kind == 0:
            return self.text()
        if kind == 1:
            return self.one(NUMBERS)
        if kind == 2:
            return bool(self.number(2))
        if kind == 3:
            return self.one(TIMES)
        if kind == 4:
            return self.one(("", [], {}))
        if kind == 5:
            return [self.anything(depth + 1) for _ in range(self.number(4))]
        return {self.text(): self.anything(depth + 1) for _ in range(self.number(4))}

    def json(self, known: Sequence[str], depth: int = 0) -> Any:
        """A JSON value whose objects have keys of `known`, and others."""
        kind = self.number(10 if depth < 4 else 6)
        if kind < 3:
            return self.text()
        if kind == 3:
            return self.one((None, True, False, *NUMBERS[:12]))
        if kind == 4:
            return self.one(
                (
                    "oauth", "api-key", "https://acme.omniapp.co", "https://x.omniapp.co:8443", "http://127.0.0.1", "\ud800",
                    "2026-11-24T10:00:00.5+02:00", "0001-01-01T00:00:00Z", "Bearer",
                )
            )  # fmt: skip
        if kind == 5:
            return self.one(([], {}, "", None))
        if kind == 6:
            return [self.json(known, depth + 1) for _ in range(self.number(4))]
        table = {}
        for _ in range(self.number(6)):
            name = self.text() if self.number(5) == 4 else self.one(known)
            table[name] = self.json(known, depth + 1)
        return table

    def of_schema(self, schema: Mapping[str, Any], definitions: Mapping[str, Any], depth: int = 0) -> Any:
        """Return a value that a JSON Schema allows, or nearly."""
        if self.rarely():
            return self.anything(depth)
        if "$ref" in schema:
            return self.of_schema(definitions[schema["$ref"].rpartition("/")[2]], definitions, depth)
        if options := schema.get("oneOf") or schema.get("anyOf"):
            return self.of_schema(self.one(tuple(options)), definitions, depth)
        if "enum" in schema or "const" in schema:
            return self.one((*schema.get("enum", (schema.get("const"),)), True, 1, 1.0, "1"))
        match schema["type"]:
            case "object":
                if patterns := schema.get("patternProperties"):
                    table = {}
                    for _ in range(self.number(4)):
                        pattern = self.one(tuple(patterns))
                        # The pattern of one name is that name.
                        name = pattern.strip("^$") if len(patterns) > 1 and self.number(2) else self.text()
                        table[name] = self.of_schema(patterns[pattern], definitions, depth + 1)
                    return table
                needed = schema.get("required", ())
                table = {
                    name: self.of_schema(field, definitions, depth + 1)
                    for name, field in schema["properties"].items()
                    if (name in needed) != self.rarely() or (name not in needed and self.number(3) == 2)
                }
                if self.rarely():
                    table[self.text()] = self.anything(depth)
                return table
            case "array":
                return [self.of_schema(schema["items"], definitions, depth + 1) for _ in range(self.number(4))]
            case "boolean":
                return bool(self.number(2))
            case "number":
                return self.one(NUMBERS)
        return self.text()
