"""Money that came for an invoice of a plan: marked by a person, once."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from apps.billing.models import Invoice, Payment
from apps.billing.purchasing import Received
from apps.billing.standing import note_standing
from apps.core.db import writes
from apps.core.errors import Conflict, Invalid, NotFound
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit


@writes
def take_invoice_money(
    *, client: Organization, invoice_id: object, received: Received, by: Actor, now: dt.datetime
) -> Invoice:
    """Note money for an invoice that is open, once per key; a late subscription that is paid by it goes on.

    In a scope that holds the client and its agency. Raises Conflict for a document that is not to be paid, Invalid for
    another currency, or no money at all.
    """
    invoice = Invoice.objects.for_organization(client).filter(pk=invoice_id).first()
    if invoice is None:
        raise NotFound(_("There is no such invoice."))
    if invoice.kind != Invoice.Kind.INVOICE or invoice.purchase_id:
        raise Conflict(_("Nothing is to be paid for this document."))
    if received.currency.upper() != invoice.currency or received.amount_cents <= 0:
        raise Invalid(_("The amount does not fit this invoice."), param="amount")
    _row, is_new = Payment.objects.get_or_create(
        organization=client, key=received.key,
        defaults={
            "gateway": received.gateway, "currency": invoice.currency, "amount_cents": received.amount_cents,
            "received_on": received.on, "invoice": invoice, "note": received.note[:300], "actor": by.label[:200],
        },
    )  # fmt: skip
    if is_new:
        data = {"amount_cents": received.amount_cents, "on": received.on.isoformat(), "gateway": received.gateway}
        record_audit(organization=client, by=by, action="invoice.payment", target=invoice, data=data)
        note_standing(organization_id=client.pk, now=now)
    return invoice
