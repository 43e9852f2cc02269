"""The nightly erasure over all apps of one organization."""

from __future__ import annotations

import datetime as dt

from apps.core import db
from apps.core.scope import Scope, acting
from apps.dashboard.tasks import erase_expired_of
from apps.organizations.models import StoredAnswer
from tests.cases import TenantCase


class EraseExpiredTest(TenantCase):
    def test_kept_answers_go_when_their_day_is_over(self) -> None:
        with acting(Scope((self.client_org.pk,))):
            now = db.now()
            for key, hours in (("h:old", -1), ("h:new", 1)):
                StoredAnswer.objects.create(
                    organization=self.client_org, api_key_id=self.cleo.pk, key=key, request_digest=b"x", intent=key,
                    expires_at=now + dt.timedelta(hours=hours),
                )  # fmt: skip
        erase_expired_of(str(self.client_org.pk))
        with acting(Scope((self.client_org.pk,))):
            self.assertEqual([row.key for row in StoredAnswer.objects.all()], ["h:new"])
