from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forebay.control.access.model import NewCredentials
from forebay.control.listing import Query
from support.connections import STREAMING_SPEC_ID, seed_body
from support.platform import FLOW_SERVICE, Platform, running_platform

CONNECTIONS = f"{FLOW_SERVICE}/connections"
BOTH_LIMIT_AND_COUNT = (
    "The limit and count parameters cannot be given together in the same request. "
    "Please provide either only the limit or the count parameter and try again."
)
WRONG_SORT_ORDER = (
    "Sort order specified is not correct, prepend + for ascending order "
    "and - for descending order in the fieldName."
)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("data")) as platform:
        yield platform


@pytest.fixture(scope="module")
def luma(platform: Platform) -> NewCredentials:
    return platform.access.create_organization("Luma")


@pytest.fixture
def client(platform: Platform, luma: NewCredentials) -> Iterator[httpx2.Client]:
    """Of an organization that has no connections when a test begins."""
    scope = platform.sandboxes.resolve(luma.org_id)
    for item in platform.connections.list_connections(scope, Query()).items:
        platform.connections.delete_connection(scope, item["id"])
    with platform.client(luma) as client:
        yield client


@pytest.fixture
def created(client: httpx2.Client) -> dict[str, str]:
    body: dict[str, str] = client.post(CONNECTIONS, json=seed_body()).json()
    return body


def create(client: httpx2.Client, name: str) -> str:
    created: str = client.post(CONNECTIONS, json=seed_body(name=name)).json()["id"]
    return created


def names(answer: httpx2.Response) -> list[str]:
    return [item["name"] for item in answer.json()["items"]]


# --- Lists -------------------------------------------------------------------------------------


def test_empty_list_has_items_and_links_all_the_same(client: httpx2.Client) -> None:
    assert client.get(CONNECTIONS).json() == {"items": [], "_links": {}}


def test_list_is_filtered_ordered_and_paged(client: httpx2.Client) -> None:
    for name in "bca":
        create(client, name)

    first = client.get(
        CONNECTIONS,
        params={
            "property": f"connectionSpec.id=={STREAMING_SPEC_ID}",
            "orderby": "name",
            "limit": "2",
        },
    )
    href = first.json()["_links"]["next"]["href"]
    token = href.split("=")[1]
    by_href = client.get(FLOW_SERVICE + href)
    by_token = client.get(CONNECTIONS, params={"continuationToken": token, "limit": "20"})

    assert names(first) == ["a", "b"]
    assert href.startswith("/connections?continuationToken=")
    assert names(by_href) == names(by_token) == ["c"]
    assert by_href.json()["_links"] == {}


def test_several_filters_are_all_applied(client: httpx2.Client) -> None:
    wanted = create(client, "a")
    create(client, "b")

    answer = client.get(f"{CONNECTIONS}?property=state==Enabled&property=id=={wanted}")

    assert names(answer) == ["a"]


@pytest.mark.parametrize("order_by", ["+name", "%2Bname", "name"])
def test_plus_sign_of_the_order_may_arrive_as_a_blank(client: httpx2.Client, order_by: str) -> None:
    create(client, "b")
    create(client, "a")

    assert names(client.get(f"{CONNECTIONS}?orderby={order_by}")) == ["a", "b"]


def test_count_is_the_number_of_what_matches_and_nothing_else(client: httpx2.Client) -> None:
    create(client, "a")
    create(client, "b")

    answer = client.get(f"{CONNECTIONS}?count=true&property=name==a")

    assert answer.json() == {"count": 1}


@pytest.mark.parametrize("count", ["False", "false", ""])
def test_limit_goes_together_with_a_count_that_is_not_asked_for(
    client: httpx2.Client, count: str
) -> None:
    answer = client.get(f"{CONNECTIONS}?limit=20&count={count}")

    assert answer.json()["items"] == []


