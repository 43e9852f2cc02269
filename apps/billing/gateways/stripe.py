"""Stripe's API by HTTP: an agency's own account, by its secret key. The only place that speaks to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core import http
from apps.core.errors import Conflict, DomainError, Invalid, NotFound, Unavailable
from apps.core.foreign_json import json_object

SECONDS = 15.0
ANSWER_LIMIT = 2**20
# The shapes that we read are those of this version; events come in the version of the agency's account, so their readers
# know the newer places as well.
VERSION = "2024-06-20"


class StripeTrouble(Unavailable):
    """No usable answer: the network, 429 or 5xx. Trying again with the same key is safe."""

    title = "Payment provider unavailable"


class StripeKeyRefused(Invalid):
    """Stripe does not take the secret key."""


@dataclass(frozen=True)
class Session:
    """A Checkout session. `url` is None once it is over; `status`: open, complete or expired."""

    id: str
    url: str | None
    status: str
    payment_status: str
    payment_intent: str
    amount_cents: int
    currency: str


@dataclass(frozen=True)
class Refunded:
    """What Stripe gave back. `total_cents`: of this payment, all refunds together."""

    id: str
    status: str
    total_cents: int


@dataclass(frozen=True)
class Recurring:
    """A subscription. `status`: Stripe's word for it. `card`: the id of what pays it, empty for the customer's usual one."""

    id: str
    status: str
    ends_at_period_end: bool
    customer: str
    card: str


class Stripe:
    """One account. Every method raises StripeKeyRefused, StripeTrouble, and Invalid for what Stripe refuses."""

    def __init__(self, secret_key: str) -> None:
        self._key = secret_key

    def account(self) -> str:
        """The account's id."""
        return _text(self._send("GET", "/v1/account").get("id"))

    def create_customer(self, values: Mapping[str, Any], *, key: str) -> str:
        """Make a customer. Returns its id."""
        return _text(self._send("POST", "/v1/customers", values, key=key).get("id"))

    def create_session(self, values: Mapping[str, Any], *, key: str) -> Session:
        """Make a Checkout session. Raises NotFound when the customer is not one of this account."""
        return _session(self._send("POST", "/v1/checkout/sessions", values, key=key))

    def session(self, id: str) -> Session:
        """Raises NotFound."""
        return _session(self._send("GET", f"/v1/checkout/sessions/{quote(id, safe='')}"))

    def refund(self, payment_intent: str, amount_cents: int, *, key: str, metadata: Mapping[str, str]) -> Refunded:
        """Give money back; the same `key` gives it once."""
        values = {"payment_intent": payment_intent, "amount": amount_cents, "expand": ["charge"], "metadata": metadata}
        answer = self._send("POST", "/v1/refunds", values, key=key)
        charge = answer.get("charge")
        total = charge.get("amount_refunded") if isinstance(charge, dict) else None
        if not isinstance(total, int):
            raise StripeTrouble(_("Stripe does not answer as it should. Try again in a minute."))
        return Refunded(_text(answer.get("id")), _text(answer.get("status")), total)

    def create_portal(self, customer: str, return_url: str) -> str:
        """The address of a page where the customer sees cards and subscriptions; it works for some minutes."""
        answer = self._send("POST", "/v1/billing_portal/sessions", {"customer": customer, "return_url": return_url})
        return _text(answer.get("url"))

    def subscription(self, id: str) -> Recurring:
        """A subscription as it is now. Raises NotFound."""
        found = self._send("GET", f"/v1/subscriptions/{quote(id, safe='')}")
        customer, card = (_id(found.get(name)) for name in ("customer", "default_payment_method"))
        return Recurring(_text(found.get("id")), _text(found.get("status")), found.get("cancel_at_period_end") is True, customer, card)

    def end_subscription(self, id: str) -> None:
        """End it at once: nothing is collected any more. Raises NotFound."""
        self._send("DELETE", f"/v1/subscriptions/{quote(id, safe='')}")

    def create_coupon(self, cents: int, currency: str, *, name: str, key: str) -> str:
        """Money off one payment. Returns its id."""
        values = {"amount_off": cents, "currency": currency.lower(), "duration": "once", "max_redemptions": 1, "name": name[:40]}
        return _text(self._send("POST", "/v1/coupons", values, key=key).get("id"))

    def charge_beside(
        self, plan: Recurring, cents: int, currency: str, *, text: str, key: str, metadata: Mapping[str, str]
    ) -> str:
        """Charge what pays a subscription beside its months, also after its end. Events `invoice.paid` or
        `invoice.payment_failed` with this `metadata` follow. The same `key` charges once. Returns Stripe's id of the invoice.
        """
        values = {
            "customer": plan.customer, "currency": currency.lower(), "collection_method": "charge_automatically", "auto_advance": "false",
            "pending_invoice_items_behavior": "exclude", "default_payment_method": plan.card or None, "description": text,
            "metadata": metadata,
        }  # fmt: skip
        made = _text(self._send("POST", "/v1/invoices", values, key=f"{key}:invoice").get("id"))
        line = {"customer": plan.customer, "invoice": made, "amount": cents, "currency": currency.lower(), "description": text}
        self._send("POST", "/v1/invoiceitems", line, key=f"{key}:line")
        self._send("POST", f"/v1/invoices/{quote(made, safe='')}/finalize", {"auto_advance": "true"}, key=f"{key}:finalize")
        return made

    def _send(self, method: str, path: str, values: Mapping[str, Any] | None = None, *, key: str = "") -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._key}", "Stripe-Version": VERSION, "Accept": "application/json"}
        content = None
        if values is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            content = urlencode(list(flattened(values))).encode()
        if key:
            headers["Idempotency-Key"] = key[:255]
        try:
            answer = http.send(
                method, settings.STRIPE_API_URL.rstrip("/") + path, headers=headers, content=content, timeout=SECONDS,
                limit=ANSWER_LIMIT, trusted=True,
            )  # fmt: skip
        except http.SendError as error:
            raise StripeTrouble(_("Stripe does not answer. Try again in a minute.")) from error
        found = json_object(answer.body)
        if 200 <= answer.status < 300 and not answer.truncated:
            return found
        raise _refusal(answer.status, found)


