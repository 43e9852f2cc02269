"""Money that came for an invoice of a plan: marked by a person, once."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from apps.billing.models import Invoice
from apps.billing.received import Received, keep_payment
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
    if not received.is_money_in(invoice.currency):
        raise Invalid(_("The amount does not fit this invoice."), param="amount")
    if keep_payment(client=client, received=received, by=by, invoice=invoice):
        record_audit(organization=client, by=by, action="invoice.payment", target=invoice, data=received.told)
        note_standing(organization_id=client.pk, now=now)
    return invoice
