"""Generated valid records: something to send when there is no real data at hand."""

import random
import string
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from forebay.xdm.explainer import Rules
from forebay.xdm.merging import merge
from forebay.xdm.pattern_samples import matching_text
from forebay.xdm.patterns import Pattern
from forebay.xdm.values import is_number

_OPTIONAL_SHARE = 0.35
"""How many of the optional members of an object a sample has."""

_DEPTH_OPTIONAL_MAX = 6
"""Below this depth a sample has required members only."""

_ATTEMPTS_MAX = 20
_SIZE_MAX = 1_000
"""Items of a list, entries of a map; who demands more gets no valid sample."""

_VALUES_MAX = 500_000
"""Values of a sample in all."""

_TEXT_MAX = 10_000
"""Characters, likewise."""
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_YEAR_SECONDS = 31_536_000
_WORDS = (
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "haven",
    "islet",
    "juniper",
)
_CANDIDATES = (
    *("US", "DE", "USD", "EUR", "US-CA", "en-US", "12-31", "2026", "1", "49", "text/plain", "a/b"),
    *("abc", "1.2.3", "1.12.2026", "2026-01", "2026-01-31", "Q1", "a@b.co", "12:30", "0-0"),
    *("https://example.com/a", "0123456789ABCDEF@AdobeOrg", "+4930123456"),
)
"""Values that common patterns accept."""

_NUMBERS_SPAN = 1_000
_ABSENT = object()
"""No value could be made."""


def sample(
    document: Mapping[str, Any], *, seed: int, optional_share: float = _OPTIONAL_SHARE
) -> dict[str, Any]:
    """
    Return a valid record of a validation document; the same seed gives the same record.

    Members whose rules are too intricate to satisfy are left out; if such a member is required,
    the record lacks it and is not valid.

    Args:
        document: What the record must obey.
        seed: Which of the many records.
        optional_share: How many of the optional members it has: 1 for all but the deepest.
    """
    value = _Maker(seed, optional_share).value(document, "", 0)
    return value if isinstance(value, dict) else {}


def _chosen(schema: Mapping[str, Any], keyword: str, luck: random.Random) -> dict[str, Any]:
    """Return a node with one of its alternatives merged in."""
    node = deepcopy({key: rule for key, rule in schema.items() if key != keyword})
    merge(node, deepcopy(luck.choice(schema[keyword])))
    return node


