"""The server: what it answers, and the events that follow."""

from __future__ import annotations

import hashlib
import hmac
import html
import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.stripe import shapes
from tests.stripe.pages import checkout_page, portal_page

KEY = "sk_test_51PgafStandIn"
SECRET = "whsec_standin0123456789"
Delivery = Callable[[bytes, dict[str, str]], int]


@dataclass
class Reply:
    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    method: str
    path: str
    values: dict[str, Any]
    headers: dict[str, str]


class StripeServer:
    """Accepts the keys of `keys`. Events are posted to `hooks` (url, secret); `deliver` takes them in a test instead.

    `refusal`: what every API request gets instead of an answer. `asked`: the API requests so far.
    """

    def __init__(self, port: int = 0, *, host: str = "127.0.0.1", deliver: Delivery | None = None, any_key: bool = False) -> None:
        self.keys, self.any_key, self.hooks = {KEY}, any_key, list[tuple[str, str]]()
        self.deliver, self.refusal, self.asked = deliver, None, list[Asked]()
        self.customers: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.charges: dict[str, dict[str, Any]] = {}
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.coupons: dict[str, dict[str, Any]] = {}
        self.invoices: dict[str, dict[str, Any]] = {}
        self.refunds: list[dict[str, Any]] = []
        self.answered: dict[str, tuple[str, Reply]] = {}
        self._made_for: dict[str, dict[str, Any]] = {}
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer((host, port), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://{host}:{self._server.server_address[1]}"

    def __enter__(self) -> StripeServer:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        self._server.serve_forever()

    # What people and time do at Stripe ---------------------------------------------------------------------------

    def pay(self, ident: str, *, later: bool = False) -> list[dict[str, Any]]:
        """Complete a Checkout page; `later`: the bank has to confirm first (see `confirm`). Returns the events, in order."""
        session = self.sessions[ident]
        values = self._made_for[ident]
        if session["status"] == "complete":
            return []
        session |= {"status": "complete", "url": None}
        if session["mode"] == "subscription":
            return self._begin(session, values)
        session |= {"payment_intent": shapes.new_id("pi"), "payment_status": "unpaid" if later else "paid"}
        metadata = values.get("payment_intent_data", {}).get("metadata", {})
        self.charges[session["payment_intent"]] = shapes.charge(session, session["payment_intent"], metadata)
        return self.tell(("checkout.session.completed", dict(session)))

    def confirm(self, ident: str, *, succeeds: bool = True) -> list[dict[str, Any]]:
        """The bank's answer to a payment that was completed `later`."""
        session = self.sessions[ident]
        session["payment_status"] = "paid" if succeeds else "unpaid"
        word = "succeeded" if succeeds else "failed"
        return self.tell((f"checkout.session.async_payment_{word}", dict(session)))

    def expire(self, ident: str) -> list[dict[str, Any]]:
        self.sessions[ident] |= {"status": "expired", "url": None}
        return self.tell(("checkout.session.expired", dict(self.sessions[ident])))

    def give_back(self, payment_intent: str, amount: int) -> list[dict[str, Any]]:
        """A refund that the agency makes at Stripe itself."""
        charge = self.charges[payment_intent]
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        return self.tell(("charge.refunded", dict(charge)))

    def collect(self, ident: str, cents: int, *, succeeds: bool = True) -> list[dict[str, Any]]:
        """The next month of a subscription."""
        subscription = self.subscriptions[ident]
        subscription["status"] = "active" if succeeds else "past_due"
        invoice = shapes.invoice(subscription, cents, paid=succeeds, reason="subscription_cycle")
        return self.tell(("invoice.paid" if succeeds else "invoice.payment_failed", invoice))

    def charge(self, ident: str, *, succeeds: bool = True) -> list[dict[str, Any]]:
        """An hour later: an open invoice of its own is collected."""
        invoice = self.invoices[ident]
        assert (invoice["status"], invoice["auto_advance"]) == ("open", True)
        cents = invoice["amount_due"]
        if succeeds:
            invoice |= {"status": "paid", "paid": True, "amount_paid": cents, "amount_remaining": 0}
        return self.tell(("invoice.paid" if succeeds else "invoice.payment_failed", dict(invoice)))

    def cancel(self, ident: str, *, at_once: bool = False) -> list[dict[str, Any]]:
        subscription = self.subscriptions[ident]
        if at_once:
            subscription |= {"status": "canceled", "canceled_at": shapes.now()}
            return self.tell(("customer.subscription.deleted", dict(subscription)))
        subscription["cancel_at_period_end"] = True
        return self.tell(("customer.subscription.updated", dict(subscription)))

    def tell(self, *events: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        made = [shapes.event(type, found) for type, found in events]
        for each in made:
            self.post(each)
        return made

    def post(self, event: dict[str, Any], *, secret: str = SECRET, at: int | None = None) -> list[int]:
        """Post an event, signed; once more is a repeat. Returns the statuses."""
        body = json.dumps(event, indent=2).encode()
        if self.deliver:
            return [self.deliver(body, {"Stripe-Signature": sign(secret, body, at)})]
        return [_post(url, body, {"Stripe-Signature": sign(known, body, at)}) for url, known in self.hooks]

    # The API -----------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        values = nested(parse_qsl(body.decode(), keep_blank_values=True))
        parts = urlsplit(path).path.strip("/").split("/")
        if parts[0] in ("pay", "portal"):
            return self._page(method, parts, values)
        key = headers.get("authorization", "").removeprefix("Bearer ")
        if "wrong" in key or (not self.any_key and key not in self.keys):
            return Reply(401, shapes.error("", f"Invalid API Key provided: {key[:7]}***", "invalid_request_error"))
        with self._lock:
            self.asked.append(Asked(method, "/" + "/".join(parts), values, headers))
            if self.refusal:
                return self.refusal
            return self._once(headers.get("idempotency-key", ""), f"{method} {path} {body!r}", lambda: self._api(method, parts[1:], values))

    def _once(self, key: str, request: str, make: Callable[[], Reply]) -> Reply:
        """The first answer of a key again; another request with it is refused."""
        if not key:
            return make()
        if key not in self.answered:
            self.answered[key] = (request, make())
        known, reply = self.answered[key]
        if known != request:
            return Reply(400, shapes.error("", "Keys for idempotent requests can only be used with the same parameters.", "idempotency_error"))
        return reply

    def _api(self, method: str, parts: list[str], values: dict[str, Any]) -> Reply:
        match method, parts:
            case "GET", ["account"]:
                return Reply(200, shapes.account())
            case "POST", ["customers"]:
                found = shapes.customer(values)
                self.customers[found["id"]] = found
                return Reply(200, found)
            case "POST", ["checkout", "sessions"]:
                if values.get("customer") not in self.customers:
                    return Reply(400, shapes.error("resource_missing", f"No such customer: '{values.get('customer')}'"))
                coupons = [self.coupons[each["coupon"]] for each in values.get("discounts", {}).values()]
                found = shapes.session(values, self.url, sum(each["amount_off"] for each in coupons))
                self.sessions[found["id"]], self._made_for[found["id"]] = found, values
                return Reply(200, dict(found))
            case "GET", ["checkout", "sessions", ident] if ident in self.sessions:
                return Reply(200, self.sessions[ident])
            case "POST", ["coupons"]:
                found = shapes.coupon(values)
                self.coupons[found["id"]] = found
                return Reply(200, found)
            case "POST", ["invoices"]:
                found = shapes.draft(values)
                self.invoices[found["id"]] = found
                return Reply(200, found)
            case "POST", ["invoiceitems"]:
                return self._add_line(values)
            case "POST", ["invoices", ident, "finalize"] if ident in self.invoices and self.invoices[ident]["status"] == "draft":
                self.invoices[ident] |= {"status": "open", "auto_advance": values.get("auto_advance") == "true"}
                return Reply(200, self.invoices[ident])
            case "POST", ["refunds"]:
                return self._refund(values)
            case "POST", ["billing_portal", "sessions"]:
                ident, back = values["customer"], values["return_url"]
                return Reply(200, {"id": shapes.new_id("bps"), "object": "billing_portal.session", "url": f"{self.url}/portal/{ident}?back={back}"})
            case "POST", ["webhook_endpoints"]:
                self.hooks.append((values["url"], SECRET))
                return Reply(200, {"id": shapes.new_id("we"), "object": "webhook_endpoint", "secret": SECRET, "status": "enabled", "url": values["url"]})
            case "GET", ["subscriptions", ident] if ident in self.subscriptions:
                return Reply(200, self.subscriptions[ident])
            case "DELETE", ["subscriptions", ident] if ident in self.subscriptions:
                self.subscriptions[ident] |= {"status": "canceled", "canceled_at": shapes.now()}
                return Reply(200, self.subscriptions[ident])
        return Reply(404, shapes.error("resource_missing", f"Unrecognized request URL or object ({method}: /v1/{'/'.join(parts)})."))

    def _add_line(self, values: dict[str, Any]) -> Reply:
        invoice = self.invoices.get(values.get("invoice", ""))
        if invoice is None or invoice["status"] != "draft" or invoice["customer"] != values["customer"]:
            return Reply(400, shapes.error("", "The specified invoice is not a draft of this customer."))
        for name in ("amount_due", "amount_remaining", "total"):
            invoice[name] += int(values["amount"])
        return Reply(200, {"id": shapes.new_id("ii"), "object": "invoiceitem", "amount": int(values["amount"]), "invoice": invoice["id"]})

    def _refund(self, values: dict[str, Any]) -> Reply:
        charge = self.charges.get(values.get("payment_intent", ""))
        amount = int(values.get("amount", 0))
        if charge is None:
            return Reply(404, shapes.error("resource_missing", "No such payment_intent"))
        if amount > charge["amount"] - charge["amount_refunded"]:
            return Reply(400, shapes.error("charge_already_refunded", "Refund amount is greater than unrefunded amount on charge."))
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        made = shapes.refund(dict(charge), amount, values.get("metadata", {}))
        self.refunds.append(made)
        event = shapes.event("charge.refunded", dict(charge))
        # Stripe's event comes on its own way, before or after the answer.
        threading.Thread(target=self.post, args=(event,), daemon=True).start() if self.deliver is None else None
        return Reply(200, made)

    def _begin(self, session: dict[str, Any], values: dict[str, Any]) -> list[dict[str, Any]]:
        data = values.get("subscription_data", {})
        found = shapes.subscription(session, data)
        self.subscriptions[found["id"]] = found
        cents = 0 if found["status"] == "trialing" else session["amount_total"]
        invoice = shapes.invoice(found, cents, paid=True, reason="subscription_create")
        session |= {"subscription": found["id"], "invoice": invoice["id"], "payment_status": "paid"}
        # The order in which they really come.
        return self.tell(("invoice.paid", invoice), ("checkout.session.completed", dict(session)))

    def _page(self, method: str, parts: list[str], values: dict[str, Any]) -> Reply:
        text = {"Content-Type": "text/html; charset=utf-8"}
        if parts[0] == "portal":
            own = [each for each in self.subscriptions.values() if each["customer"] == parts[1]]
            if method == "POST":
                for each in own:
                    self.cancel(each["id"])
            return Reply(200, portal_page(own).encode(), text)
        session = self.sessions.get(parts[1])
        if session is None:
            return Reply(404, b"No such page", text)
        if method == "GET":
            return Reply(200, checkout_page(session).encode(), text)
        match values.get("do"):
            case "pay":
                self.pay(parts[1])
            case "expire":
                self.expire(parts[1])
        back = session["cancel_url"] if values.get("do") == "cancel" else session["success_url"]
        return Reply(303, html.escape(back).encode(), text | {"Location": back})


def sign(secret: str, body: bytes, at: int | None = None) -> str:
    """Written from Stripe's documentation, not from the product's code."""
    at = at if at is not None else int(time.time())
    return f"t={at},v1=" + hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """a[b][0]=1 as {"a": {"b": {"0": "1"}}}."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        first, *rest = re.findall(r"[^\[\]]+", name)
        at, path = found, [first, *rest]
        for step in path[:-1]:
            at = at.setdefault(step, {})
        at[path[-1]] = value
    return found


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    host = urlsplit(url).netloc
    # Names below localhost are this machine, whatever the resolver thinks of them.
    here = url.replace(host, host.replace(urlsplit(url).hostname or "", "127.0.0.1"), 1) if ".localhost" in host else url
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0", "Host": host} | headers
    request = urllib.request.Request(here, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _handler(outer: StripeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        wbufsize = 65536

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = outer.answer(self.command, self.path, headers, self.rfile.read(length))
            data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in ({"Content-Type": "application/json", "Content-Length": str(len(data))} | reply.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, *args: Any) -> None:
            pass

    return Handler
