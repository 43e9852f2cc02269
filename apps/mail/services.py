"""Writes of the outbox: a mail enters with its reason, leaves by its transport, and is forgotten after a while."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.utils import translation

from apps.branding.looks import mail_logo
from apps.branding.models import Brand
from apps.branding.services import absolute_url
from apps.core.colour import content_for
from apps.core.db import step, writes
from apps.core.mentions import Mention
from apps.core.queue import wake
from apps.mail.models import OPERATOR, PRIVATE, Attachment, Message
from apps.mail.tasks import send

LANGUAGES = {code for code, _name in settings.LANGUAGES}
KEPT = dt.timedelta(days=30)


@step
def queue_mail(
    *,
    key: str,
    brand: Brand,
    to: str,
    template: str,
    context: dict[str, Any],
    organization_id: UUID | None = None,
    language: str | None = None,
    transport: str = OPERATOR,
    attachment: Attachment | None = None,
    now: dt.datetime,
) -> Message:
    """Write one mail in the caller's transaction; a second call with the same key returns the first mail.

    Args:
        key: unique within the organization (or, without one, within the mails of nobody). Behind the word PRIVATE: of
            a mail whose content goes once it is sent or given up.
        brand: whose name, colours and links the mail wears.
        template: `templates/emails/<template>.subject.txt`, `.txt` and `.html`.
        context: what they need; `path` becomes the absolute link `url` at the brand's address.
        organization_id: whose mail it is. Account mail belongs to nobody; it needs a scope all the same.
        language: of the reader; else the brand's, else English.
        attachment: a small file that goes with it.
        transport: who sends it; one that is not the operator's finds it by its own sweep.

    The scope must hold `organization_id`; any scope may write a mail of nobody.
    """
    if found := Message.objects.of(organization_id).filter(key=key).first():
        return found
    subject, text, html = rendered(brand=brand, template=template, context=context, language=language)
    row = Message(
        organization_id=organization_id, key=key, brand=brand, to=to, subject=subject, text=text, html=html,
        next_attempt_at=now, transport=transport,
    )  # fmt: skip
    if attachment:
        row.attachment_name = attachment.name
        row.attachment = base64.b64encode(attachment.content).decode()
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return Message.objects.of(organization_id).get(key=key)
    # The row is the outbox: a broker that is down must not undo the reason of the mail, the sweep sends it.
    owner = str(organization_id) if organization_id else None
    if transport == OPERATOR:
        transaction.on_commit(lambda: wake(send, owner, str(row.pk)), robust=True)
    return row


def rendered(
    *, brand: Brand, template: str, context: dict[str, Any], language: str | None = None
) -> tuple[str, str, str]:
    """Subject, text and HTML of a mail in the reader's language."""
    found = next((each for each in (language, brand.language) if each in LANGUAGES), settings.LANGUAGE_CODE)
    logo = mail_logo(brand)
    values = {
        "brand": brand,
        "logo": logo,
        "logo_url": absolute_url(brand, logo["path"]) if logo else "",
        "brand_url": absolute_url(brand, "/"),
        "url": absolute_url(brand, context["path"]) if "path" in context else "",
        "button_text_color": content_for(brand.primary_color),
        "language": found,
    } | context
    with translation.override(found):
        subject = " ".join(render_to_string(f"emails/{template}.subject.txt", values).split())
        text = render_to_string(f"emails/{template}.txt", values).strip() + "\n"
        html = render_to_string(f"emails/{template}.html", values | {"subject": subject})
    return subject, text, html


@writes
def erase_expired(*, organization_id: UUID | None, now: dt.datetime) -> int:
    """Forget mails that were sent or given up more than 30 days ago. Returns how many."""
    return Message.objects.of(organization_id).done().filter(created_at__lt=now - KEPT).delete()[0]


def find_person(*, organization_id: UUID, call_ids: Iterable[str]) -> int:
    """How many mails are there about these calls."""
    return len(_about(organization_id, call_ids))


@step
def erase_person(*, organization_id: UUID, call_ids: Iterable[str], mention: Mention) -> dict[str, int]:
    """Forget mails about these calls (public ids), and whatever other mail names the number. Returns how many."""
    gone = set(_about(organization_id, call_ids))
    for row in Message.objects.of(organization_id).exclude(pk__in=gone).iterator(chunk_size=500):
        if any(mention.is_in(text or "") for text in (row.subject, row.text, row.html, row.key, row.error)):
            gone.add(row.pk)
    Message.objects.of(organization_id).filter(pk__in=gone).delete()
    return {"mails": len(gone)}


def _about(organization_id: UUID, call_ids: Iterable[str]) -> list[UUID]:
    """Mails of calls: their keys begin with the call's id."""
    wanted = set(call_ids)
    rows = Message.objects.of(organization_id).values_list("pk", "key")
    return [pk for pk, key in rows if key.removeprefix(PRIVATE).partition(":")[0] in wanted]


@step
def erase_organization(*, organization_id: UUID) -> None:
    Message.objects.of(organization_id).delete()
