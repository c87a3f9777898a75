"""Sandbox management: which sandboxes an organization has (schema-catalog-profile, 8)."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forebay.api.context import context_of
from forebay.api.problems import SANDBOX_MANAGEMENT, json_response
from forebay.control.filters import Kind
from forebay.control.listing import SEARCH_LIMIT_MAX, Model, Query, list_page
from forebay.control.sandboxes.model import ACTIVE, REGION, TYPES, Sandbox
from forebay.control.sandboxes.service import SandboxService
from forebay.kernel.clock import utc
from forebay.kernel.errors import Disposition, PlatformError

_LIMIT_DEFAULT = 50
_LISTED = Model(dict.fromkeys(("name", "title", "state", "type", "region"), Kind.TEXT))
_NUMBER_DIGITS_MAX = 9


class InvalidPaging(PlatformError):
    """A page that cannot be given: `limit` and `offset` are numbers and come together."""

    code = "SANDBOX-1400"
    status = 400
    title = "Invalid request"
    disposition = Disposition.REJECT


def router(sandboxes: SandboxService) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix=SANDBOX_MANAGEMENT, tags=["Sandbox management"])

    @routes.get("")
    def list_usable_sandboxes(request: Request) -> Response:
        """List the sandboxes that the caller can use."""
        listed = sandboxes.list_sandboxes(context_of(request).scope.org_id)
        usable = [_summary(sandbox) for sandbox in listed if sandbox.state == ACTIVE]
        return json_response(_page(usable, limit=max(len(usable), 1), offset=0, path="/"))

    @routes.get("/sandboxTypes")
    def list_types() -> Response:
        """List the types of sandboxes."""
        return json_response({"sandboxTypes": list(TYPES)})

    @routes.get("/sandboxes")
    def list_sandboxes(request: Request) -> Response:
        """List all sandboxes of the organization."""
        limit, offset = _paging(request)
        found = sandboxes.list_sandboxes(context_of(request).scope.org_id)
        listed = _chosen([_full(sandbox) for sandbox in found], request)
        return json_response(_page(listed, limit=limit, offset=offset, path="/sandboxes/"))

    @routes.get("/sandboxes/{name}")
    def get_sandbox(request: Request, name: str) -> Response:
        """Return one sandbox."""
        return json_response(_full(sandboxes.get_sandbox(context_of(request).scope.org_id, name)))

    return routes


def _chosen(listed: list[dict[str, Any]], request: Request) -> list[dict[str, Any]]:
    """Apply `property` and `orderBy`, in the grammar of Flow Service."""
    properties = tuple(request.query_params.getlist("property"))
    order_by = request.query_params.get("orderBy")
    if not properties and not order_by:
        return listed
    query = Query(properties=properties, order_by=order_by or "name", limit=str(SEARCH_LIMIT_MAX))
    return [dict(item) for item in list_page(listed, query, _LISTED).items]


def _paging(request: Request) -> tuple[int, int]:
    limit, offset = request.query_params.get("limit"), request.query_params.get("offset")
    if limit is None and offset is None:
        return _LIMIT_DEFAULT, 0
    if limit is None or offset is None:
        raise InvalidPaging("limit and offset must be given together.")
    numbers = [_number("limit", limit), _number("offset", offset)]
    if numbers[0] == 0:
        raise InvalidPaging("limit is 0; it must be at least 1.")
    return numbers[0], numbers[1]


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS_MAX):
        raise InvalidPaging(
            f"{name} is {text[:100]}; it must be a whole number of at most "
            f"{_NUMBER_DIGITS_MAX} digits, and not negative."
        )
    return int(text)


def _page(items: Sequence[dict[str, Any]], *, limit: int, offset: int, path: str) -> dict[str, Any]:
    page = items[offset : offset + limit]
    href = f"{SANDBOX_MANAGEMENT}{path}?limit={{limit}}&offset={{offset}}"
    links: dict[str, Any] = {"page": {"href": href, "templated": True}}
    if offset + limit < len(items):
        following = href.format(limit=limit, offset=offset + limit)
        links["next"] = {"href": following, "templated": None}
    if offset > 0:
        before = href.format(limit=limit, offset=max(0, offset - limit))
        links["prev"] = {"href": before, "templated": None}
    return {"sandboxes": page, "_page": {"limit": limit, "count": len(page)}, "_links": links}


def _summary(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "name": sandbox.name,
        "title": sandbox.title,
        "state": sandbox.state,
        "type": sandbox.type,
        "region": REGION,
    }


def _full(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "id": sandbox.sandbox_id,
        **_summary(sandbox),
        "isDefault": sandbox.is_default,
        "eTag": sandbox.etag,
        "etag": sandbox.etag,
        "createdDate": _date(sandbox.created_ms),
        "lastModifiedDate": _date(sandbox.updated_ms),
        "createdBy": "system",
        "modifiedBy": "system",
    }


def _date(epoch_ms: int) -> str:
    return utc(epoch_ms).strftime("%Y-%m-%d %H:%M:%S")
