"""The platform API as one ASGI application: the gateway in front, one router per service behind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from forebay.api import flow_service, health, ims, legacy_inlets, sandbox_management
from forebay.api.gateway import Gateway, problem_response
from forebay.api.problems import FLOW_SERVICE, Problem
from forebay.control.access.service import AccessService
from forebay.control.connections.service import ConnectionService
from forebay.control.sandboxes.service import SandboxService
from forebay.kernel.clock import Clock

_PATH_SHOWN_MAX = 200


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the platform API is made of."""

    clock: Clock
    access: AccessService
    sandboxes: SandboxService
    connections: ConnectionService
    platform_url: str
    """The base under which clients reach this API."""
    unready_reasons: Callable[[], list[str]] = list
    """Why the platform cannot do its job now; empty if it can."""
    metrics: Callable[[], bytes] = bytes
    routers: Sequence[APIRouter] = field(default=())
    """Further services, each with its paths."""


def create_application(services: Services) -> FastAPI:
    """Return the application that answers on the platform port."""
    application = FastAPI(
        title="Forebay platform API",
        redirect_slashes=False,
        # The interactive pages load their scripts from elsewhere, and nothing here does that.
        docs_url=None,
        redoc_url=None,
    )
    for router in (
        health.router(unready_reasons=services.unready_reasons, metrics=services.metrics),
        ims.router(services.access, platform_url=services.platform_url),
        sandbox_management.router(services.sandboxes),
        flow_service.router(services.connections),
        legacy_inlets.router(services.connections),
        *services.routers,
    ):
        application.include_router(router)
    _answer_framework_errors(application, services.clock)
    application.add_middleware(
        Gateway,
        access=services.access,
        sandboxes=services.sandboxes,
        clock=services.clock,
    )
    return application


def _answer_framework_errors(application: FastAPI, clock: Clock) -> None:
    """Give what the framework refuses the shape of the service that was asked."""

    def answer(request: Request, problem: Problem) -> Response:
        path, request_id = request.scope["path"], request.state.request_id
        return problem_response(path, problem, request_id, now_ms=clock.now_ms())

    def on_http_error(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 400
        if status in {404, 405}:
            return answer(request, _no_route(request.method, request.scope["path"]))
        problem = Problem(
            status=status,
            code="API-1400",
            title="Invalid request",
            message=str(getattr(error, "detail", error)),
        )
        return answer(request, problem)

    application.add_exception_handler(HTTPException, on_http_error)
    application.add_exception_handler(RequestValidationError, on_http_error)


def _no_route(method: str, path: str) -> Problem:
    if path.startswith(FLOW_SERVICE):
        collection, _, rest = path.removeprefix(FLOW_SERVICE).strip("/").partition("/")
        if not rest:
            collection, rest = "flowservice", collection
        return Problem(
            status=404,
            code="FLOW-1439",
            title="Resource not found",
            message=f"The requested {collection} resource {rest} is not found. "
            "Verify the resource ID before trying again.",
            report={"id": rest, "type": collection},
        )
    return Problem(
        status=404,
        code="API-1404",
        title="Resource not found",
        message=f"There is nothing at {method} {path[:_PATH_SHOWN_MAX]}",
    )
