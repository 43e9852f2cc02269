"""What a client may buy now, with tax, and what it must say about itself first."""

from __future__ import annotations

from dataclasses import dataclass

from apps.billing.invoicing import buyer_of
from apps.billing.models import Buyer, Package, Plan, Purchase, Seller
from apps.billing.vat import Tax, tax_on
from apps.organizations.models import Organization

REQUIRED = ("company", "address", "city", "country")


@dataclass(frozen=True)
class Offer:
    """A package or plan with its price in cents: before tax, tax, and what is paid."""

    item: Package | Plan
    net_cents: int
    tax: Tax

    @property
    def vat_cents(self) -> int:
        return tax_on(self.net_cents, self.tax.rate)

    @property
    def gross_cents(self) -> int:
        return self.net_cents + self.vat_cents


def seller_of(client: Organization) -> Seller | None:
    """How the client's agency sells. In a scope that holds the agency."""
    return Seller.objects.for_organization(client.parent_id).first() if client.parent_id else None


def packages_of(seller: Seller, tax: Tax) -> list[Offer]:
    """The packages on sale, in the agency's order, with the tax of a client (`tax_for`)."""
    rows = Package.objects.for_organization(seller.organization_id).filter(is_active=True)
    return [Offer(each, each.price_cents, tax) for each in rows.order_by("position", "price_cents", "id")]


def plans_of(seller: Seller, tax: Tax) -> list[Offer]:
    """The plans for money that clients may choose themselves."""
    rows = Plan.objects.for_organization(seller.organization_id).filter(is_active=True, is_public=True, price_cents__gt=0)
    return [Offer(each, each.price_cents or 0, tax) for each in rows.order_by("position", "price_cents", "id")]


def ways_to_pay(seller: Seller) -> list[str]:
    """Of Purchase.Gateway, what the agency takes from its clients."""
    found = [Purchase.Gateway.STRIPE.value] if seller.takes_cards else []
    return [*found, Purchase.Gateway.TRANSFER.value] if seller.takes_transfers and seller.iban else found


def lacks_details(client: Organization) -> bool:
    """Whether an invoice could not be written yet: the client has not said who and where it is."""
    return is_incomplete(buyer_of(client))


def is_incomplete(buyer: Buyer) -> bool:
    return not all(getattr(buyer, name) for name in REQUIRED)
