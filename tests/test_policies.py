"""Row-level security, read from PostgreSQL's own catalogue and tried with two tenants' rows."""

from __future__ import annotations

import re

import pytest
from django.db import DatabaseError, InternalError, ProgrammingError, connection, connections, transaction

from apps.assistants.models import Assistant
from apps.core.postgres.operations import POLICIES
from apps.core.scope import Scope, acting
from apps.organizations.models import AuditEntry, Organization
from apps.organizations.scopes import overview
from tests import factories
from tests.cases import CommittedCase, TenantCase

WITHOUT_POLICIES = {
    "accounts_user", "accounts_user_groups", "accounts_user_user_permissions", "accounts_securityevent", "branding_brand",
    "branding_domain", "branding_brandimage", "portal_signup", "organizations_featuredefault", "billing_ratecard", "account_emailaddress", "account_emailconfirmation", "mfa_authenticator",
    "usersessions_usersession", "django_session", "django_admin_log", "django_content_type", "django_migrations",
    "auth_group", "auth_group_permissions", "auth_permission", "allauth_idp_oidc_client", "allauth_idp_oidc_token",
}  # fmt: skip
SHARED = {"mail_message", "voice_connection", "calls_engineevent", "campaigns_rulepack"}
DOORS = {
    "member_of",
    "organizations_of",
    "organization_of_key",
    "invitation_of",
    "organization_of_hook",
    "search_calls",
    "organization_of_stripe_hook",
    "organization_of_embed",
    "agency_of_brand",
}


def rows(sql: str, *params: object) -> list[tuple]:
    with connections["default"].cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


class CatalogueTest(TenantCase):
    def test_every_other_table_forces_row_security(self) -> None:
        tables = rows(
            "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        self.assertEqual({name for name, on, forced in tables if not (on and forced)}, WITHOUT_POLICIES)

    def test_every_tenant_table_has_the_three_policies_word_for_word(self) -> None:
        found: dict[str, set[tuple]] = {}
        for table, name, command, using, check in rows(
            "SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies"
        ):
            found.setdefault(table, set()).add((name, command, using, check))
        model = found["assistants_assistant"]
        self.assertEqual({name for name, *_rest in model}, {"tenant", "overview", "operator"})
        for table, policies in found.items():
            column = "id" if table == "organizations_organization" else "organization_id"
            wanted = {
                (
                    name,
                    command,
                    *(_shaped(each, column, table in SHARED and name == "tenant") for each in (using, check)),
                )
                for name, command, using, check in model
            }
            self.assertEqual(policies, wanted, table)

    def test_the_operation_writes_what_the_rule_says(self) -> None:
        self.assertEqual(len(re.findall("CREATE POLICY", POLICIES)), 3)
        self.assertIn("FORCE ROW LEVEL SECURITY", POLICIES)

    def test_the_application_owns_nothing_and_bypasses_nothing(self) -> None:
        self.assertEqual(
            rows("SELECT current_user::text, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"),
            [("switchboard_app", False, False)],
        )
        self.assertEqual(rows("SELECT count(*) FROM pg_tables WHERE tableowner = current_user"), [(0,)])

    def test_only_the_doors_run_as_the_owner(self) -> None:
        doors = rows("SELECT proname, proconfig FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace")
        self.assertEqual({name for name, _config in doors}, DOORS)
        self.assertEqual({tuple(config) for _name, config in doors}, {("search_path=public, pg_temp",)})

    def test_append_only_tables_take_no_change(self) -> None:
        for table in ("billing_ledgerentry", "organizations_auditentry", "billing_invoice", "billing_payment"):
            rights = {
                name
                for (name,) in rows(
                    "SELECT privilege_type FROM information_schema.role_table_grants WHERE table_name = %s AND grantee = 'switchboard_app'",
                    table,
                )
            }
            self.assertEqual(rights, {"SELECT", "INSERT"}, table)


def _shaped(text: str | None, column: str, shared: bool) -> str | None:
    if text is None or "organization_id" not in text:
        return text
    text = text.replace("organization_id", column)
    return f"(({column} IS NULL) OR {text})" if shared else text


class ScopeTest(TenantCase):
    def setUp(self) -> None:
        self.ours = factories.make_assistant(self.client_org, name="Ours")
        self.theirs = factories.make_assistant(self.stranger, name="Theirs")

    def test_without_a_scope_a_tenant_table_raises(self) -> None:
        with pytest.raises((ProgrammingError, DatabaseError, InternalError)), transaction.atomic():
            list(Assistant.objects.all())

    def test_a_scope_sees_its_own_rows_only(self) -> None:
        with acting(Scope((self.client_org.pk,))):
            self.assertEqual(list(Assistant.objects.all()), [self.ours])
        with acting(Scope((self.stranger.pk,))):
            self.assertEqual(list(Assistant.objects.all()), [self.theirs])
        with acting(Scope(())):
            self.assertEqual(list(Assistant.objects.all()), [])

    def test_a_row_for_somebody_else_cannot_be_written(self) -> None:
        with acting(Scope((self.client_org.pk,))):
            with pytest.raises(DatabaseError), transaction.atomic():
                Assistant.objects.create(organization=self.stranger, name="Planted")
            self.assertEqual(Assistant.objects.filter(pk=self.theirs.pk).update(name="Taken"), 0)
            self.assertEqual(Assistant.objects.filter(pk=self.theirs.pk).delete()[0], 0)

    def test_overview_reads_all_and_writes_nothing(self) -> None:
        with acting(overview("this test")):
            self.assertEqual(set(Assistant.objects.all()), {self.ours, self.theirs})
            self.assertEqual(Assistant.objects.all().update(name="Changed"), 0)

    def test_a_rolled_back_savepoint_sends_the_scope_again(self) -> None:
        with acting(Scope((self.client_org.pk,))):
            try:
                with transaction.atomic():
                    list(Assistant.objects.all())
                    raise ValueError
            except ValueError:
                pass
            self.assertEqual(list(Assistant.objects.all()), [self.ours])

    def test_a_link_to_another_tenant_is_refused(self) -> None:
        with acting(Scope((self.client_org.pk,))), transaction.atomic():
            row = factories.make_number(self.client_org, assistant=self.theirs)
            with connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            row.delete()

    def test_audit_rows_cannot_be_changed(self) -> None:
        with acting(Scope((self.client_org.pk,))):
            row = AuditEntry.objects.create(organization=self.client_org, actor="Cleo", action="test.make")
            with pytest.raises(ProgrammingError), transaction.atomic():
                AuditEntry.objects.filter(pk=row.pk).update(actor="Dov")
            with pytest.raises(ProgrammingError), transaction.atomic():
                AuditEntry.objects.filter(pk=row.pk).delete()


class CommittedScopeTest(CommittedCase):
    def test_the_scope_cannot_change_inside_a_transaction(self) -> None:
        inside = Scope((self.stranger.pk,))
        with acting(Scope((self.agency.pk,))), transaction.atomic(), pytest.raises(RuntimeError), acting(inside):
            pass

    def test_nothing_outlives_the_transaction(self) -> None:
        with acting(Scope((self.agency.pk,))):
            self.assertEqual(Organization.objects.count(), 1)
        self.assertEqual(rows("SELECT coalesce(current_setting('app.tenants', true), '')"), [("",)])
        with pytest.raises(DatabaseError):
            list(Organization.objects.all())
