"""Catalog's batches and Data Access over a lake with a good and a failed batch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from aepp.catalog import Catalog
from aepp.dataaccess import DataAccess

from forebay.kernel import json
from forebay.kernel.ids import Offset
from forebay.lake.batches import Batch, BatchError, Status, completed
from forebay.lake.failed_records import FIELDS, FailedRecord, Stage, rows_of
from forebay.lake.iceberg import IcebergTables
from forebay.lake.ledger import SqliteLedger
from forebay.lake.ports import FAILED_RECORDS, Prepared, TableId, table_fields
from forebay.xdm.fields import Object
from support import lake
from support.adobe import adobe_configuration
from support.registry import PUBLIC_URL, RegistryClient, a_dataset, a_schema, running_registry

EXPORT = "/data/foundation/export"
GOOD, BAD, LATER = (f"01JD{'0' * 21}{letter}" for letter in "ABC")
PART = f"part-00000-{BAD.lower()}-c000.json"
LINE = '{"header":{},"body":{},"_validationErrors":[{"message":"é"}]}'


class Lake:
    """Two successful batches of three rows and one, and a failed one between them."""

    def __init__(self, path: Path, client: RegistryClient) -> None:
        schema_id = str(client.create("schemas", a_schema())["$id"])
        self.dataset_id = client.create_dataset(a_dataset(schema_id))
        self.sandbox_id = client.dataset(self.dataset_id)["sandboxId"]
        self._tables, self._ledger = IcebergTables(path), SqliteLedger(path)
        columns = table_fields(lake.PERSON)
        rows = lake.rows_of([{"_id": name, "age": 7} for name in "abc"])
        self._commit(self.dataset_id, columns, self._tables.prepare(columns, rows), GOOD, 1_000)
        self._fail()
        rows = lake.rows_of([{"_id": "d", "seen": "2024-02-23T22:07:01Z"}], offset=9)
        self._commit(self.dataset_id, columns, self._tables.prepare(columns, rows), LATER, 3_000)
        self._ledger.close()
        self._tables.close()

    def _fail(self) -> None:
        failed = FailedRecord(
            xaction_id="1:0001:4",
            log_id="1f",
            partition=lake.ONE,
            offset=Offset(4),
            index=0,
            dataset_id=self.dataset_id,
            schema_id="s",
            schema_version="1.0",
            inlet_id="inlet",
            connection_id="connection",
            flow_id=None,
            received_at="2026-11-24T00:00:00.000Z",
            failed_at="2026-11-24T00:00:00.000Z",
            stage=Stage.VALIDATION,
            message="m",
            violation_count=1,
            violations="{}",
            record=LINE,
            batch_id=BAD,
        )
        other = msgspec.structs.replace(failed, record="{}", batch_id="another")
        rows = self._tables.prepare(FIELDS, rows_of([failed, other]))
        error = BatchError("DCVS-1105-400", "wrong", 1)
        self._commit(
            FAILED_RECORDS,
            FIELDS,
            rows,
            BAD,
            2_000,
            status=Status.FAILURE,
            errors=(error,),
            input_records=1,
            failed_records=1,
            failed_by_stage={"validation": 1},
            flow_ids=("flow-1",),
        )

    def _commit(
        self,
        table_name: str,
        columns: Object,
        rows: Prepared,
        batch_id: str,
        started_ms: int,
        **members: Any,
    ) -> None:
        table = TableId(self.sandbox_id, table_name)
        counts = {"input_records": rows.row_count, "output_records": rows.row_count}
        batch = Batch(
            batch_id=batch_id,
            sandbox_id=self.sandbox_id,
            dataset_id=self.dataset_id,
            started_ms=started_ms,
            completed_ms=started_ms + 5,
            **(members or counts),
        )
        self._tables.ensure(table, columns)
        appended = self._tables.append(table, rows, {}, batches=[batch])
        self._ledger.record([completed(batch, appended.snapshot_id, appended.files)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("batches")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[RegistryClient]:
    with running_registry(folder) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def stored(folder: Path, client: RegistryClient) -> Lake:
    return Lake(folder / "lake", client)


@pytest.fixture(scope="module")
def configured(client: RegistryClient) -> Any:
    return adobe_configuration(client.credentials, client.platform.url)


def listed(client: RegistryClient, query: str = "", path: str = "/batches") -> list[str]:
    answer = client.catalog("GET", f"{path}?{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def test_batch_has_the_documented_members(client: RegistryClient, stored: Lake) -> None:
    batch = client.catalog("GET", f"/batches/{BAD}").json()[BAD]

    assert batch["status"] == "failure"
    assert batch["relatedObjects"] == [{"type": "dataSet", "id": stored.dataset_id}]
    assert batch["errors"] == [{"code": "DCVS-1105-400", "description": "wrong", "recordCount": 1}]
    assert (batch["created"], batch["started"], batch["completed"]) == (2_000, 2_000, 2_005)
    assert batch["metrics"]["failedRecordCount"] == 1
    assert batch["metrics"]["invalidRecordsStreamingValidation"] == 1
    assert batch["metrics"]["duplicateRecordCount"] == 0
    assert batch["tags"]["flowId"] == ["flow-1"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [GOOD, BAD, LATER]),
        ("status=failure", [BAD]),
        ("status=failed", [BAD]),
        ("status=active", [GOOD, LATER]),
        ("status=success", [GOOD, LATER]),
        ("status=processing", []),
        (f"batch={BAD}", [BAD]),
        (f"externalId={GOOD}", [GOOD]),
        ("dataSet=unknown", []),
        ("createdAfter=1000&createdBefore=3000", [BAD]),
        ("startAfter=2000", [LATER]),
        ("startBefore=2000", [GOOD]),
        ("endAfter=2005", [LATER]),
        ("endBefore=2005", [GOOD]),
        ("started=2000", [BAD]),
        ("recordCount=3", [GOOD]),
        ("failedRecordCount=1", [BAD]),
        ("orderBy=desc:created", [LATER, BAD, GOOD]),
        ("orderBy=desc:recordCount&limit=1", [GOOD]),
        ("start=1&limit=1", [BAD]),
        ("property=status==failure", [BAD]),
        ("property=metrics.outputRecordCount>0&start=1", [LATER]),
    ],
)
def test_batches_are_filtered(client: RegistryClient, query: str, expected: list[str]) -> None:
    assert listed(client, query) == expected


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "start=-1", "createdAfter=x", "orderBy=asc:tags", "size=1.5"]
)
def test_parameter_that_cannot_be_read_is_refused(client: RegistryClient, query: str) -> None:
    answer = client.catalog("GET", f"/batches?{query}")

    assert answer.status_code == 400
    assert "CAT-1402" in answer.json()["type"]


def test_batches_are_projected(client: RegistryClient) -> None:
    answer = client.catalog("GET", f"/batches?properties=status&batch={GOOD}")

    assert answer.json() == {GOOD: {"status": "success"}}


def test_newest_batches_are_told_of_the_dataset(client: RegistryClient, stored: Lake) -> None:
    dataset = client.dataset(stored.dataset_id)
    last = client.catalog("GET", f"/lastBatches?dataSet={stored.dataset_id}").json()

    assert (dataset["lastBatchId"], dataset["lastBatchStatus"]) == (LATER, "success")
    assert (dataset["lastSuccessfulBatch"], dataset["lastFailedBatch"]) == (LATER, BAD)
    assert last[stored.dataset_id]["lastBatchId"] == LATER
    assert last[stored.dataset_id]["lastFailedBatchId"] == BAD


def test_files_of_a_dataset_are_listed(client: RegistryClient, stored: Lake) -> None:
    query = f"dataSetId={stored.dataset_id}"

    assert listed(client, query, "/dataSetFiles") == [f"{GOOD}-1", f"{LATER}-1"]
    assert listed(client, f"{query}&start=1&limit=1", "/dataSetFiles") == [f"{LATER}-1"]
    assert listed(client, f"batch={GOOD}", "/dataSetFiles") == [f"{GOOD}-1"]
    assert listed(client, f"batch={BAD}", "/dataSetFiles") == []


def test_failed_records_are_a_file_of_lines(client: RegistryClient) -> None:
    listing = client.call("GET", f"{EXPORT}/batches/{BAD}/failed").json()

    href = f"{PUBLIC_URL}{EXPORT}/batches/{BAD}/failed?path={PART}"
    content = f"{LINE}\n".encode()
    assert listing["_page"] == {"limit": 100, "count": 2}
    assert listing["data"][0]["length"] == "0"
    assert listing["data"][1] == {
        "name": PART,
        "length": str(len(content)),
        "_links": {"self": {"href": href}},
    }
    answer = client.call("GET", href.removeprefix(PUBLIC_URL))
    assert (answer.status_code, answer.content) == (200, content)


def test_good_batch_has_no_failed_files_and_a_failed_one_no_data_files(
    client: RegistryClient,
) -> None:
    assert client.call("GET", f"{EXPORT}/batches/{GOOD}/failed").json()["data"] == []
    assert client.call("GET", f"{EXPORT}/batches/{BAD}/files").json()["data"] == []


def test_data_file_is_downloaded_whole_and_in_parts(client: RegistryClient) -> None:
    (file,) = client.call("GET", f"{EXPORT}/batches/{GOOD}/files").json()["data"]
    path = file["_links"]["self"]["href"].removeprefix(PUBLIC_URL)
    (part,) = client.call("GET", path).json()["data"]
    path = part["_links"]["self"]["href"].removeprefix(PUBLIC_URL)

    whole = client.call("GET", path)
    head = client.call("HEAD", path)
    first = client.call("GET", path, Range="bytes=0-99")
    last = client.call("GET", path, Range="bytes=-4")
    rest = client.call("GET", path, Range="bytes=100-")

    size = int(part["length"])
    assert (whole.status_code, len(whole.content), file["records"]) == (200, size, 3)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(size))
    assert head.headers["accept-ranges"] == "bytes"
    assert head.headers["content-type"] == "application/parquet"
    assert (first.status_code, first.headers["content-range"]) == (206, f"bytes 0-99/{size}")
    assert last.content == b"PAR1"
    assert first.content + rest.content == whole.content


@pytest.mark.parametrize("asked", ["bytes=9999999-", "bytes=5-2", "bytes=-0"])
def test_range_outside_of_a_file_is_416(client: RegistryClient, asked: str) -> None:
    answer = client.call("GET", f"{EXPORT}/batches/{BAD}/failed?path={PART}", Range=asked)

    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(LINE.encode()) + 1}"
    assert "BATCH-1416" in answer.json()["type"]


@pytest.mark.parametrize("asked", ["bytes=-", "lines=1-2", "bytes=0-1,3-4", "bytes=a-b", ""])
def test_range_that_cannot_be_read_is_ignored(client: RegistryClient, asked: str) -> None:
    answer = client.call("GET", f"{EXPORT}/batches/{BAD}/failed?path={PART}", Range=asked)

    assert (answer.status_code, answer.text) == (200, f"{LINE}\n")


ODD = ["..", "../../control.db", "a\0b", "%2e%2e", "ü", "'; drop table batches", "x" * 5000]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "place",
    [
        f"{EXPORT}/batches/{BAD}/failed?path=",
        f"{EXPORT}/files/{GOOD}-1?path=",
        f"{EXPORT}/batches/",
        f"{EXPORT}/files/",
        f"{EXPORT}/files/{GOOD}-",
        "/data/foundation/catalog/batches/",
        f"{EXPORT}/datasets/",
    ],
)
def test_names_that_are_none_are_404(client: RegistryClient, place: str, odd: str) -> None:
    ends = {f"{EXPORT}/batches/": "/failed", f"{EXPORT}/datasets/": "/preview"}

    answer = client.call("GET", f"{place}{quote(odd, safe='')}{ends.get(place, '')}")

    assert answer.status_code == 404, answer.text


def test_other_organization_finds_nothing(client: RegistryClient, stored: Lake) -> None:
    other = client.platform.access.create_organization("Batch strangers")
    stranger = RegistryClient(client.platform, other)

    assert listed(stranger) == []
    for path in (
        f"/data/foundation/catalog/batches/{BAD}",
        f"{EXPORT}/batches/{BAD}/failed",
        f"{EXPORT}/files/{GOOD}-1",
        f"{EXPORT}/datasets/{stored.dataset_id}/preview",
    ):
        assert stranger.call("GET", path).status_code == 404
    stranger.http.close()


def test_preview_shows_rows(client: RegistryClient, stored: Lake) -> None:
    path = f"{EXPORT}/datasets/{stored.dataset_id}/preview"

    answer = client.call("GET", path).json()
    page = client.call("GET", f"{path}?start=1&limit=2").json()

    assert answer["_page"] == {"limit": 100, "count": 4}
    assert sorted(row["_id"] for row in answer["data"]) == ["a", "b", "c", "d"]
    assert page["_page"] == {"limit": 2, "count": 2}


def test_preview_of_a_dataset_without_rows_is_empty(client: RegistryClient) -> None:
    schema_id = str(client.create("schemas", a_schema())["$id"])
    dataset_id = client.create_dataset(a_dataset(schema_id))

    answer = client.call("GET", f"{EXPORT}/datasets/{dataset_id}/preview")

    assert answer.json()["data"] == []


def test_aepp_finds_failed_batches_and_their_records(configured: Any, stored: Lake) -> None:
    catalog, access = Catalog(config=configured), DataAccess(config=configured)

    failed = catalog.getFailedBatchesDF()
    files = access.getBatchFailed(BAD)

    assert list(failed.index) == [BAD]
    assert failed.loc[BAD, "dataSetId"] == stored.dataset_id
    assert failed.loc[BAD, "errorCode"] == ["DCVS-1105-400"]
    assert failed.loc[BAD, "flowId"] == "flow-1"
    assert [file["name"] for file in files] == ["_SUCCESS", PART]


def test_aepp_lists_batches_and_downloads_a_file(configured: Any) -> None:
    catalog, access = Catalog(config=configured), DataAccess(config=configured)

    batches = catalog.getBatches(limit=2, n_results=3)
    (file,) = access.getBatchFiles(GOOD)
    (part,) = access.getFiles(file["dataSetFileId"])["data"]
    content = access.getFiles(file["dataSetFileId"], path=part["name"])

    assert list(batches) == [GOOD, BAD, LATER]
    assert content.read(4) == b"PAR1"
    assert json.decode(json.encode(catalog.getBatch(BAD)))[BAD]["status"] == "failure"