def flattened(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested values as Stripe's forms write them: {"a": {"b": [1]}} becomes a[b][0]=1. None is left out."""
    for name, value in values.items():
        key = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, Mapping):
            yield from flattened(value, key)
        elif isinstance(value, list | tuple):
            yield from flattened({str(place): each for place, each in enumerate(value)}, key)
        elif value is not None:
            yield key, str(value)


def _refusal(status: int, found: dict[str, Any]) -> DomainError:
    """What Stripe's status means to us. 401 of Stripe is never our 401."""
    error = found.get("error")
    error = error if isinstance(error, dict) else {}
    said, code = _text(error.get("message"))[:300], _text(error.get("code"))
    if status == 401:
        return StripeKeyRefused(_("Stripe refuses the secret key. Store a valid one."), param="stripe_secret_key")
    if status == 403:
        return StripeKeyRefused(_("Stripe does not let this key do that. Use a key with full access."), param="stripe_secret_key")
    if status == 404 or code == "resource_missing":
        return NotFound(said or _("Stripe does not know this any more."))
    if status == 409:
        return Conflict(said or _("Stripe is still busy with the same request. Try again in a moment."))
    if 400 <= status < 500 and status not in (408, 429):
        return Invalid(_("Stripe refuses this: %(said)s") % {"said": said or str(status)})
    return StripeTrouble(_("Stripe does not answer as it should. Try again in a minute."))


def _session(found: dict[str, Any]) -> Session:
    id = _text(found.get("id"))
    if not id:
        raise StripeTrouble(_("Stripe does not answer as it should. Try again in a minute."))
    intent, total = found.get("payment_intent"), found.get("amount_total")
    return Session(
        id=id, url=_text(found.get("url")) or None, status=_text(found.get("status")),
        payment_status=_text(found.get("payment_status")),
        payment_intent=_text(intent.get("id") if isinstance(intent, dict) else intent),
        amount_cents=total if isinstance(total, int) else 0, currency=_text(found.get("currency")),
    )  # fmt: skip


def _id(value: Any) -> str:
    """An object that stands there by its id, or as itself."""
    return _text(value.get("id") if isinstance(value, dict) else value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
