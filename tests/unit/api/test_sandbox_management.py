import re
from collections.abc import Iterator

import httpx2
import pytest

from support.platform import Platform, running_platform

BASE = "/data/foundation/sandbox-management"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("data")) as platform:
        yield platform


@pytest.fixture
def client(platform: Platform) -> Iterator[httpx2.Client]:
    with platform.client() as client:
        yield client


@pytest.mark.parametrize("path", [BASE, f"{BASE}/"])
def test_sandboxes_the_caller_can_use_are_listed(client: httpx2.Client, path: str) -> None:
    body = client.get(path).json()

    assert body["sandboxes"] == [
        {
            "name": "prod",
            "title": "Prod",
            "state": "active",
            "type": "production",
            "region": "VA7",
        },
        {
            "name": "dev",
            "title": "Dev",
            "state": "active",
            "type": "development",
            "region": "VA7",
        },
    ]
    assert body["_page"]["count"] == 2
    assert "page" in body["_links"]


def test_all_sandboxes_are_listed_in_full(client: httpx2.Client) -> None:
    body = client.get(f"{BASE}/sandboxes").json()

    assert [each["isDefault"] for each in body["sandboxes"]] == [True, False]
    assert body["_page"] == {"limit": 50, "count": 2}


def test_sandboxes_are_listed_by_pages(client: httpx2.Client) -> None:
    first = client.get(f"{BASE}/sandboxes?limit=1&offset=0").json()
    second = client.get(first["_links"]["next"]["href"]).json()

    assert [each["name"] for each in first["sandboxes"] + second["sandboxes"]] == ["prod", "dev"]
    assert "next" not in second["_links"]
    assert second["_links"]["prev"]["href"].endswith("limit=1&offset=0")


@pytest.mark.parametrize(
    "query", ["limit=5", "offset=0", "limit=x&offset=0", "limit=0&offset=0", "limit=1&offset=-1"]
)
def test_page_that_cannot_be_given_is_refused(client: httpx2.Client, query: str) -> None:
    answer = client.get(f"{BASE}/sandboxes?{query}")

    assert answer.status_code == 400
    assert answer.json()["status"] == 400


def test_one_sandbox_is_shown_with_its_id(client: httpx2.Client, platform: Platform) -> None:
    body = client.get(f"{BASE}/sandboxes/dev").json()

    scope = platform.sandboxes.resolve(platform.credentials.org_id, name="dev")
    assert body["id"] == scope.sandbox_id
    assert (body["name"], body["type"], body["etag"]) == ("dev", "development", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", body["createdDate"])


def test_id_of_a_sandbox_selects_it(client: httpx2.Client) -> None:
    sandbox_id = client.get(f"{BASE}/sandboxes/dev").json()["id"]

    answer = client.get(
        "/data/foundation/flowservice/connections",
        headers={"x-sandbox-name": "", "x-sandbox-id": sandbox_id},
    )

    assert answer.status_code == 200


def test_unknown_sandbox_is_not_found(client: httpx2.Client) -> None:
    answer = client.get(f"{BASE}/sandboxes/nope")

    assert answer.status_code == 404
    assert answer.json()["title"] == "Sandbox not found"


def test_types_are_listed(client: httpx2.Client) -> None:
    body = client.get(f"{BASE}/sandboxTypes").json()

    assert body == {"sandboxTypes": ["production", "development"]}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("property=name==dev", ["dev"]),
        ("property=type==production", ["prod"]),
        ("property=name==nowhere", []),
        ("orderBy=name", ["dev", "prod"]),
        ("orderBy=-name", ["prod", "dev"]),
    ],
)
def test_sandboxes_are_filtered_and_ordered(
    client: httpx2.Client, query: str, names: list[str]
) -> None:
    body = client.get(f"{BASE}/sandboxes?{query}").json()

    assert [sandbox["name"] for sandbox in body["sandboxes"]] == names