def test_search_takes_its_question_in_the_body(client: httpx2.Client) -> None:
    for name in "abc":
        create(client, name)

    found = client.post(
        f"{CONNECTIONS}/search",
        json={"queryString": "property=state==enabled&property=name==a,c", "orderby": "-name"},
    )
    counted = client.post(f"{CONNECTIONS}/search", json={"queryString": "name!=a", "count": True})

    assert names(found) == ["c", "a"]
    assert counted.json() == {"count": 2}


def test_search_is_paged(client: httpx2.Client) -> None:
    for name in "ab":
        create(client, name)

    first = client.post(f"{CONNECTIONS}/search", json={"limit": 1, "orderby": "name"})
    second = client.post(FLOW_SERVICE + first.json()["_links"]["next"]["href"])

    assert names(first) + names(second) == ["a", "b"]


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        (
            "limit=5&count=true",
            "1401-400",
            BOTH_LIMIT_AND_COUNT,
        ),
        (
            "orderby=*name",
            "1432-400",
            WRONG_SORT_ORDER,
        ),
        (
            "orderby=nothing",
            "1433-400",
            "Incorrect field= nothing passed in orderBy, example are +name, -name, name.",
        ),
        ("property=name~a", "1440-400", "Operator '~' not implemented."),
        (
            "property=createdAt<=1,2",
            "1443-400",
            "Operator '<=' is not allowed for multiple values.",
        ),
        ("property=id>=a", "1448-400", "Operator >= not supported for field id."),
        ("property=nothing==a", "1449-400", "Invalid field nothing in filter params."),
        ("property=name!>a", "1450-400", "Invalid operator !> in filter params."),
        ("property=createdAt==today", "1452-400", "Invalid value today for field createdAt."),
        (
            "property=createdAt==",
            "1453-400",
            "Invalid query value createdAt== provided in query param.",
        ),
    ],
)
def test_question_that_breaks_a_rule_is_refused(
    client: httpx2.Client, query: str, code: str, message: str
) -> None:
    assert_problem(client.get(f"{CONNECTIONS}?{query}"), code, message)


@pytest.mark.parametrize("body", [[1], {"queryString": {}}, {"limit": []}, "text"])
def test_search_body_of_a_wrong_form_is_refused(client: httpx2.Client, body: object) -> None:
    assert client.post(f"{CONNECTIONS}/search", json=body).status_code == 400


# --- Changes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("slash", ["", "/"])
def test_patch_with_the_current_version_answers_the_next_one(
    client: httpx2.Client, created: dict[str, str], slash: str
) -> None:
    answer = client.patch(
        f"{CONNECTIONS}/{created['id']}{slash}",
        json=[{"op": "Replace", "path": "/name", "value": "new"}],
        headers={"If-Match": created["etag"]},
    )

    assert answer.status_code == 200
    assert answer.json().keys() == {"id", "etag"}
    assert answer.json()["etag"] != created["etag"]
    assert names(client.get(f"{CONNECTIONS}/{created['id']}")) == ["new"]


def test_version_may_stand_in_the_address(client: httpx2.Client, created: dict[str, str]) -> None:
    answer = client.patch(
        f"{CONNECTIONS}/{created['id']}/",
        params={"if-match": created["etag"]},
        json=[{"op": "replace", "path": "/name", "value": "new"}],
    )

    assert answer.status_code == 200


def test_patch_of_an_old_version_is_refused(client: httpx2.Client, created: dict[str, str]) -> None:
    stale = '"00000000-0000-0200-0000-000000000000"'

    answer = client.patch(
        f"{CONNECTIONS}/{created['id']}",
        json=[{"op": "replace", "path": "/name", "value": "new"}],
        headers={"If-Match": stale},
    )

    assert_problem(
        answer,
        "1404-412",
        f"The supplied version '{stale}' does not match the current version on entity "
        f"'{created['etag']}'. Please ensure that the supplied version matches the current "
        "version on entity and try again.",
    )
    assert answer.json()["title"] == "Version not matching"


def test_of_changes_to_one_version_at_the_same_time_exactly_one_is_made(
    client: httpx2.Client, created: dict[str, str]
) -> None:
    def rename(name: str) -> int:
        return client.patch(
            f"{CONNECTIONS}/{created['id']}",
            json=[{"op": "replace", "path": "/name", "value": name}],
            headers={"If-Match": created["etag"]},
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(rename, "abcdefgh"))

    assert statuses == [200] + [412] * 7


