"""Objects and events as Stripe writes them (API version 2024-06-20), recorded field by field with invented values."""

from __future__ import annotations

import secrets
import time
from typing import Any

VERSION = "2024-06-20"


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def account() -> dict[str, Any]:
    return {
        "id": "acct_1PgafTEST0standin", "object": "account", "business_type": "company", "charges_enabled": True, "country": "NL",
        "default_currency": "eur", "details_submitted": True, "email": "billing@agency.example", "payouts_enabled": True,
        "type": "standard",
    }  # fmt: skip


def customer(values: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id("cus"), "object": "customer", "address": values.get("address"), "balance": 0, "created": now(),
        "currency": None, "default_source": None, "delinquent": False, "email": values.get("email"), "livemode": False,
        "metadata": values.get("metadata", {}), "name": values.get("name"), "tax_exempt": "none",
    }  # fmt: skip


def session(values: dict[str, Any], base: str, off: int = 0) -> dict[str, Any]:
    ident = new_id("cs_test")
    lines = values.get("line_items", {}).values()
    subtotal = sum(int(each["price_data"]["unit_amount"]) * int(each.get("quantity", 1)) for each in lines)
    total = max(0, subtotal - off)
    currency = next((each["price_data"]["currency"] for each in lines), "eur")
    return {
        "id": ident, "object": "checkout.session", "amount_subtotal": subtotal, "amount_total": total, "automatic_tax": {"enabled": False},
        "cancel_url": values.get("cancel_url"), "client_reference_id": values.get("client_reference_id"), "created": now(),
        "currency": currency, "customer": values.get("customer"), "customer_email": None, "expires_at": now() + 86400, "invoice": None,
        "livemode": False, "locale": values.get("locale"), "metadata": values.get("metadata", {}), "mode": values.get("mode"),
        "payment_intent": None, "payment_method_types": ["card", "ideal"], "payment_status": "unpaid", "status": "open",
        "subscription": None, "success_url": values.get("success_url"), "total_details": {"amount_discount": subtotal - total, "amount_tax": 0},
        "url": f"{base}/pay/{ident}",
    }  # fmt: skip


def charge(session: dict[str, Any], payment_intent: str, metadata: dict[str, str]) -> dict[str, Any]:
    return {
        "id": new_id("ch"), "object": "charge", "amount": session["amount_total"], "amount_captured": session["amount_total"],
        "amount_refunded": 0, "captured": True, "created": now(), "currency": session["currency"], "customer": session["customer"],
        "disputed": False, "livemode": False, "metadata": metadata, "paid": True, "payment_intent": payment_intent, "refunded": False,
        "status": "succeeded",
    }  # fmt: skip


def refund(charge: dict[str, Any], amount: int, metadata: dict[str, str]) -> dict[str, Any]:
    return {
        "id": new_id("re"), "object": "refund", "amount": amount, "charge": charge, "created": now(), "currency": charge["currency"],
        "metadata": metadata, "payment_intent": charge["payment_intent"], "reason": None, "status": "succeeded",
    }  # fmt: skip


def subscription(session: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    start, days = now(), int(data.get("trial_period_days", 0))
    return {
        "id": new_id("sub"), "object": "subscription", "cancel_at": None, "cancel_at_period_end": False, "canceled_at": None,
        "collection_method": "charge_automatically", "created": start, "currency": session["currency"],
        "current_period_end": start + (days or 30) * 86400, "current_period_start": start, "customer": session["customer"],
        "default_payment_method": new_id("pm"), "livemode": False, "metadata": data.get("metadata", {}),
        "status": "trialing" if days else "active",
        "trial_end": start + days * 86400 if days else None,
    }  # fmt: skip


def invoice(subscription: dict[str, Any], cents: int, *, paid: bool, reason: str) -> dict[str, Any]:
    return {
        "id": new_id("in"), "object": "invoice", "amount_due": cents, "amount_paid": cents if paid else 0,
        "amount_remaining": 0 if paid else cents, "attempt_count": 1, "billing_reason": reason,
        "collection_method": "charge_automatically", "created": now(), "currency": subscription["currency"],
        "customer": subscription["customer"], "livemode": False, "metadata": {}, "paid": paid, "status": "paid" if paid else "open",
        "subscription": subscription["id"], "subscription_details": {"metadata": subscription["metadata"]}, "total": cents,
    }  # fmt: skip


def coupon(values: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": secrets.token_hex(4), "object": "coupon", "amount_off": int(values["amount_off"]), "created": now(),
        "currency": values["currency"], "duration": values["duration"], "livemode": False, "max_redemptions": int(values["max_redemptions"]),
        "metadata": {}, "name": values["name"], "percent_off": None, "redeem_by": None, "times_redeemed": 0, "valid": True,
    }  # fmt: skip


def draft(values: dict[str, Any]) -> dict[str, Any]:
    """An invoice that belongs to no subscription."""
    return {
        "id": new_id("in"), "object": "invoice", "amount_due": 0, "amount_paid": 0, "amount_remaining": 0, "attempt_count": 0,
        "auto_advance": values.get("auto_advance") == "true", "billing_reason": "manual", "collection_method": values["collection_method"],
        "created": now(), "currency": values["currency"], "customer": values["customer"],
        "default_payment_method": values.get("default_payment_method"), "description": values.get("description"), "livemode": False,
        "metadata": values.get("metadata", {}), "paid": False, "status": "draft", "subscription": None, "subscription_details": None,
        "total": 0,
    }  # fmt: skip


def newer_invoice(invoice: dict[str, Any]) -> dict[str, Any]:
    """The same in API version 2025-03-31 and later: what it belongs to stands below `parent`."""
    found = {name: value for name, value in invoice.items() if name not in ("subscription", "subscription_details", "paid")}
    details = {"metadata": invoice["subscription_details"]["metadata"], "subscription": invoice["subscription"]}
    return found | {"parent": {"type": "subscription_details", "quote_details": None, "subscription_details": details}}


def event(type: str, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id("evt"), "object": "event", "api_version": VERSION, "created": now(), "data": {"object": found}, "livemode": False,
        "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None}, "type": type,
    }  # fmt: skip


def error(code: str, message: str, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"code": code, "doc_url": "", "message": message, "type": kind}}


def now() -> int:
    return int(time.time())
