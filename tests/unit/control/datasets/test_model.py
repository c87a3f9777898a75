import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.control.datasets.model import is_enabled, snake_case


@pytest.mark.parametrize(
    ("name", "table_name"),
    [
        ("people", "people"),
        ("My Data-Set", "my_data_set"),
        ("  A  b  ", "a_b"),
        ("2024 events", "dataset_2024_events"),
        ("données", "donn_es"),
        ("数据", "dataset"),
        ("x'; drop table y; --", "x_drop_table_y"),
        ("../../etc", "etc"),
    ],
)
def test_table_name_follows_from_the_name(name: str, table_name: str) -> None:
    assert snake_case(name) == table_name


@given(st.text())
def test_table_name_is_always_an_sql_name(name: str) -> None:
    table_name = snake_case(name)

    assert table_name.replace("_", "a").isalnum()
    assert table_name.isascii()
    assert table_name[0].isalpha()
    assert len(table_name) <= 200


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["enabled:true"], True),
        (["enabled: true", "isUpsert: true"], True),
        (["isUpsert:true", " ENABLED : True "], True),
        (["enabled:false"], False),
        (["enabled:trueish"], False),
        ([True, 5], False),
        ([], False),
    ],
)
def test_tag_is_read_with_care(values: list[object], expected: bool) -> None:
    assert is_enabled({"tags": {"unifiedProfile": values}}, "unifiedProfile") is expected
