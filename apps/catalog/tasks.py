"""Celery entries of the catalogue: sender domains that wait for their DNS, and the mails of transport `resend`."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import shared_task

from apps.catalog.models import SenderDomain
from apps.catalog.services import domains, mail
from apps.core import db
from apps.core.errors import DomainError
from apps.core.scope import acting
from apps.mail.models import Message
from apps.organizations.models import Organization
from apps.organizations.scopes import overview
from apps.organizations.tasks import TenantTask

log = logging.getLogger(__name__)
BATCH = 200


@shared_task(ignore_result=True, time_limit=60)
def refresh_domains() -> None:
    """Hourly: one task per domain that waits, for 72 h."""
    with acting(overview("sender domains that wait for their DNS records")):
        ids = list(SenderDomain.objects.to_refresh(db.now()).values_list("organization_id", flat=True))
    for organization_id in ids:
        refresh_domain.delay(str(organization_id))


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def refresh_domain(organization_id: str) -> None:
    """Without a key, or while Resend does not answer, the next hour tries again."""
    organization = Organization.objects.get(pk=organization_id)
    try:
        domains.refresh_domain(organization=organization, now=db.now())
    except DomainError as error:
        log.warning("sender domain of organization %s not refreshed: %s", organization_id, type(error).__name__)


@shared_task(ignore_result=True, time_limit=60)
def sweep_mail() -> None:
    """Every 5 s: send what is due through the organizations' own accounts."""
    now = db.now()
    with acting(overview("due mails of transport resend")):
        due = Message.objects.filter(transport=mail.TRANSPORT).due(now).exclude(organization_id=None)
        ids = list(due.order_by("next_attempt_at").values_list("organization_id", "pk")[:BATCH])
    for organization_id, message_id in ids:
        send_mail.delay(str(organization_id), str(message_id))


@shared_task(base=TenantTask, ignore_result=True, time_limit=120)
def send_mail(organization_id: str, message_id: str) -> None:
    mail.deliver(organization_id=UUID(organization_id), message_id=UUID(message_id))