def test_authentication_can_be_demanded_later(
    client: httpx2.Client, created: dict[str, str], platform: Platform
) -> None:
    client.patch(
        f"{CONNECTIONS}/{created['id']}",
        json={"op": "add", "path": "/auth/params/authenticationRequired", "value": True},
        headers={"If-Match": "*"},
    )

    [inlet] = [i for i in platform.connections.list_inlets() if i.connection_id == created["id"]]
    assert inlet.is_authentication_required


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        (b"", "1405-400"),
        (b"null", "1405-400"),
        (b"[]", "1405-400"),
        (b'[{"op":"replace","path":"/connectionSpec","value":{}}]', "1414-400"),
        (b'[{"op":"move","path":"/name","from":"/description"}]', "1434-400"),
        (b'[{"op":"remove","path":"/labels"}]', "1455-400"),
        (b'[{"op":"replace","path":"/createdBy","value":"me"}]', "1455-400"),
        (b'[{"op":"replace","path":"/state","value":"deleted"}]', "1456-400"),
        (b'[{"op":"replace","path":"/auth/specName","value":"Basic"}]', "1415-400"),
    ],
)
def test_patch_that_breaks_a_rule_is_refused(
    client: httpx2.Client, created: dict[str, str], patch: bytes, code: str
) -> None:
    answer = client.patch(
        f"{CONNECTIONS}/{created['id']}",
        content=patch,
        headers={"If-Match": created["etag"], "Content-Type": "application/json"},
    )

    assert_problem(answer, code)


def test_patch_without_a_version_is_refused(client: httpx2.Client, created: dict[str, str]) -> None:
    answer = client.patch(f"{CONNECTIONS}/{created['id']}", json=[])

    assert_problem(
        answer,
        "1403-400",
        "The header 'If-Match' is missing in the request. Please provide the header and try again.",
    )
    assert answer.json()["title"] == "Header is missing"


@pytest.mark.parametrize("slash", ["", "/"])
def test_deleted_connection_is_gone(
    client: httpx2.Client, created: dict[str, str], slash: str
) -> None:
    answer = client.delete(f"{CONNECTIONS}/{created['id']}{slash}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"{CONNECTIONS}/{created['id']}").status_code == 404
    assert client.delete(f"{CONNECTIONS}/{created['id']}").status_code == 404


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_change_that_names_no_connection_is_refused(
    client: httpx2.Client, method: str, slash: str
) -> None:
    answer = client.request(method, CONNECTIONS + slash)

    assert_problem(
        answer,
        "1411-400",
        f"Unable to retrieve entityId. Invalid request received with path '{CONNECTIONS}'.",
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "FLOW-1405-400"),
        (None, "FLOW-1405-400"),
        (seed_body(connectionSpec=None), "FLOW-1413-400"),
        (seed_body(connectionSpec={"id": "nope"}), "FLOW-1413-400"),
        (seed_body(auth={"specName": "Basic"}), "FLOW-1415-400"),
        (seed_body(params={"dataType": "json"}), "CONNECTION-1400-400"),
    ],
)
def test_body_that_breaks_a_rule_creates_nothing(
    client: httpx2.Client, body: object, code: str
) -> None:
    answer = client.post(CONNECTIONS, json=body)

    assert_problem(answer, code)
    assert client.get(CONNECTIONS).json()["items"] == []


# --- Operations --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "expected"),
    [("test", {"result": True}), ("explore?objectType=ROOT", []), ("configs", {"items": []})],
)
def test_operation_answers_for_a_connection_that_is_there(
    client: httpx2.Client, created: dict[str, str], operation: str, expected: object
) -> None:
    there = client.get(f"{CONNECTIONS}/{created['id']}/{operation}")
    missing = client.get(f"{CONNECTIONS}/missing/{operation}")

    assert (there.status_code, there.json()) == (200, expected)
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("op=FINALIZE&subOp=APPLY", "1402-400"),
        ("op=finalize_update", "1402-400"),
        ("op=PUBLISH", "1422-400"),
        ("op=dance", "1434-400"),
        ("", "1434-400"),
        ("op=FINALIZE&subOp=dance", "1435-400"),
    ],
)
def test_action_is_refused_for_the_reason_that_applies(
    client: httpx2.Client, created: dict[str, str], query: str, code: str
) -> None:
    assert_problem(client.post(f"{CONNECTIONS}/{created['id']}/action?{query}"), code)


