"""Resend's API as a small server on loopback: accounts by key, their domains, the mails they sent."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.receivers import Received, Receiver, Reply

KEY = "re_123456789"


@dataclass
class Account:
    """`refusal`: what every request of this account gets instead of an answer."""

    domains: dict[str, dict[str, Any]] = field(default_factory=dict)
    mails: list[dict[str, Any]] = field(default_factory=list)
    answered: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    refusal: Reply | None = None


class Resend(Receiver):
    """`with Resend() as resend, override_settings(RESEND_API_URL=resend.url)`; `account(key)` is what a key opens."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.accounts = {KEY: Account()}
        self.page_size = 100

    def __enter__(self) -> Resend:
        super().__enter__()
        return self

    def account(self, key: str = KEY) -> Account:
        return self.accounts.setdefault(key, Account())

    def add(self, name: str, status: str = "not_started", *, key: str = KEY) -> str:
        """A domain of the account; returns its id."""
        domain = _domain(name, "eu-west-1") | {"status": status}
        self.account(key).domains[domain["id"]] = domain
        return domain["id"]

    def refuse(self, status: int, name: str = "application_error", message: str = "No.", *, key: str = KEY, **headers: str) -> None:
        """Let every request of the account fail like this."""
        body = {"statusCode": status, "name": name, "message": message}
        self.account(key).refusal = Reply(status, body, headers)

    def asked(self) -> list[str]:
        """The requests so far, `GET /domains`, without their queries."""
        return [f"{each.method} {urlsplit(each.path).path}" for each in self.received]

    def _answer(self, got: Received) -> Reply:
        account = self.accounts.get(got.headers.get("authorization", "").removeprefix("Bearer "))
        if account is None:
            return _error(401, "invalid_api_key", "API key is invalid")
        if account.refusal:
            return account.refusal
        path, query = urlsplit(got.path).path, parse_qs(urlsplit(got.path).query)
        parts = path.strip("/").split("/")
        if parts == ["emails"] and got.method == "POST":
            return self._mail(account, got)
        if parts == ["domains"]:
            return self._create(account, got) if got.method == "POST" else self._list(account, query)
        domain = account.domains.get(parts[1]) if parts[0] == "domains" else None
        if domain is None:
            return _error(404, "not_found", "Domain not found")
        if got.method == "DELETE":
            del account.domains[domain["id"]]
            return Reply(200, {"object": "domain", "id": domain["id"], "deleted": True})
        if parts[2:] == ["verify"]:
            domain["status"] = "pending"
            return Reply(200, {"object": "domain", "id": domain["id"]})
        return Reply(200, domain)

    def _list(self, account: Account, query: dict[str, list[str]]) -> Reply:
        ids = list(account.domains)
        start = ids.index(query["after"][0]) + 1 if "after" in query else 0
        page = ids[start : start + self.page_size]
        rows = [{name: value for name, value in account.domains[each].items() if name != "records"} for each in page]
        return Reply(200, {"object": "list", "has_more": start + len(page) < len(ids), "data": rows})

    def _create(self, account: Account, got: Received) -> Reply:
        name = got.json["name"]
        if any(each["name"] == name for one in self.accounts.values() for each in one.domains.values()):
            return _error(403, "validation_error", f"The {name} domain has been registered already.")
        domain = _domain(name, got.json.get("region", "us-east-1"))
        account.domains[domain["id"]] = domain
        return Reply(201, domain)

    def _mail(self, account: Account, got: Received) -> Reply:
        key = got.headers.get("idempotency-key", "")
        if key in account.answered:
            body, answer = account.answered[key]
            if body != got.body:
                return _error(409, "invalid_idempotent_request", "Same idempotency key used with a different body.")
            return Reply(200, {"id": answer})
        mail = json.loads(got.body)
        domain = mail["from"].rpartition("@")[2].rstrip(">")
        if not any(each["name"] == domain and each["status"] == "verified" for each in account.domains.values()):
            return _error(403, "validation_error", f"The {domain} domain is not verified.")
        answer = str(uuid.uuid4())
        account.mails.append(mail)
        account.answered[key] = (got.body, answer)
        return Reply(200, {"id": answer})


def _domain(name: str, region: str) -> dict[str, Any]:
    return {
        "object": "domain", "id": str(uuid.uuid4()), "name": name, "status": "not_started", "region": region,
        "created_at": "2026-11-01 09:00:00.000000+00",
        "records": [
            {"record": "SPF", "name": "send", "type": "MX", "ttl": "Auto", "status": "not_started",
             "value": f"feedback-smtp.{region}.amazonses.com", "priority": 10},
            {"record": "SPF", "name": "send", "type": "TXT", "ttl": "Auto", "status": "not_started",
             "value": "v=spf1 include:amazonses.com ~all"},
            {"record": "DKIM", "name": "resend._domainkey", "type": "TXT", "ttl": 3600, "status": "not_started",
             "value": "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ"},
        ],
    }  # fmt: skip


def _error(status: int, name: str, message: str) -> Reply:
    return Reply(status, {"statusCode": status, "name": name, "message": message})
