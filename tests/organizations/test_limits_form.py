"""The operator's form of an organization's limits."""

from __future__ import annotations

from apps.organizations.forms_limits import LimitsForm
from apps.organizations.models import Limits
from tests.calls.support import scope_of
from tests.cases import TenantCase


class LimitsFormTest(TenantCase):
    def form(self, limits: Limits | None = None, **fields: str) -> LimitsForm:
        values = {"organization": str(self.agency.pk), "guaranteed_calls": "0", "inbound_lines": "0", "starts_seconds": "1"}
        return LimitsForm(values | fields, instance=limits)

    def test_credits_and_codes_are_stored_and_shown_again(self) -> None:
        with scope_of(self.agency):
            form = self.form(countries="nl, DE be nl", spend_per_hour="12.5")
            self.assertEqual(form.errors, {})
            limits = form.save()
            limits.refresh_from_db()
            self.assertEqual((limits.countries, limits.spend_per_hour), (["BE", "DE", "NL"], 12_500_000))
            shown = LimitsForm(instance=limits)
            self.assertEqual((shown.initial["countries"], str(shown.initial["spend_per_hour"])), ("BE, DE, NL", "12.5"))
            limits = self.form(limits).save()
            self.assertEqual((limits.countries, limits.spend_per_hour), (None, None))

    def test_what_cannot_be(self) -> None:
        with scope_of(self.agency):
            for fields in ({"countries": "NL, XX"}, {"spend_per_hour": "0"}, {"spend_per_hour": "-1"}):
                self.assertEqual(list(self.form(**fields).errors), list(fields))
