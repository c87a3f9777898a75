import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.control.access.naming import tenant_id_for


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Luma Retail GmbH & Co.", "lumaretailgmbhco"),
        ("3M", "m"),
        ("株式会社", "organization"),
        ("Experience", "experience2"),
        ("ingest", "ingest2"),
        ("XDM", "xdm2"),
        ("repo", "repo2"),
    ],
)
def test_tenant_id_is_made_of_the_name(name: str, expected: str) -> None:
    assert tenant_id_for(name, set()) == expected


def test_tenant_id_that_is_taken_gets_a_number() -> None:
    assert tenant_id_for("Luma", {"luma", "luma2"}) == "luma3"


@given(st.text(max_size=60))
def test_tenant_id_can_begin_an_xdm_field_name(name: str) -> None:
    tenant_id = tenant_id_for(name, set())

    assert tenant_id.isascii()
    assert tenant_id.isalnum()
    assert tenant_id[0].isalpha()
    assert tenant_id == tenant_id.lower()