# --- Isolation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", [{"op": "replace", "path": "/name", "value": "mine"}]),
        ("DELETE", "", None),
        ("GET", "/test", None),
        ("GET", "/explore", None),
        ("GET", "/configs", None),
        ("POST", "/action?op=publish", None),
    ],
)
@pytest.mark.parametrize("sandbox", ["dev", "prod"])
def test_foreign_connection_answers_exactly_like_a_missing_one(
    platform: Platform,
    client: httpx2.Client,
    created: dict[str, str],
    method: str,
    tail: str,
    body: object,
    sandbox: str,
) -> None:
    missing_id = "00000000-0000-4000-8000-000000000000"
    whose = {"dev": dict(client.headers), "prod": platform.headers()}
    headers = whose[sandbox] | {"x-sandbox-name": sandbox, "If-Match": "*", "x-request-id": "same"}

    def ask(connection_id: str) -> tuple[int, str, list[str]]:
        answer = httpx2.request(
            method,
            f"{platform.url}{CONNECTIONS}/{connection_id}{tail}",
            json=body,
            headers=headers,
        )
        return answer.status_code, answer.text.replace(connection_id, "ID"), sorted(answer.headers)

    assert ask(created["id"]) == ask(missing_id)
    assert client.get(f"{CONNECTIONS}/{created['id']}").status_code == 200


# --- Never a 5xx -------------------------------------------------------------------------------

ANY_EXAMPLE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@ANY_EXAMPLE
@given(
    prefix=st.sampled_from(["", "name", "createdAt>=", "auth.params.dataType==", "id!="]),
    text=st.text(max_size=30),
    name=st.sampled_from(["property", "orderby", "limit", "continuationToken", "count"]),
)
def test_any_question_is_answered_or_is_the_callers_mistake(
    client: httpx2.Client, prefix: str, text: str, name: str
) -> None:
    answer = client.get(CONNECTIONS, params={name: prefix + text})

    assert answer.status_code in {200, 400}


@ANY_EXAMPLE
@given(body=json_values)
def test_any_body_creates_or_is_the_callers_mistake(client: httpx2.Client, body: object) -> None:
    answer = client.post(CONNECTIONS, json=body)

    assert answer.status_code == 400


@ANY_EXAMPLE
@given(
    member=st.sampled_from(["name", "description", "connectionSpec", "auth", "state"]),
    value=json_values,
)
def test_any_member_of_a_body_is_taken_or_is_the_callers_mistake(
    client: httpx2.Client, member: str, value: object
) -> None:
    answer = client.post(CONNECTIONS, json=seed_body() | {member: value})

    assert answer.status_code in {201, 400}


@ANY_EXAMPLE
@given(connection_id=st.text(min_size=1, max_size=40))
def test_any_text_is_an_id_that_is_not_there(client: httpx2.Client, connection_id: str) -> None:
    answer = client.get(f"{CONNECTIONS}/x{quote(connection_id, safe='')}")

    assert answer.status_code == 404


def assert_problem(answer: httpx2.Response, code: str, message: str | None = None) -> None:
    body: dict[str, Any] = answer.json()
    full = code if code[0].isalpha() else f"FLOW-{code}"
    assert answer.status_code == body["status"] == int(code.rsplit("-", 1)[1])
    assert body["type"] == f"https://ns.adobe.com/aep/errors/{full}"
    assert body["report"]["request-id"] == answer.headers["x-request-id"]
    assert body["report"]["detailed-message"] == body["errorMessage"] == body["errorDetails"]
    assert message in {None, body["errorMessage"]}
