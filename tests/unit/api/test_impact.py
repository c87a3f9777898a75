from collections.abc import Iterator
from typing import Any

import pytest

from support.dry_runs import IMPACT, DryRunClient, running_dry_runs

CHANGE = {"id": "a", "body": {}}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DryRunClient]:
    with running_dry_runs(tmp_path_factory.mktemp("data")) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (None, "The body is not what is expected"),
        ([], "The body is not what is expected"),
        ({"changes": []}, "datasetId"),
        ({"datasetId": "a"}, "changes"),
        ({"datasetId": "a", "changes": [], "sample": 1}, "sample"),
        ({"datasetId": "a", "changes": [{}]}, "changes/0 has none of them"),
        ({"datasetId": "a", "changes": [CHANGE | {"patch": []}]}, "body and patch"),
        ({"datasetId": "a", "changes": [{"body": {}}]}, "changes/0: id is missing"),
        ({"datasetId": "a", "changes": [CHANGE | {"type": "dataset"}]}, "type is 'dataset'"),
        (
            {"datasetId": "a", "changes": [{"id": "a", "type": "schemas", "patch": []}]},
            "a type says that the resource is new",
        ),
        ({"datasetId": "a", "changes": [{"id": "a", "descriptor": {}}]}, "descriptorId"),
        ({"datasetId": "a", "changes": [CHANGE] * 1_001}, "at most 1000 are possible"),
        ({"datasetId": "a", "changes": [], "start": -1}, "start is -1"),
        ({"datasetId": "a", "changes": [], "limit": -1}, "limit is -1"),
        ({"datasetId": "a", "changes": [], "limit": 2**63}, "limit is"),
        ({"datasetId": "a", "changes": [], "secondsMax": 61}, "from 1 to 60"),
        ({"datasetId": "a", "changes": [], "snapshotId": "x"}, "snapshotId is 'x'"),
        ({"datasetId": "a", "changes": [], "snapshotId": "9" * 5_000}, "snapshotId is '99"),
        ({"datasetId": "a", "changes": [], "snapshotId": "0" * 5_000}, "snapshotId is '00"),
        ({"datasetId": "a", "changes": [], "snapshotId": 7}, "snapshotId"),
    ],
)
def test_what_cannot_be_understood_is_refused(client: DryRunClient, body: Any, told: str) -> None:
    answer = client.call("POST", IMPACT, body)

    assert answer.status_code == 400
    assert answer.json()["type"].endswith("DRYRUN-1400-400")
    assert told in answer.json()["detail"]


def test_datasets_of_others_are_not_found(client: DryRunClient) -> None:
    _, dataset_id = client.events()
    rival = DryRunClient(client.platform, client.platform.access.create_organization("Rival"))

    with rival.http:
        answer = rival.call("POST", IMPACT, {"datasetId": dataset_id, "changes": []})

    assert (answer.status_code, answer.json()["type"][-12:]) == (404, "CAT-1404-404")
