"""How far a job over many clients is, for the bar that `portal/_bulk.html` draws."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.organizations.models import Job, Organization

OPEN = (Job.Status.WAITING, Job.Status.RUNNING)
FRESH = dt.timedelta(minutes=10)  # for so long a page says that a job is done


def progress_of(job: Job, now: dt.datetime) -> dict[str, Any]:
    """job, is_done, percent, failed {client: reason}, reached (clients without an error), is_fresh (ended a moment ago)."""
    done = job.status not in OPEN
    failed = job.data.get("failed", {})
    return {
        "job": job, "is_done": done, "percent": 100 if done else round(100 * job.done / (job.total or 1)), "failed": failed,
        "reached": max(0, job.done - len(failed)), "is_fresh": done and job.updated_at > now - FRESH,
    }  # fmt: skip


def latest_job(agency: Organization, kind: str) -> Job | None:
    """What is under way, the oldest first; else what ended last."""
    rows = Job.objects.for_organization(agency).filter(kind=kind)
    return rows.filter(status__in=OPEN).order_by("created_at").first() or rows.order_by("-created_at").first()
