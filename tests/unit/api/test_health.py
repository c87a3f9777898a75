from pathlib import Path

import httpx2

from support.platform import running_platform


def test_platform_that_can_do_its_job_is_ready(tmp_path: Path) -> None:
    with running_platform(tmp_path, metrics=lambda: b"up 1\n") as platform:
        live = httpx2.get(f"{platform.url}/livez")
        ready = httpx2.get(f"{platform.url}/readyz")
        metrics = httpx2.get(f"{platform.url}/metrics")

    assert (live.status_code, live.json()) == (200, {"status": "alive"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert (metrics.status_code, metrics.text) == (200, "up 1\n")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_platform_that_cannot_says_why_and_still_lives(tmp_path: Path) -> None:
    with running_platform(tmp_path, unready_reasons=lambda: ["the disk is full"]) as platform:
        live = httpx2.get(f"{platform.url}/livez")
        ready = httpx2.get(f"{platform.url}/readyz")

    assert live.status_code == 200
    assert ready.status_code == 503
    assert ready.json() == {"status": "not ready", "reasons": ["the disk is full"]}
