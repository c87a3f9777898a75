"""The schemas of the two walk-throughs, their records, and ways to spoil a record."""

from typing import Any

from hypothesis import strategies as st

from forebay.xdm.composition import compose
from forebay.xdm.standard import StandardLibrary
from forebay.xdm.strict import validation_document
from forebay.xdm.validator import Validator

NS = "https://ns.adobe.com/"
LIBRARY = StandardLibrary()

EVENT_SCHEMA: dict[str, Any] = {
    "$id": NS + "acme/schemas/event",
    "title": "Sample events",
    "type": "object",
    "required": ["@id", "xdm:timestamp"],
    "allOf": [
        {"$ref": NS + "xdm/context/experienceevent", "type": "object", "meta:xdmType": "object"},
        {"$ref": NS + "xdm/context/experienceevent-environment-details"},
        {"$ref": NS + "xdm/context/experienceevent-commerce"},
        {"$ref": NS + "experience/campaign/experienceevent-profile-work-details"},
    ],
}
EVENT_IDENTITY = "/_experience/campaign/message/profileSnapshot/workEmail/address"
EVENT = {
    "_id": "evt-0001",
    "timestamp": "2024-02-23T22:07:01Z",
    "environment": {
        "browserDetails": {"userAgent": "UA/1.0", "acceptLanguage": "en-US", "javaEnabled": True},
        "colorDepth": 32,
        "viewportHeight": 799,
    },
    "productListItems": [
        {"SKU": "CC", "name": "Sample item", "quantity": 30, "priceTotal": 7.8},
    ],
    "commerce": {"productViews": {"value": 1}},
    "_experience": {
        "campaign": {
            "message": {"profileSnapshot": {"workEmail": {"address": "ada@example.com"}}},
        },
    },
}

PROFILE_SCHEMA: dict[str, Any] = {
    "$id": NS + "acme/schemas/profile",
    "title": "Sample people",
    "type": "object",
    "allOf": [
        {"$ref": NS + "xdm/context/profile"},
        {"$ref": NS + "xdm/context/profile-person-details"},
        {"$ref": NS + "xdm/context/profile-work-details"},
    ],
    "meta:immutableTags": ["union"],
}
PROFILE_IDENTITY = "/workEmail/address"
PROFILE = {
    "person": {
        "name": {"firstName": "Ada", "lastName": "King"},
        "birthDate": "1985-12-10",
        "gender": "female",
    },
    "workEmail": {
        "primary": True,
        "address": "ada@example.com",
        "type": "work",
        "status": "active",
    },
}


def an_identity(source_property: str, **members: object) -> dict[str, object]:
    """Return a primary identity descriptor."""
    return {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceProperty": source_property,
        "xdm:namespace": "Email",
        "xdm:property": "xdm:code",
        "xdm:isPrimary": True,
        **members,
    }


def a_document(schema: dict[str, Any], identity: str | None = None) -> dict[str, Any]:
    """Return the validation document of a schema."""
    descriptors = [an_identity(identity)] if identity else []
    return validation_document(compose(schema, LIBRARY), descriptors)


def a_validator(properties: dict[str, Any], **rules: object) -> Validator:
    """Return a validator of a small schema with these properties."""
    composed = {"type": "object", "properties": properties, **rules}
    return Validator(validation_document(compose(composed, LIBRARY)))


_STRINGS = [
    *("2024-02-30T00:00:00Z", "2024-02-29T23:59:59.123+02:00", "2024-02-29", "0000-01-01", ""),
    *("9999-12-31T23:59:59-10:00", "2024-12-31T00:00:00.123456789-11:30", "2024-06-31", "female"),
    *("a b", "http://", "x:", "é", "US", "1:2", "http://[::1]/", "urn:a:b", "a/b?c#d", "a#b#c"),
    *("a@b", "a@b.co", "ü@b.co", "::1", "1.2.3.4", "10-10", "%41", "%4", "DE-BY", "browser"),
]
_NUMBERS = [0, 1, -1, 1.0, 2**31, 2**31 - 1, 2**53, 2**53 + 1, 32768, 90, 180.5]
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(_STRINGS)
    | st.sampled_from(_NUMBERS)
)
_KEYS = st.text(max_size=4) | st.sampled_from(["_id", "value", "id"])
JSON_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoiled(draw: st.DrawFn, value: Any) -> Any:
    """Return a JSON value in which something at some depth is replaced, removed or added."""
    if isinstance(value, dict) and value:
        name = draw(st.sampled_from(sorted(value)))
        how = draw(st.sampled_from(["below", "below", "below", "replace", "remove", "add"]))
        rest = {key: member for key, member in value.items() if key != name}
        made = {
            "below": lambda: {**value, name: draw(spoiled(value[name]))},
            "replace": lambda: {**value, name: draw(JSON_VALUES)},
            "remove": lambda: rest,
            "add": lambda: {**value, draw(st.text(max_size=6)): draw(JSON_VALUES)},
        }
        return made[how]()
    if isinstance(value, list) and value:
        return [draw(spoiled(value[0])), *value[1:]]
    return draw(st.sampled_from(_STRINGS) if isinstance(value, str) else JSON_VALUES)
