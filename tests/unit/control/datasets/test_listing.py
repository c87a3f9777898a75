import re

from hypothesis import given
from hypothesis import strategies as st

from forebay.control.datasets.listing import parse_catalog_query, select
from forebay.control.datasets.model import StoredDataset
from forebay.kernel.ids import DatasetId, SchemaId


def a_stored_dataset(name: str, created_ms: int = 1) -> StoredDataset:
    return StoredDataset(
        dataset_id=DatasetId(name),
        name=name,
        schema_id=SchemaId("s"),
        etag='"1"',
        created_ms=created_ms,
        updated_ms=created_ms,
        document={"name": name, "tags": {}, "created": created_ms},
    )


def expression(pattern: str) -> str:
    """Return the regular expression that means the same as a name pattern."""
    pieces = [part.split("*") for part in pattern.split("**")]
    return r"\*".join(".*".join(re.escape(p) for p in piece) for piece in pieces)


@given(
    name=st.text(alphabet="ab*", min_size=1, max_size=6),
    pattern=st.text(alphabet="ab*", min_size=1, max_size=6),
)
def test_name_pattern_matches_like_the_regular_expression(name: str, pattern: str) -> None:
    query = parse_catalog_query([("name", pattern)])

    found = select([a_stored_dataset(name)], query)

    assert bool(found) is bool(re.fullmatch(expression(pattern), name))


@given(
    names=st.lists(st.text(alphabet="abc", min_size=1, max_size=3), unique=True, max_size=12),
    limit=st.integers(1, 5),
)
def test_pages_by_offset_list_everything_once(names: list[str], limit: int) -> None:
    datasets = [a_stored_dataset(name) for name in names]

    seen = []
    for start in range(0, len(names) + limit, limit):
        parameters = [("limit", str(limit)), ("start", str(start)), ("orderBy", "name")]
        seen.extend(item.name for item in select(datasets, parse_catalog_query(parameters)))

    assert seen == sorted(names)


def test_bounds_of_creation_are_exclusive() -> None:
    datasets = [a_stored_dataset(name, created_ms) for name, created_ms in (("a", 1), ("b", 2))]

    after = select(datasets, parse_catalog_query([("createdAfter", "1")]))
    before = select(datasets, parse_catalog_query([("createdBefore", "2")]))

    assert [item.name for item in after] == ["b"]
    assert [item.name for item in before] == ["a"]
