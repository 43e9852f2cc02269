"""An agency's deliveries that were given up, and the delivery log's pages by name."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from apps.accounts.models import User
from apps.organizations.models import Organization
from apps.webhooks.models import Delivery, Endpoint
from apps.webhooks.targets import url_digest
from tests import factories
from tests.cases import TenantCase

SECRET = "whsec_never_on_a_page"


class Pages(TenantCase):
    def url(self, name: str, *args: object, org: Organization | None = None) -> str:
        return reverse(name, args=[(org or self.agency).slug, *args])

    def make(self, url: str = "https://a.example/hook", org: Organization | None = None, **fields: Any) -> Delivery:
        """One that was given up; encrypted fields are given as text."""
        return factories.make_delivery(org or self.agency, url, **{"secret": SECRET} | fields)

    def list(self, user: User | None = None, org: Organization | None = None, **query: str) -> list[str]:
        """Addresses the list shows, in its order."""
        answer = self.as_(user or self.ada).get(self.url("deliveries", org=org), query)
        assert answer.status_code == 200, answer.status_code
        return [row.url for row in answer.context["page"].rows]

    def fresh(self, row: Delivery) -> Delivery:
        with self.acting_for(self.agency):
            return Delivery.objects.get(pk=row.pk)

    def viewer(self) -> User:
        user = factories.make_user("Vic")
        factories.make_member(self.agency, user, "viewer")
        return user

    def switch_off(self, row: Delivery) -> None:
        with self.acting_for(self.agency):
            Endpoint.objects.create(
                organization=self.agency, level=row.level, owner_id=row.owner_id, url=row.url,
                url_digest=url_digest(row.url), off_at=factories.NOW, off_reason="gone",
            )  # fmt: skip
