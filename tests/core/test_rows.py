"""Whole rows by a hand-written statement are the same as Django's own."""

from __future__ import annotations

from apps.assistants.models import Assistant
from apps.core.postgres.rows import Rows
from apps.organizations.models import Organization
from tests import factories
from tests.calls.support import scope_of
from tests.cases import TenantCase

JOINED = Rows(
    """
    SELECT {owner}, {parent}, {assistant} FROM organizations_organization owner
    LEFT JOIN organizations_organization parent ON parent.id = owner.parent_id
    LEFT JOIN assistants_assistant assistant ON assistant.organization_id = owner.id
    WHERE owner.id = %(id)s
    """,
    owner=Organization, parent=Organization, assistant=Assistant,
)  # fmt: skip


class RowsTest(TenantCase):
    def test_each_field_is_read_as_django_reads_it(self) -> None:
        self.client_org.webhook_secret, self.client_org.webhook_events = "s3cret-of-the-client", ["call.ended"]
        with scope_of(self.client_org):
            self.client_org.save(update_fields=["webhook_secret", "webhook_events"])
        made = factories.make_assistant(self.client_org)
        with scope_of(self.client_org), self.assertNumQueries(1):
            ((owner, parent, assistant),) = JOINED.read({"id": self.client_org.pk})
        self.assertEqual((owner, parent, assistant), (self.client_org, self.agency, made))
        self.assertEqual((owner.webhook_events, owner.webhook_secret), (["call.ended"], "s3cret-of-the-client"))
        with scope_of(self.client_org):
            stored = Assistant.objects.get(pk=made.pk)
        for field in Assistant._meta.concrete_fields:
            self.assertEqual(getattr(assistant, field.attname), getattr(stored, field.attname), field.name)
        self.assertFalse(assistant._state.adding)

    def test_what_an_outer_join_does_not_find_is_none(self) -> None:
        with scope_of(self.agency):
            ((owner, parent, assistant),) = JOINED.read({"id": self.agency.pk})
        self.assertEqual((owner, parent, assistant), (self.agency, None, None))
