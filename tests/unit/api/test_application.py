from collections.abc import Iterator

import httpx2
import pytest

from support.platform import Platform, running_platform


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("data")) as platform:
        yield platform


def test_description_of_the_api_names_every_service(platform: Platform) -> None:
    paths = httpx2.get(f"{platform.url}/openapi.json").json()["paths"]

    assert {
        "/ims/token/{version}",
        "/ims/exchange/jwt",
        "/data/foundation/flowservice/connections",
        "/data/foundation/flowservice/connections/{connection_id}",
        "/data/foundation/flowservice/flowSpecs",
        "/data/foundation/sandbox-management/sandboxes",
        "/livez",
    } <= paths.keys()


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_no_page_that_loads_scripts_from_elsewhere_is_served(platform: Platform, path: str) -> None:
    assert httpx2.get(platform.url + path).status_code == 404
