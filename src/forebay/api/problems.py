"""
Errors as each service writes them.

One `Problem` says what is wrong; the path it happened on decides its shape, because every
service of Adobe's has its own (flow-and-collection, 2.2 and 5.10; schema-catalog-profile, 1.4).
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from forebay.kernel import json
from forebay.kernel.clock import utc
from forebay.kernel.errors import PlatformError

FLOW_SERVICE = "/data/foundation/flowservice"
SANDBOX_MANAGEMENT = "/data/foundation/sandbox-management"
SCHEMA_REGISTRY = "/data/foundation/schemaregistry"
CATALOG = "/data/foundation/catalog"
EXPORT = "/data/foundation/export"
IMS = "/ims"
OURS = "/forebay/"

INTERNAL_ERROR = (
    "An internal error has occurred. Please try again. "
    "If the problem persists, please contact customer support."
)


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a request, or with us."""

    status: int
    code: str
    """Area and number, as in ``FLOW-1403``."""
    title: str
    message: str
    report: Mapping[str, Any] = {}


class Occurrence(msgspec.Struct, frozen=True):
    """When and in which request a problem came up."""

    request_id: str
    now_ms: int


def problem_of(error: PlatformError) -> Problem:
    """Return an error of the platform as a problem."""
    return Problem(
        status=error.status,
        code=error.code,
        title=error.title,
        message=error.message,
        report=error.report,
    )


def problem_body(path: str, problem: Problem, occurrence: Occurrence) -> dict[str, Any]:
    """Return the body of an error answer in the shape of the service that the path belongs to."""
    for prefix, shape in _SHAPES.items():
        if path.startswith(prefix):
            return shape(problem, occurrence)
    return _gateway(problem, occurrence)


def json_response(
    value: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a value as compact JSON on one line: shell scripts read it line by line."""
    return Response(
        json.encode(value), status, media_type="application/json", headers=dict(headers or {})
    )


def _flow_service(problem: Problem, occurrence: Occurrence) -> dict[str, Any]:
    return {
        "type": f"https://ns.adobe.com/aep/errors/{problem.code}-{problem.status}",
        "title": problem.title,
        "status": problem.status,
        "report": {
            "detailed-message": problem.message,
            **problem.report,
            "request-id": occurrence.request_id,
        },
        "errorMessage": problem.message,
        "errorDetails": problem.message,
    }


def _sandbox_management(problem: Problem, _occurrence: Occurrence) -> dict[str, Any]:
    return {
        "status": problem.status,
        "title": problem.title,
        "type": f"http://ns.adobe.com/aep/errors/{problem.code}-{problem.status}",
        "detail": problem.message,
    }


def _schema_registry(problem: Problem, occurrence: Occurrence) -> dict[str, Any]:
    return {
        "type": f"http://ns.adobe.com/aep/errors/{problem.code}-{problem.status}",
        "title": problem.title,
        "status": problem.status,
        "report": {
            "registryRequestId": occurrence.request_id,
            "timestamp": utc(occurrence.now_ms).strftime("%m-%d-%Y %H:%M:%S"),
            "detailed-message": problem.message,
            "sub-errors": [],
            **problem.report,
        },
        "detail": problem.message,
    }


def _plain(problem: Problem, occurrence: Occurrence) -> dict[str, Any]:
    return {
        "type": f"http://ns.adobe.com/aep/errors/{problem.code}-{problem.status}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.message,
        "report": {**problem.report, "request-id": occurrence.request_id},
    }


def _catalog(problem: Problem, occurrence: Occurrence) -> dict[str, Any]:
    # Clients of Catalog look for `errorMessage` (schema-catalog-profile, 0.4).
    return {**_plain(problem, occurrence), "errorMessage": problem.message}


def _ims(problem: Problem, _occurrence: Occurrence) -> dict[str, Any]:
    is_ours = problem.status >= 500  # noqa: PLR2004  5xx: the server's fault
    error = "server_error" if is_ours else "invalid_request"
    return {"error": error, "error_description": problem.message}


def _gateway(problem: Problem, _occurrence: Occurrence) -> dict[str, Any]:
    return {"error_code": f"{problem.status}000", "message": problem.message}


_SHAPES: dict[str, Callable[[Problem, Occurrence], dict[str, Any]]] = {
    FLOW_SERVICE: _flow_service,
    SANDBOX_MANAGEMENT: _sandbox_management,
    SCHEMA_REGISTRY: _schema_registry,
    CATALOG: _catalog,
    EXPORT: _catalog,
    IMS: _ims,
    OURS: _plain,
}
