"""An account that erases by its own periods gets the shortest of those who call through it."""

from __future__ import annotations

import json

from apps.core import db
from apps.voice.periods import accounts_with_periods, set_periods
from tests.calls.support import FEATURES, make_connection
from tests.cases import TenantCase
from tests.recordings import FileEngine


class PeriodsTest(TenantCase):
    def setUp(self) -> None:
        self.engine = self.enterContext(FileEngine())

    def periods(self, organization: object, content: int, metadata: int) -> None:
        with self.acting_for(organization):  # type: ignore[arg-type]
            organization.change(db.now(), content_retention_days=content, metadata_retention_days=metadata)  # type: ignore[attr-defined]

    def asked(self) -> list[tuple[str, str, dict[str, int]]]:
        return [(method, path, json.loads(body)) for method, path, body in self.engine.asked]

    def test_an_agencys_account_serves_its_clients_too(self) -> None:
        row = make_connection(self.agency, features=[], base_url=self.engine.url)
        self.periods(self.agency, 180, 365)
        self.periods(self.client_org, 90, 730)
        self.periods(self.stranger, 30, 30)
        self.assertEqual(accounts_with_periods(), [(self.agency.pk, row.pk)])
        self.assertTrue(set_periods(organization_id=self.agency.pk, connection_id=row.pk))
        wanted = {"content_retention_days": 90, "metadata_retention_days": 365}
        self.assertEqual(self.asked(), [("PATCH", "/organizations", wanted)])

    def test_the_installations_account_serves_everybody(self) -> None:
        row = make_connection(features=["reference"], base_url=self.engine.url)
        self.periods(self.stranger, 30, 90)
        self.assertEqual(accounts_with_periods(), [(None, row.pk)])
        self.assertTrue(set_periods(organization_id=None, connection_id=row.pk))
        wanted = {"content_retention_days": 30, "metadata_retention_days": 90}
        self.assertEqual(self.asked(), [("PATCH", "/organizations", wanted)])

    def test_an_engine_that_erases_call_by_call_is_not_asked(self) -> None:
        make_connection(features=[*FEATURES, "recordings"], base_url=self.engine.url)
        self.assertEqual(accounts_with_periods(), [])

    def test_a_refusal_or_an_outage_is_noted_and_nothing_more(self) -> None:
        row = make_connection(self.stranger, features=[], base_url=self.engine.url)
        self.engine.answers = [400, 503, 404]
        answers = [set_periods(organization_id=self.stranger.pk, connection_id=row.pk) for _each in range(3)]
        self.assertEqual(answers, [False, False, False])
        self.assertFalse(set_periods(organization_id=self.agency.pk, connection_id=row.pk))
        self.assertEqual(len(self.engine.asked), 3)