class _Maker:
    def __init__(self, seed: int, optional_share: float) -> None:
        self._optional_share = optional_share
        self._values_left = _VALUES_MAX
        self._random = random.Random(seed)  # noqa: S311  samples are no secrets
        self._formats: dict[str, Callable[[], str]] = {
            "date-time": lambda: self._moment().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "date": lambda: self._moment().strftime("%Y-%m-%d"),
            "time": lambda: self._moment().strftime("%H:%M:%SZ"),
            "email": lambda: f"{self._word()}.{self._token(6)}@example.com",
            "uri": lambda: f"https://example.com/{self._word()}/{self._token(8)}",
            "uri-reference": lambda: f"{self._word()}-{self._token(12)}",
            "ipv4": lambda: f"192.0.2.{self._random.randint(1, 254)}",
            "ipv6": lambda: f"2001:db8::{self._random.randint(1, 65535):x}",
        }

    def value(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:  # noqa: ANN401
        """Return a value that obeys a node, `_ABSENT` if none was found."""
        self._values_left -= 1
        if self._values_left < 0:
            return _ABSENT
        rules = Rules(schema) if self._is_intricate(schema) else None
        for _ in range(_ATTEMPTS_MAX):
            made = self._made(schema, name, depth)
            if made is not _ABSENT and (rules is None or rules.accept(made)):
                return made
        return _ABSENT

    @staticmethod
    def _is_intricate(schema: Mapping[str, Any]) -> bool:
        plain = {"object", "boolean", "array"}
        ruled = {"oneOf", "anyOf", "allOf", "not", "contains", "uniqueItems", "multipleOf", "const"}
        ruled |= {"minProperties", "maxProperties"}
        kind = schema.get("type")
        return not isinstance(kind, str) or kind not in plain or not ruled.isdisjoint(schema)

    def _made(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:  # noqa: ANN401
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        for keyword in ("oneOf", "anyOf"):
            if keyword in schema:
                return self._made(_chosen(schema, keyword, self._random), name, depth)
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            return self._made({**schema, "type": self._random.choice(kind)}, name, depth)
        makers: dict[str, Callable[[], Any]] = {
            "string": lambda: self._string(schema, name),
            "integer": lambda: self._integer(schema),
            "number": lambda: self._number(schema),
            "boolean": lambda: self._random.choice((True, False)),
            "array": lambda: self._array(schema, name, depth),
            "object": lambda: self._object(schema, depth),
            "null": lambda: None,
        }
        return makers.get(kind, self._word)()

    def _object(self, schema: Mapping[str, Any], depth: int) -> Any:  # noqa: ANN401
        required = schema.get("required", ())
        made: dict[str, Any] = {}
        for name, field in schema.get("properties", {}).items():
            is_wanted = depth < _DEPTH_OPTIONAL_MAX and self._random.random() < self._optional_share
            if name not in required and not is_wanted:
                continue
            value = self.value(field, name, depth + 1)
            if value is not _ABSENT and (name in required or value not in ({}, [])):
                made[name] = value
        free = schema.get("additionalProperties")
        if isinstance(free, Mapping) and "properties" not in schema and depth < _DEPTH_OPTIONAL_MAX:
            made.update(self._entries(schema, free, depth))
        return made

    def _entries(
        self, schema: Mapping[str, Any], free: Mapping[str, Any], depth: int
    ) -> dict[str, Any]:
        """Return the entries of a map: one, unless the rules demand more."""
        count = min(max(schema.get("minProperties", 1), 1), schema.get("maxProperties", _SIZE_MAX))
        keys = [
            f"{self._word().upper()}{f'_{number}' if number else ''}"
            for number in range(min(count, _SIZE_MAX))
        ]
        values = {key: self.value(free, "", depth + 1) for key in keys}
        return {key: value for key, value in values.items() if value is not _ABSENT}

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        low = min(schema.get("minItems", 1), _SIZE_MAX)
        high = min(schema.get("maxItems", low + 1), low + 1)
        items = schema.get("items", {"type": "string"})
        values = (
            self.value(items, name, depth + 1)
            for _ in range(self._random.randint(min(low, high), high))
        )
        return [value for value in values if value is not _ABSENT]

    def _integer(self, schema: Mapping[str, Any]) -> int:
        low, high = self._range(schema)
        step = schema.get("multipleOf", 1)
        made = self._random.randint(int(low), max(int(high), int(low)))
        return made - made % step if isinstance(step, int) and step > 1 else made

    def _number(self, schema: Mapping[str, Any]) -> float:
        low, high = self._range(schema)
        return round(self._random.uniform(low, high), 2)

    @staticmethod
    def _range(schema: Mapping[str, Any]) -> tuple[float, float]:
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        if not is_number(low) or low < -_NUMBERS_SPAN:
            low = 0 if not is_number(high) or high > 0 else high - 100
        if not is_number(high) or high > low + _NUMBERS_SPAN:
            high = low + 100
        return low, high

    def _string(self, schema: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401
        if schema.get("format") in self._formats:
            return self._formats[schema["format"]]()
        if "pattern" in schema:
            pattern = Pattern(schema["pattern"])
            fitting = [text for text in _CANDIDATES if pattern.is_found_in(text)]
            if fitting:
                return self._random.choice(fitting)
            made = matching_text(schema["pattern"], self._random)
            return _ABSENT if made is None or not pattern.is_found_in(made) else made
        low, high = schema.get("minLength", 0), schema.get("maxLength", 64)
        if low > _TEXT_MAX:
            return _ABSENT
        text = f"{name.strip('_') or 'value'} {self._word()}"[:high]
        return text + self._token(max(low - len(text), 0))

    def _moment(self) -> datetime:
        return _EPOCH + timedelta(seconds=self._random.randrange(_YEAR_SECONDS))

    def _word(self) -> str:
        return self._random.choice(_WORDS)

    def _token(self, length: int) -> str:
        return "".join(self._random.choices(string.ascii_lowercase + string.digits, k=length))
