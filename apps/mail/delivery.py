"""Transport OPERATOR: mails leave through the installation's own mail server."""

from __future__ import annotations

import datetime as dt
import logging
import smtplib
from email.utils import formataddr, make_msgid, parseaddr
from uuid import UUID

from django.conf import settings
from django.core.mail import BadHeaderError, EmailMultiAlternatives

from apps.branding.models import Brand
from apps.core import db
from apps.mail import outbox
from apps.mail.models import OPERATOR, Message

log = logging.getLogger(__name__)
LEASE = dt.timedelta(minutes=5)
PAUSES = [dt.timedelta(minutes=each) for each in (1, 5, 30, 120, 720)]
HOPELESS = (smtplib.SMTPRecipientsRefused, BadHeaderError, UnicodeError)


def deliver(*, organization_id: UUID | None, message_id: UUID) -> bool:
    """Claim a mail, send it with no transaction open, record what came of it. Returns whether it was sent."""
    message = outbox.claim(
        organization_id=organization_id, message_id=message_id, now=db.now(), lease=LEASE, transport=OPERATOR
    )
    if message is None:
        return False
    try:
        email_of(message).send()
    except (OSError, smtplib.SMTPException, *HOPELESS) as error:
        log.warning("mail %s not sent: %s", message.pk, type(error).__name__)
        now = db.now()
        again = None if isinstance(error, HOPELESS) else again_at(message, now)
        outbox.record_failure(message=message, error=str(error), again_at=again, now=now)
        return False
    outbox.record_sent(message=message, now=db.now())
    return True


def email_of(message: Message) -> EmailMultiAlternatives:
    """The mail as it goes out. On a reseller's mail nothing names the installation, the message id included."""
    sender = sender_of(message.brand)
    email = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text,
        from_email=sender,
        to=[message.to],
        reply_to=[message.brand.support_email] if message.brand.support_email else None,
        headers={
            "Message-ID": make_msgid(idstring=message.pk.hex, domain=parseaddr(sender)[1].rpartition("@")[2]),
            "Auto-Submitted": "auto-generated",
        },
    )
    email.attach_alternative(message.html, "text/html")
    if file := message.file:
        email.attach(file.name, file.content, file.content_type)
    return email


def sender_of(brand: Brand) -> str:
    """The sender of a brand's mails: its own name before the address of the installation's mail server."""
    if brand.is_installation and not brand.sender_name:
        return settings.DEFAULT_FROM_EMAIL
    if brand.is_installation:
        return formataddr((brand.sender_name, parseaddr(settings.DEFAULT_FROM_EMAIL)[1]))
    return formataddr((brand.sender_name or brand.name, settings.PORTAL_FROM_EMAIL))


def again_at(message: Message, now: dt.datetime) -> dt.datetime | None:
    """When a mail that failed for now is tried again; None when it was tried often enough. For every transport."""
    return None if message.attempts > len(PAUSES) else now + PAUSES[message.attempts - 1]
