"""``/livez``, ``/readyz`` and ``/metrics`` of the platform port; what they say is handed in."""

from collections.abc import Callable

from fastapi import APIRouter
from starlette.responses import Response

from forebay.api.problems import json_response


def router(*, unready_reasons: Callable[[], list[str]], metrics: Callable[[], bytes]) -> APIRouter:
    """
    Return the routes.

    `unready_reasons` says why this role cannot do its job now; none means that it can.
    """
    routes = APIRouter(tags=["Health"])

    @routes.get("/livez")
    def get_liveness() -> Response:
        """Say that the process answers."""
        return json_response({"status": "alive"})

    @routes.get("/readyz")
    def get_readiness() -> Response:
        """Say whether the role can do its job now, and if not, why."""
        reasons = unready_reasons()
        if reasons:
            return json_response({"status": "not ready", "reasons": reasons}, status=503)
        return json_response({"status": "ready"})

    @routes.get("/metrics")
    def get_metrics() -> Response:
        """Return the metrics of all processes in Prometheus' text format."""
        return Response(metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return routes
