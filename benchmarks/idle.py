"""A Celery task that does nothing, with Celery's own defaults: what a task per lead would cost before any work."""

from __future__ import annotations

import os

from celery import Celery

app = Celery("idle", broker=os.environ.get("BROKER_URL", "redis://127.0.0.1:6379/0"))


@app.task(name="benchmarks.idle.nothing", ignore_result=True)
def nothing() -> None:
    """Nothing."""
