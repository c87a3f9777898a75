from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from forebay.control.schemas.model import ResourceType
from forebay.control.schemas.service import SchemaService
from forebay.control.store.engine import ControlStore
from forebay.kernel.clock import SystemClock
from support.registry import a_schema
from support.schemas import ACME, ACTOR


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ControlStore]:
    opened = ControlStore.at(tmp_path)
    yield opened
    opened.close()


def titles(store: ControlStore) -> set[str]:
    with store.read() as connection:
        rows = connection.exec_driver_sql("SELECT title FROM schema_resources")
        return {row.title for row in rows}


def create(store: ControlStore, title: str) -> None:
    body = a_schema(title=title)
    SchemaService(store, SystemClock()).create(ACME, ACTOR, ResourceType.SCHEMA, body)


def test_what_a_rehearsal_does_is_seen_in_it_and_never_happened(store: ControlStore) -> None:
    create(store, "kept")
    revision = store.revision()
    heard: list[int] = []
    store.subscribe(lambda: heard.append(1))

    with store.rehearse() as stage:
        create(stage, "tried")
        inside, outside = titles(stage), titles(store)

    assert inside == {"kept", "tried"}
    assert outside == titles(store) == {"kept"}
    assert store.revision() == revision
    assert heard == []


def test_a_rehearsal_that_fails_leaves_nothing_either(store: ControlStore) -> None:
    with pytest.raises(RuntimeError), store.rehearse() as stage:  # noqa: PT012  the block is the point
        create(stage, "tried")
        raise RuntimeError

    create(store, "tried")
    assert titles(store) == {"tried"}


def test_a_refused_change_in_a_rehearsal_undoes_itself_alone(store: ControlStore) -> None:
    with store.rehearse() as stage:
        create(stage, "first")
        with pytest.raises(RuntimeError), stage.write() as connection:  # noqa: PT012
            connection.exec_driver_sql("DELETE FROM schema_resources")
            raise RuntimeError

        assert titles(stage) == {"first"}


def test_writers_come_to_their_turn_after_a_rehearsal(store: ControlStore) -> None:
    with ThreadPoolExecutor() as pool:
        with store.rehearse() as stage:
            create(stage, "tried")
            waiting = pool.submit(create, store, "real")

        waiting.result()

    assert titles(store) == {"real"}


def test_readers_go_on_while_a_large_change_is_made(store: ControlStore, tmp_path: Path) -> None:
    reader = ControlStore.at(tmp_path)
    statement = "INSERT INTO resource_versions VALUES ('org', 'box', ?, '1.0', 1, ?)"
    larger_than_the_cache = [(str(number), f'"{number:0200000}"') for number in range(40)]

    with store.write() as connection:
        for row in larger_than_the_cache:
            connection.exec_driver_sql(statement, row)
        seen = reader.revision()

    assert reader.revision() == seen + 1
    reader.close()
