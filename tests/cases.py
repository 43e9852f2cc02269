"""The fixed cast: Ada owns an agency, Ben works in it, Cleo is its client, Dov is a stranger."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError
from django.test import Client, TestCase, TransactionTestCase

from apps.accounts.models import User
from apps.core import queue
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from tests import factories


class Api:
    """A programmer's client of one organization: `get("/assistants")`, `post("/assistants", {...})`."""

    def __init__(self, organization: Organization, *, key: str | None = None, read_only: bool = False) -> None:
        self.key = key or factories.make_key(organization, read_only=read_only)
        self.client = Client(headers={"authorization": f"Bearer {self.key}"})

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Any:
        return self.client.get(f"/api/v1{path}", query, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("post", path, body, headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("patch", path, body, headers)

    def delete(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("delete", path, body, headers)

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        data = {} if body is None else body
        return getattr(self.client, method)(f"/api/v1{path}", data, content_type="application/json", headers=headers)


class Cast:
    """Agency "Northwind Voice" (Ada owns, Ben is a member), its client "Bakker Dental" (Cleo owns), stranger "Dove and Co" (Dov)."""

    databases = {"default", "owner"}
    agency: Organization
    client_org: Organization
    stranger: Organization
    ada: User
    ben: User
    cleo: User
    dov: User

    @classmethod
    def make_cast(cls, into: Any) -> None:
        brand = factories.installation()
        into.agency = factories.make_organization("Northwind Voice", brand=brand)
        into.client_org = factories.make_organization("Bakker Dental", brand=brand, parent=into.agency)
        into.stranger = factories.make_organization("Dove and Co", brand=brand)
        into.ada, into.ben, into.cleo, into.dov = (factories.make_user(name) for name in ("Ada", "Ben", "Cleo", "Dov"))
        factories.make_member(into.agency, into.ada, "owner")
        factories.make_member(into.agency, into.ben, "member")
        factories.make_member(into.client_org, into.cleo, "owner")
        factories.make_member(into.stranger, into.dov, "owner")

    def as_(self, user: User, **headers: str) -> Client:
        """A browser in which `user` is signed in, and has said why she enters the workspaces of her agency's clients."""
        factories.make_visits(user)
        browser = Client(headers=headers)
        browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return browser

    def api(self, organization: Organization, **options: Any) -> Api:
        return Api(organization, **options)

    def acting_for(self, organization: Organization) -> Any:
        """Read and write rows of `organization` (and its parent) in a test."""
        ids = [organization.pk, *([organization.parent_id] if organization.parent_id else [])]
        return acting(Scope(tuple(ids)))


class TenantCase(Cast, TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.make_cast(cls)


class Emptied(TransactionTestCase):
    """Tables that are emptied afterwards, also while somebody the test has started still writes for a moment."""

    def _fixture_teardown(self) -> None:
        for pause in (0.5, 2.0, 8.0):
            try:
                return super()._fixture_teardown()
            except CommandError:
                # Locked, or the one whom a deadlock struck: what is left here would fail every test that follows.
                time.sleep(pause)
        return super()._fixture_teardown()


class CommittedCase(Cast, Emptied):
    """For what needs real commits: threads, tasks on commit, other processes."""

    def setUp(self) -> None:
        # A test before this one may have taken the queue away.
        queue.outage.forget()
        self.make_cast(self)
