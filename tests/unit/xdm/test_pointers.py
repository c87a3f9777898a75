import pytest

from forebay.xdm.pointers import Nowhere, dotted, dotted_location, resolve

RECORD = {"a": [{"b": 1}], "m": {"0": True, "x.y": None, "a/b": {"~": "t"}}, "": {"": 2}}


@pytest.mark.parametrize(
    ("pointer", "path", "value"),
    [
        ("#", "", RECORD),
        ("#/a/0/b", "a[0].b", 1),
        ("#/m/0", "m.0", True),
        ("#/m/x.y", 'm."x.y"', None),
        ("#/m/a~1b/~0", "m.a/b.~", "t"),
        ("#//", '"".""', 2),
    ],
)
def test_pointers_lead_to_values_and_read_as_paths(pointer: str, path: str, value: object) -> None:
    assert dotted(pointer, RECORD) == path
    assert resolve(RECORD, pointer) == value


@pytest.mark.parametrize("pointer", ["#/b", "#/a/1", "#/a/x", "#/a/0/b/c", "#/m/x.y/z"])
def test_pointers_may_lead_nowhere(pointer: str) -> None:
    with pytest.raises(Nowhere):
        resolve(RECORD, pointer)


def test_without_the_record_numbers_count_as_indexes() -> None:
    assert dotted("#/a/0/b") == "a[0].b"


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("#", ""),
        ("#/properties/a/items/properties/b", "a[].b"),
        ("#/properties/identityMap/additionalProperties/items", "identityMap.*[]"),
        ("#/properties/a/oneOf/1/properties/b", "a.b"),
        ("#/properties/properties/properties/items", "properties.items"),
        ("#/patternProperties/^x/properties/a.b", '*."a.b"'),
        ("#/properties/a/not", "a"),
    ],
)
def test_locations_in_a_schema_read_as_paths(location: str, path: str) -> None:
    assert dotted_location(location) == path
