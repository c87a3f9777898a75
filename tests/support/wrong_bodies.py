"""Documents with a few things wrong: what a client in trouble, or a hostile one, sends."""

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

_TEXTS = (
    *("", " ", "x", "/a", "..", "\x00", "\U0001f600", "#", "(a+)+$", "(?=a)", "[", "a" * 5_000),
    *("#/definitions/none", "#/definitions/custom", "file:///etc/hostname"),
    "https://ns.adobe.com/xdm/context/profile",
    "https://ns.adobe.com/xdm/context/profile__union",
    "http://127.0.0.1:9/never-fetched",
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 2**63),
    *_TEXTS,
    *([], [[]], [None], ["x", "x"], [{}]),
    *({}, {"": {}}, {"a": None}, {"$ref": "#"}, {"$ref": 5}, {"type": "string"}),
    *({"type": "null"}, {"properties": []}, {"properties": {"a": {"type": "string"}}}),
    *({"allOf": []}, {"allOf": [{"$ref": "#"}]}),
)
_KEYS = """
    $id $ref @type additionalProperties allOf anyOf const contains default definitions dependencies
    enum exclusiveMinimum format items maximum meta:class meta:datasetNamespace meta:enum
    meta:extends meta:immutableTags meta:intendedToExtend meta:registryMetadata meta:status
    meta:xdmField meta:xdmType minLength minimum multipleOf not oneOf pattern patternProperties
    properties propertyNames refs required title type uniqueItems version
    xdm:destinationProperty xdm:isPrimary xdm:sourceProperty xdm:sourceSchema
"""
KEYS = tuple(_KEYS.split())


def mutated(document: object, random: Random) -> Any:
    """Return a copy of a JSON document in which one to three places are changed."""
    result = copy.deepcopy(document)
    for _ in range(random.randint(1, 3)):
        places = list(_containers(result))
        if not places:
            return random.choice(VALUES)
        _change(random.choice(places), random)
    return result


def _change(place: dict[str, Any] | list[Any], random: Random) -> None:
    value = copy.deepcopy(random.choice(VALUES))
    if isinstance(place, list):
        position = random.randrange(len(place) + 1)
        if position < len(place) and random.random() < 0.6:
            place[position] = value
        else:
            place.insert(position, value)
        return
    present = sorted(place)
    match random.randrange(4 if present else 1):
        case 0:
            place[random.choice(KEYS)] = value
        case 1:
            place[random.choice(present)] = value
        case 2:
            del place[random.choice(present)]
        case _:
            place[random.choice(KEYS)] = place.pop(random.choice(present))


def _containers(node: object) -> Iterator[dict[str, Any] | list[Any]]:
    if isinstance(node, dict | list):
        yield node
        for child in node.values() if isinstance(node, dict) else node:
            yield from _containers(child)
