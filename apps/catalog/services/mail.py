"""Transport `resend`: mails of an organization leave through its own account, from its own domain (features 17)."""

from __future__ import annotations

import base64
import datetime as dt
import logging
from email.utils import formataddr
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef

from apps.catalog.models import ProviderKey, SenderDomain
from apps.catalog.resend import KeyRefused, Resend, ResendTrouble, SenderRefused
from apps.catalog.services.domains import account_key
from apps.catalog.services.keys import note_refused
from apps.catalog.slots import RESEND
from apps.core import db
from apps.core.crypto import SecretUnreadable
from apps.core.errors import DomainError
from apps.mail import delivery, outbox
from apps.mail.models import OPERATOR, Message
from apps.organizations.models import Organization

log = logging.getLogger(__name__)
TRANSPORT = "resend"


def transport_for(organization: Organization) -> str:
    """The transport of the organization's mails: `resend` with a verified domain and a working key, else the operator's."""
    keys = ProviderKey.objects.filter(organization=OuterRef("organization"), slot=RESEND, broken_at=None)
    domains = SenderDomain.objects.for_organization(organization).verified()
    return TRANSPORT if domains.filter(Exists(keys)).exists() else OPERATOR


def deliver(*, organization_id: UUID, message_id: UUID) -> bool:
    """Claim a mail, send it with no transaction open, record what came of it. Returns whether it was sent.

    What Resend cannot send at all (no domain any more, a refused key) goes to the operator's mail server; what it does
    not take just now waits in the outbox.
    """
    now = db.now()
    message = outbox.claim(
        organization_id=organization_id, message_id=message_id, now=now, lease=delivery.LEASE, transport=TRANSPORT
    )
    if message is None:
        return False
    organization = Organization.objects.get(pk=organization_id)
    domain = SenderDomain.objects.for_organization(organization).verified().first()
    key = account_key(organization)
    try:
        if domain is None or key is None:
            raise SenderRefused("no verified domain, or no key")
        Resend(key.secret).send(_mail(message, organization, domain), key=str(message.pk))
    except (DomainError, SecretUnreadable) as error:
        _failed(message, organization, error, used_at=now)
        return False
    outbox.record_sent(message=message, now=db.now())
    return True


def _failed(message: Message, organization: Organization, error: Exception, *, used_at: dt.datetime) -> None:
    now = db.now()
    log.warning("mail %s not sent through resend: %s", message.pk, type(error).__name__)
    if isinstance(error, KeyRefused):
        note_refused(organization=organization, slot=RESEND, used_at=used_at, reason=error.text, tell=True, now=now)
    if isinstance(error, KeyRefused | SenderRefused | SecretUnreadable):
        outbox.hand_over(message=message, transport=OPERATOR, error=str(error), now=now)
        return
    again = delivery.again_at(message, now) if isinstance(error, ResendTrouble) else None
    outbox.record_failure(message=message, error=str(error), again_at=again, now=now)


def _mail(message: Message, organization: Organization, domain: SenderDomain) -> dict[str, Any]:
    """The mail as Resend takes it. Nothing in it names the installation."""
    mail: dict[str, Any] = {
        "from": formataddr((organization.name, domain.address)),
        "to": [message.to],
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "headers": {"Auto-Submitted": "auto-generated"},
    }
    if message.brand.support_email:
        mail["reply_to"] = [message.brand.support_email]
    if file := message.file:
        mail["attachments"] = [{"filename": file.name, "content": base64.b64encode(file.content).decode()}]
    return mail
