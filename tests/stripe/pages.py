"""The pages that a person sees at the payment provider, as plain as they can be."""

from __future__ import annotations

from html import escape
from typing import Any


def checkout_page(session: dict[str, Any]) -> str:
    if session["status"] != "open":
        return _page("This page is over", f"<p>Status: {escape(session['status'])}</p>")
    amount = f"{session['amount_total'] / 100:.2f} {session['currency'].upper()}"
    buttons = "".join(
        f'<button name="do" value="{value}" id="{value}">{label}</button> '
        for value, label in (("pay", f"Pay {amount}"), ("cancel", "Back"), ("expire", "Let it expire"))
    )
    return _page("Pay by card (stand-in)", f"<p>4242 4242 4242 4242</p><form method='post'>{buttons}</form>")


def portal_page(subscriptions: list[dict[str, Any]]) -> str:
    rows = "".join(f"<li>{escape(each['id'])}: {escape(each['status'])}</li>" for each in subscriptions)
    return _page("Your subscriptions (stand-in)", f"<ul>{rows}</ul><form method='post'><button id='end'>End at the end of the month</button></form>")


def _page(title: str, body: str) -> str:
    return f"<!doctype html><meta charset=utf-8><link rel=icon href='data:,'><title>{title}</title><h1>{title}</h1>{body}"
