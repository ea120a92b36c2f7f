"""Whether the service is well, for whoever runs it: liveness, readiness, figures."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from server.health import Health
from server.metrics import Metrics
from server.trust.access import PUBLIC


def health_routes(health: Health, metrics: Metrics) -> APIRouter:
    """Return the routes that say how the service is."""
    router = APIRouter()

    @router.get("/healthz", dependencies=[PUBLIC])
    async def healthz() -> dict[str, Any]:
        return _state(health)

    @router.get("/readyz", dependencies=[PUBLIC])
    async def readyz() -> JSONResponse:
        # The server listens only once the models are loaded and the database is up.
        return JSONResponse(_state(health), 200 if health.ready else 503)

    @router.get("/metrics", dependencies=[PUBLIC])
    async def figures() -> Response:
        return Response(metrics.render(), media_type="text/plain; version=0.0.4")

    return router


def _state(health: Health) -> dict[str, Any]:
    problems = [
        {
            "problem": problem,
            "detail": trouble.detail,
            "since": datetime.fromtimestamp(trouble.since, UTC).isoformat(
                timespec="seconds"
            ),
        }
        for problem, trouble in health.troubles.items()
    ]
    return {
        "status": "degraded" if problems else "ok",
        "ready": health.ready,
        "problems": problems,
    }
