from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from forebay.control.datasets.errors import DatasetChanged, DatasetNotFound
from forebay.control.datasets.service import DatasetService
from forebay.control.schemas.errors import ResourceInUse
from forebay.control.schemas.model import ResourceType
from forebay.control.scope import Scope
from support.registry import PROFILE, a_dataset, a_schema
from support.schemas import ACME, ACME_DEV, ACTOR, RIVAL, StandingClock, a_registry


class Catalog:
    """Both services over one store."""

    def __init__(self, directory: Path) -> None:
        self.schemas, self.store = a_registry(directory, StandingClock())
        self.datasets = DatasetService(self.store, StandingClock(), self.schemas)

    def schema(self, scope: Scope = ACME) -> str:
        identity_map = "https://ns.adobe.com/xdm/context/identitymap"
        body = a_schema(PROFILE, identity_map, **{"meta:immutableTags": ["union"]})
        return str(self.schemas.create(scope, ACTOR, ResourceType.SCHEMA, body)["$id"])


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(tmp_path)
    yield opened
    opened.store.close()


def test_summaries_cover_all_organizations(catalog: Catalog) -> None:
    tags = {"unifiedProfile": ["enabled: true"]}
    schema_id, rival_id = catalog.schema(), catalog.schema(RIVAL)
    body = a_dataset(schema_id, name="A b", tags=tags)
    first = catalog.datasets.create(ACME, ACTOR, body)
    second = catalog.datasets.create(RIVAL, ACTOR, a_dataset(rival_id, name="A b"))

    found = {item.dataset_id: item for item in catalog.datasets.list_datasets()}

    assert set(found) == {first, second}
    assert found[first].org_id == ACME.org_id
    assert found[first].sandbox_id == ACME.sandbox_id
    assert found[first].name == "A b"
    assert found[first].table_name == found[second].table_name == "a_b"
    assert found[first].schema_id == schema_id
    assert found[first].is_profile_enabled
    assert not found[second].is_profile_enabled


def test_schema_may_be_named_by_its_other_id(catalog: Catalog) -> None:
    schema_id = catalog.schema()
    alt_id = schema_id.replace("https://ns.adobe.com/", "_").replace("/", ".")

    catalog.datasets.create(ACME, ACTOR, a_dataset(alt_id))

    assert [item.schema_id for item in catalog.datasets.list_datasets()] == [schema_id]


def test_racers_get_table_names_of_their_own(catalog: Catalog) -> None:
    body = a_dataset(catalog.schema(), name="same")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: catalog.datasets.create(ACME, ACTOR, body), range(12)))

    names = {item.table_name for item in catalog.datasets.list_datasets()}
    assert names == {"same", *(f"same_{number}" for number in range(2, 13))}


def test_etag_and_time_differ_although_the_clock_stands(catalog: Catalog) -> None:
    dataset_id = catalog.datasets.create(ACME, ACTOR, a_dataset(catalog.schema()))
    before = catalog.datasets.get(ACME, dataset_id)

    catalog.datasets.patch(ACME, ACTOR, dataset_id, {"description": "x"}, if_match=before.etag)

    after = catalog.datasets.get(ACME, dataset_id)
    assert after.etag != before.etag
    assert after.updated_ms > before.updated_ms
    with pytest.raises(DatasetChanged):
        catalog.datasets.patch(ACME, ACTOR, dataset_id, {}, if_match=before.etag)


def test_one_of_many_racers_with_one_etag_wins(catalog: Catalog) -> None:
    dataset_id = catalog.datasets.create(ACME, ACTOR, a_dataset(catalog.schema()))
    etag = catalog.datasets.get(ACME, dataset_id).etag

    def patch(number: int) -> bool:
        change = {"description": str(number)}
        try:
            catalog.datasets.patch(ACME, ACTOR, dataset_id, change, if_match=etag)
        except DatasetChanged:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        winners = list(pool.map(patch, range(12)))

    assert winners.count(True) == 1


def test_subscriber_sees_the_dataset_when_it_is_told(catalog: Catalog) -> None:
    seen: list[int] = []
    schema_id = catalog.schema()
    catalog.store.subscribe(lambda: seen.append(len(catalog.datasets.list_datasets())))

    catalog.datasets.create(ACME, ACTOR, a_dataset(schema_id))

    assert seen == [1]


def test_other_scopes_have_no_such_dataset(catalog: Catalog) -> None:
    dataset_id = catalog.datasets.create(ACME, ACTOR, a_dataset(catalog.schema()))

    for scope in (RIVAL, ACME_DEV):
        assert not catalog.datasets.delete(scope, dataset_id)
        with pytest.raises(DatasetNotFound):
            catalog.datasets.get(scope, dataset_id)

    assert catalog.datasets.get(ACME, dataset_id).dataset_id == dataset_id


def test_schema_is_free_again_when_its_dataset_is_gone(tmp_path: Path) -> None:
    schemas, store = a_registry(tmp_path)
    schema_id = schemas.create(ACME, ACTOR, ResourceType.SCHEMA, a_schema())["$id"]
    datasets = DatasetService(store, StandingClock(), schemas)
    dataset_id = datasets.create(ACME, ACTOR, a_dataset(schema_id))

    with pytest.raises(ResourceInUse):
        schemas.delete(ACME, ACTOR, ResourceType.SCHEMA, schema_id)
    datasets.delete(ACME, dataset_id)
    schemas.delete(ACME, ACTOR, ResourceType.SCHEMA, schema_id)

    assert schemas.find_schema(ACME, schema_id) is None
    store.close()
