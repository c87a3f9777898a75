from typing import Any

import pytest

from forebay.control.schemas.errors import FieldNameInvalid, FieldNamespaceInvalid
from forebay.control.schemas.namespace import check_names, check_namespace

LEAF = {"type": "string"}


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"_acme": LEAF},
        {"_acme": {"properties": {"a-b": LEAF, "c_d": LEAF, "1e": LEAF}}},
        {"person": {"properties": {"_acme": {"properties": {"a": LEAF}}}}},
        {"_experience": {"properties": {"_acme": LEAF}}},
        {"_acme": {"properties": {"list": {"items": {"properties": {"a": LEAF}}}}}},
    ],
)
def test_fields_of_the_tenant_lie_in_its_namespace(properties: dict[str, Any]) -> None:
    check_namespace({"properties": properties}, "_acme")


@pytest.mark.parametrize(
    "document",
    [
        {"properties": {"a": LEAF}},
        {"properties": {"_other": LEAF}},
        {"properties": {"_acme": LEAF, "a": LEAF}},
        {"properties": {"person": {"properties": {"_acme": LEAF, "a": LEAF}}}},
        {"properties": {"person": {"type": "object"}}},
        {"allOf": [{"properties": {"a": LEAF}}]},
        {"allOf": [{"$ref": "#/definitions/x"}], "definitions": {"x": {"properties": {"a": LEAF}}}},
    ],
)
def test_field_outside_the_namespace_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(FieldNamespaceInvalid, match="_acme"):
        check_namespace(document, "_acme")


def test_definition_that_nothing_is_made_of_is_not_judged() -> None:
    check_namespace({"definitions": {"x": {"properties": {"a": LEAF}}}}, "_acme")


@pytest.mark.parametrize("name", ["_a", "a b", "a:b", "ä", "", "-a", "@id", "https://x/y"])
def test_name_that_xdm_does_not_allow_is_refused(name: str) -> None:
    inside = {"properties": {"_acme": {"properties": {"deep": {"properties": {name: LEAF}}}}}}

    with pytest.raises(FieldNameInvalid):
        check_namespace(inside, "_acme")
    with pytest.raises(FieldNameInvalid):
        check_names({"properties": {"a": {"items": {"properties": {name: LEAF}}}}})
