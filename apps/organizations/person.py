"""Forgetting one person in what an organization keeps for its machinery: stored answers and jobs."""

from __future__ import annotations

import datetime as dt

from apps.core.db import step
from apps.core.mentions import Mention
from apps.organizations.models import Job, Organization, StoredAnswer


@step
def erase_person(*, organization: Organization, mention: Mention, now: dt.datetime) -> dict[str, int]:
    """Forget stored answers that name the number, and take it out of what jobs noted. Returns how many, by kind."""
    named = [
        row.pk
        for row in StoredAnswer.objects.for_organization(organization).iterator(chunk_size=500)
        if mention.is_in(row.body or "") or mention.is_in(row.key)
    ]
    StoredAnswer.objects.for_organization(organization).filter(pk__in=named).delete()
    jobs = list(mention.rows(Job.objects.for_organization(organization), "data", "error"))
    for job in jobs:
        job.change(now, data=mention.without(job.data), error=mention.without(job.error))
    return {"answers": len(named), "mentions": len(jobs)}
