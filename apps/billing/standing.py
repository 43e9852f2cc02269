"""Whether a client's subscription is paid: late after the due day, and after a grace no further calls begin."""

from __future__ import annotations

import datetime as dt

from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.billing.models import Invoice, Payment, Subscription
from apps.billing.sql import lock_account
from apps.core.db import step, writes
from apps.organizations.models import Notification, Organization, Role
from apps.organizations.notifications import notify

GRACE = dt.timedelta(days=7)
Status = Subscription.Status


def is_blocked(organization_id: object, now: dt.datetime) -> bool:
    """Whether no call of this client may begin, because its subscription has been unpaid for longer than the grace.

    A late subscription is not touched otherwise while it is late, so its last change is when it became late.
    """
    late = Subscription.objects.for_organization(organization_id).filter(status=Status.PAST_DUE)
    return late.filter(updated_at__lte=now - GRACE).exists()


@writes
def review_standing(*, organization_id: object, now: dt.datetime) -> str | None:
    """`note_standing` on the clock."""
    return note_standing(organization_id=organization_id, now=now)


@step
def note_standing(*, organization_id: object, now: dt.datetime) -> str | None:
    """Mark a client's subscription as late, or as paid again, by its invoices. After a payment, and daily.

    One that a gateway collects is marked late by what the gateway says, not by the due day. Returns the status; None
    without a subscription.
    """
    lock_account(organization_id)
    found = Subscription.objects.for_organization(organization_id).exclude(status=Status.ENDED).select_for_update()
    subscription = found.first()
    if subscription is None:
        return None
    overdue = _overdue(subscription, now.date())
    if overdue and subscription.status == Status.ACTIVE and subscription.gateway != "stripe":
        mark_late(subscription=subscription, invoice=overdue, now=now)
    elif not overdue and subscription.status == Status.PAST_DUE and subscription.gateway != "stripe":
        subscription.change(now, status=Status.ACTIVE)
    return subscription.status


@step
def mark_late(*, subscription: Subscription, invoice: Invoice | None, now: dt.datetime) -> None:
    """The payment is late: the owners are told, and how long calls still go on."""
    if subscription.status != Status.ACTIVE:
        return
    subscription.change(now, status=Status.PAST_DUE)
    client = Organization.objects.get(pk=subscription.organization_id)
    until = now + GRACE
    title = _("A payment is late")
    text = _("Invoice %(number)s is not paid yet.") % {"number": invoice.number} if invoice else _("The last payment did not succeed.")
    notify(
        organization=client, key=f"late:{subscription.pk}:{now.date()}", kind="billing", level=Notification.Level.WARNING,
        title=title, text=f"{text} {_('Calls go on for %(days)d days; after that no further ones begin.') % {'days': GRACE.days}}",
        url=reverse("usage", args=[client.slug]), role=Role.OWNER, is_banner=True, until=until + GRACE, now=now,
    )  # fmt: skip


def _overdue(subscription: Subscription, today: dt.date) -> Invoice | None:
    """The oldest invoice of the subscription that was due before today and is not paid in full."""
    paid = Payment.objects.filter(invoice=OuterRef("pk")).order_by().values("invoice").annotate(sum=Sum("amount_cents")).values("sum")
    own = Invoice.objects.for_organization(subscription.organization_id)
    credited = own.filter(corrects=OuterRef("pk")).order_by().values("corrects").annotate(sum=Sum("net_cents") + Sum("vat_cents")).values("sum")
    due = own.filter(subscription=subscription, kind=Invoice.Kind.INVOICE, due_on__lt=today)
    due = due.annotate(paid=Coalesce(Subquery(paid), 0), credited=Coalesce(Subquery(credited), 0)).order_by("due_on", "sequence")
    return next((each for each in due if each.paid < each.gross_cents + each.credited), None)
