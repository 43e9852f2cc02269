"""How an agency sells: who it is, its tax and bank account, and its own Stripe account."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.billing.gateways.stripe import Stripe, StripeTrouble
from apps.billing.models import Seller
from apps.core.db import step, writes
from apps.core.errors import DomainError, Forbidden
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit


@writes
def save_seller(*, agency: Organization, values: Mapping[str, Any], by: Actor, now: dt.datetime) -> Seller:
    """Write who sells and how; purchases and invoices of the past keep what they say. Raises Forbidden for a client."""
    seller = _own(agency)
    changed = sorted(name for name, value in values.items() if getattr(seller, name) != value)
    if changed:
        seller.change(now, **values)
        record_audit(organization=agency, by=by, action="seller.update", target=seller, data={"fields": changed})
    return seller


def connect_stripe(
    *, agency: Organization, publishable_key: str, secret_key: str, webhook_secret: str, by: Actor, now: dt.datetime
) -> Seller:
    """Keep the keys of the agency's account once it has answered to them; an empty secret keeps the stored one.

    Raises StripeKeyRefused and StripeTrouble, and has changed nothing then but what the page says of the last try.
    """
    seller = _made(agency=agency)
    key = secret_key or seller.stripe_secret_key or ""
    try:
        account = Stripe(key).account()
    except StripeTrouble:
        raise
    except DomainError as error:
        if not secret_key:
            _note_error(agency=agency, text=error.text, now=now)
        raise
    values = {
        "stripe_publishable_key": publishable_key, "stripe_secret_key": key, "stripe_account": account[:64], "stripe_error": "",
        "stripe_checked_at": now, "stripe_webhook_secret": webhook_secret or seller.stripe_webhook_secret,
    }  # fmt: skip
    return _connect(agency=agency, values=values, by=by, now=now)


@writes
def disconnect_stripe(*, agency: Organization, by: Actor, now: dt.datetime) -> Seller:
    """Forget the keys. The address for webhooks stays, and what was bought stays as it is."""
    seller = _own(agency)
    seller.change(
        now, stripe_publishable_key="", stripe_secret_key=None, stripe_webhook_secret=None, stripe_account="",
        stripe_checked_at=None, stripe_error="",
    )  # fmt: skip
    record_audit(organization=agency, by=by, action="seller.disconnect", target=seller)
    return seller


@writes
def _made(*, agency: Organization) -> Seller:
    return _own(agency)


@writes
def _connect(*, agency: Organization, values: Mapping[str, Any], by: Actor, now: dt.datetime) -> Seller:
    seller = _own(agency)
    seller.change(now, **values)
    record_audit(organization=agency, by=by, action="seller.connect", target=seller, data={"account": seller.stripe_account})
    return seller


@writes
def _note_error(*, agency: Organization, text: str, now: dt.datetime) -> None:
    _own(agency).change(now, stripe_error=text[:300], stripe_checked_at=now)


@step
def _own(agency: Organization) -> Seller:
    if agency.parent_id:
        raise Forbidden(_("Only an agency sells."))
    defaults = {"stripe_hook": secrets.token_urlsafe(24), "country": agency.country, "legal_name": agency.name}
    return Seller.objects.get_or_create(organization=agency, defaults=defaults)[0]
