"""Where a person is, read off the number and what the lead says (limits 9, case 11)."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from django.db import connection

from apps.campaigns.rules import place_of
from apps.campaigns.rules.places import read_place
from apps.campaigns.services.places import fill_places
from apps.core.scope import Scope, acting
from tests import factories
from tests.campaigns.support import leads_of, wide
from tests.cases import TenantCase


@pytest.mark.parametrize(
    ("number", "place"),
    [
        ("+31612345678", "NL||Europe/Amsterdam"),
        ("+4930123456", "DE||Europe/Berlin"),
        ("+12125551234", "US|NY|America/New_York"),
        ("+12085551234", "US|ID|America/Boise,America/Los_Angeles"),  # Idaho lies in two zones
        ("+17875551234", "US|PR|America/Puerto_Rico"),
        ("+14165551234", "CA|ON|America/Toronto"),
        ("+19025551234", "CA||America/Halifax"),  # two provinces share the code
        ("+590690123456", "FR|GP|America/Guadeloupe"),
        ("+447911123456", "GG||Europe/Guernsey,Europe/Isle_of_Man,Europe/Jersey,Europe/London"),
        ("+882161234567", "||"),  # satellite
        ("+9991234567", "||"),  # no such country
    ],
)
def test_a_number_says_where_the_person_is(number: str, place: str) -> None:
    assert place_of(phone_number=number) == place


@pytest.mark.parametrize("number", ["+18005551234", "+15005550006"])
def test_a_number_that_belongs_to_no_place_may_be_anywhere_in_its_country(number: str) -> None:
    """Toll-free, and possible without being known as valid."""
    place = read_place(place_of(phone_number=number))
    assert (place.country, place.region) == ("US", "")
    assert {"America/New_York", "America/Los_Angeles", "Pacific/Honolulu", "Pacific/Guam"} <= set(place.zones)
    assert len(place.zones) == 42


@pytest.mark.parametrize(
    ("number", "given", "place"),
    [
        ("+12085551234", {"timezone": "America/Boise"}, "US|ID|America/Boise"),
        ("+12085551234", {"timezone": "America/Nowhere"}, "US|ID|America/Boise,America/Los_Angeles"),
        ("+12125551234", {"timezone": "America/Chicago", "region": "TX"}, "US|TX|America/Chicago"),  # moved, kept the number
        ("+12125551234", {"region": "florida"}, "US|FL|America/New_York"),
        ("+12125551234", {"region": "XX"}, "US|NY|America/New_York"),
        ("+4930123456", {"region": "Bayern"}, "DE|BY|Europe/Berlin"),
        ("+4930123456", {"region": "DE-BY"}, "DE|BY|Europe/Berlin"),
        ("+31612345678", {"region": "de-by", "timezone": "Europe/Berlin"}, "DE|BY|Europe/Berlin"),
        ("+31612345678", {"region": "Atlantis"}, "NL||Europe/Amsterdam"),
    ],
)
def test_what_the_lead_says_comes_first(number: str, given: dict[str, str], place: str) -> None:
    assert place_of(phone_number=number, **given) == place


def test_an_empty_place_says_nothing_and_a_zone_that_is_gone_is_left_out() -> None:
    assert read_place("") == read_place("||")
    assert read_place("").zones == ()
    assert read_place("NL||Europe/Amsterdam,Europe/Atlantis").zones == ("Europe/Amsterdam",)


class FillTest(TenantCase):
    """Leads that were stored without a place."""

    def setUp(self) -> None:
        self.campaign = factories.make_campaign(self.client_org)
        for number, status in (("+31612345678", "pending"), ("+12085551234", "pending"), ("+4930123456", "completed")):
            factories.make_lead(self.campaign, phone_number=number, status=status, place="")
        factories.make_lead(self.campaign, phone_number="+33612345678", place="US|NY|America/New_York")
        self.other = factories.make_lead(factories.make_campaign(self.stranger), phone_number="+31612345678", place="")
        self.filled = {
            "+31612345678": "NL||Europe/Amsterdam", "+12085551234": "US|ID|America/Boise,America/Los_Angeles",
            "+4930123456": "", "+33612345678": "US|NY|America/New_York",
        }  # fmt: skip

    def places(self) -> dict[str, str]:
        return {lead.phone_number: lead.place for lead in leads_of(self.campaign)}

    def test_the_dialler_fills_those_that_wait_in_its_campaign(self) -> None:
        with wide(self.client_org):
            self.assertEqual([fill_places(self.campaign, most=1), fill_places(self.campaign), fill_places(self.campaign)], [1, 1, 0])
        self.assertEqual(self.places(), self.filled)

    def test_the_migration_fills_all_that_wait_a_batch_at_a_time(self) -> None:
        migration = importlib.import_module("apps.campaigns.migrations.0006_places")
        with acting(Scope(operator=True)), patch.object(migration, "BATCH", 1):
            migration.fill_places(None, SimpleNamespace(connection=connection))
            self.other.refresh_from_db()
        self.assertEqual(self.places(), self.filled)
        self.assertEqual(self.other.place, "NL||Europe/Amsterdam")
