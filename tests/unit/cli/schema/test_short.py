from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from forebay.cli.schema.fields import TYPES, field, members_of
from forebay.cli.schema.short import short_fields
from forebay.control.schemas.building import build
from forebay.control.schemas.model import ResourceType
from forebay.control.scope import Scope
from forebay.kernel.ids import OrgId, SandboxId
from forebay.xdm.standard import StandardLibrary

SCOPE = Scope(OrgId("A@AdobeOrg"), SandboxId("s"), "prod", tenant_id="acme")
LIBRARY = StandardLibrary()
NAMES = st.sampled_from(["a", "b1", "order-id", "no", "type", "fields"])
SCALARS = st.sampled_from([name for name in TYPES if name not in {"object", "array", "map"}])
LEAVES = SCALARS | st.fixed_dictionaries(
    {"type": SCALARS},
    optional={
        "title": st.text(max_size=5),
        "required": st.booleans(),
        "deprecated": st.booleans(),
    },
)
FIELDS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(lambda f: {"type": "array", "items": f}, inner)
        | st.builds(lambda f: {"type": "map", "values": f}, SCALARS)
        | st.builds(
            lambda f: {"type": "object", "fields": f},
            st.dictionaries(NAMES, inner, min_size=1, max_size=3),
        )
    ),
    max_leaves=8,
)


def no_faults(way: Any, message: str) -> None:
    raise AssertionError((way, message))


def kept(members: dict[str, Any]) -> dict[str, Any]:
    """What the registry keeps of a data type with these members."""
    body = {"title": "A", **members}
    built = build(SCOPE, ResourceType.DATA_TYPE, "https://ns.adobe.com/a/b/c", body, LIBRARY)
    return {name: built[name] for name in ("properties", "required") if name in built}


@given(fields=st.dictionaries(NAMES, FIELDS, min_size=1, max_size=4))
def test_what_the_short_form_says_comes_back_in_the_short_form(fields: dict[str, Any]) -> None:
    stored = kept(members_of(fields, (), no_faults))

    short = short_fields(stored, str)

    assert short is not None
    assert kept(members_of(short, (), no_faults)) == stored


def test_what_the_short_form_cannot_say_is_not_said() -> None:
    outside = {
        "properties": {"a": {"type": "string", "oneOf": [{"maxLength": 1}]}},
    }

    assert short_fields(outside, str) is None
    assert short_fields({"properties": {"a": {"$ref": "#/definitions/x"}}}, str) is None
    assert short_fields({"properties": {}}, str) is None


def test_references_have_titles() -> None:
    node = {"properties": {"a": {"$ref": "https://x/1", "type": "object"}}}

    assert short_fields(node, {"https://x/1": "Address"}.__getitem__) == {
        "a": {"dataType": "Address"}
    }
    assert field({"dataType": "Address"}, ("a",), no_faults)
