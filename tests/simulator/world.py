"""What the simulator starts from: an agency with credits, its client, and leads in thirty zones."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from apps.billing.services import add_credits
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.rules import place_of
from apps.core import db
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from apps.organizations.services import SYSTEM
from apps.voice.models import Connection
from tests import factories
from tests.simulator.engine import Engine

SECRET = "whsec_simulator"
# Country code and area, how many digits follow, and the zone, written down by hand: the judge does not ask a library.
PLACES = [
    ("+3120", 7, "Europe/Amsterdam"), ("+4930", 8, "Europe/Berlin"), ("+4420", 8, "Europe/London"), ("+331", 8, "Europe/Paris"),
    ("+390668", 6, "Europe/Rome"), ("+3491", 7, "Europe/Madrid"), ("+35121", 7, "Europe/Lisbon"), ("+3531", 7, "Europe/Dublin"),
    ("+3589", 8, "Europe/Helsinki"), ("+30210", 7, "Europe/Athens"), ("+4822", 7, "Europe/Warsaw"), ("+4021", 7, "Europe/Bucharest"),
    ("+1212", 7, "America/New_York"), ("+1312", 7, "America/Chicago"), ("+1303", 7, "America/Denver"), ("+1213", 7, "America/Los_Angeles"),
    ("+1602", 7, "America/Phoenix"), ("+1416", 7, "America/Toronto"), ("+1709", 7, "America/St_Johns"), ("+1808", 7, "Pacific/Honolulu"),
    ("+5511", 8, "America/Sao_Paulo"), ("+562", 8, "America/Santiago"), ("+8133", 7, "Asia/Tokyo"), ("+9122", 8, "Asia/Kolkata"),
    ("+97714", 6, "Asia/Kathmandu"), ("+9714", 7, "Asia/Dubai"), ("+6512", 6, "Asia/Singapore"), ("+612", 8, "Australia/Sydney"),
    ("+618", 8, "Australia/Adelaide"), ("+649", 7, "Pacific/Auckland"),
]  # fmt: skip
# Their numbers leave zones open that are never awake at the same time, or none; these leads say theirs.
AMBIGUOUS = ("+97714", "+6512", "+618")
# The night hours lie across the clock changes: 02:00 to 03:00 in Europe, 02:00 in America, 03:00 in Australia.
WINDOWS = [
    {"days": [1, 2, 3, 4, 5, 6, 7], "start": "01:15", "end": "03:20"},
    {"days": [1, 2, 3, 4, 5], "start": "09:00", "end": "11:30"},
]
MAX_ATTEMPTS = 3
GAP_MINUTES = 45


@dataclass
class World:
    agency: Organization
    client: Organization
    connection: Connection
    campaigns: list[Campaign]
    zones: dict[str, ZoneInfo]


def make_world(engine: Engine, base_url: str, seed: int, leads: int) -> World:
    """Two campaigns that share one engine and a tenth of their numbers."""
    chance = random.Random(seed)
    agency = factories.make_organization("Northwind Voice")
    client = factories.make_organization("Bakker Dental", parent=agency)
    with acting(Scope((agency.pk,))):
        add_credits(organization=agency, credits=Decimal(1_000_000), note="simulator", actor=SYSTEM, key="simulator", now=db.now())
    with acting(Scope(())):
        connection = Connection.objects.create(
            organization=None, kind="other", name="Simulated", base_url=base_url, api_key="key", hook_secret=SECRET,
            engine=engine.announce(), engine_read_at=db.now(),
        )  # fmt: skip
    assistant = factories.make_assistant(client, voicemail_detection=True)
    trunk = factories.make_trunk(client)
    number = factories.make_number(client, assistant=assistant, transfer_trunk=trunk)
    numbers, zones = _numbers(chance, leads)
    half = len(numbers) // 2
    shared = numbers[: len(numbers) // 10]
    campaigns = []
    for place, own in enumerate((numbers[:half], numbers[half:] + shared)):
        campaign = factories.make_campaign(
            client, name=f"Recall {place}", assistant=assistant, number=number, has_own_number=True, windows=WINDOWS,
            uses_lead_zone=True, max_attempts=MAX_ATTEMPTS, retry_delay_minutes=GAP_MINUTES, max_concurrent_calls=50,
            timezone="UTC", status="scheduled", started_at=db.now(), breaker_percent=100,
        )  # fmt: skip
        _add(campaign, own, zones, chance)
        campaigns.append(campaign)
    return World(agency, client, connection, campaigns, {number: ZoneInfo(zone) for number, zone in zones.items()})


def _numbers(chance: random.Random, count: int) -> tuple[list[str], dict[str, str]]:
    zones: dict[str, str] = {}
    while len(zones) < count:
        prefix, digits, zone = PLACES[len(zones) % len(PLACES)]
        zones.setdefault(prefix + "".join(chance.choice("23456789") for _ in range(digits)), zone)
    return list(zones), zones


def _add(campaign: Campaign, numbers: list[str], zones: dict[str, str], chance: random.Random) -> None:
    """Half of them say their zone, of the others the number has to."""
    rows = []
    for position, number in enumerate(numbers, 1):
        told = zones[number] if chance.random() < 0.5 or number.startswith(AMBIGUOUS) else ""
        rows.append(
            Lead(
                organization=campaign.organization, campaign=campaign, position=position, phone_number=number, timezone=told,
                place=place_of(phone_number=number, timezone=told), variables={"name": f"Lead {position}"},
            )
        )
    with acting(Scope((campaign.organization_id,))):
        Lead.objects.bulk_create(rows, batch_size=2000)


# Saturdays at noon before the clocks change: until Monday the night window is the only one, so that it is used.
NIGHTS = {
    "europe-spring": dt.datetime(2026, 3, 28, 12, 0, tzinfo=dt.UTC),
    "europe-autumn": dt.datetime(2026, 10, 24, 12, 0, tzinfo=dt.UTC),
    "america-spring": dt.datetime(2026, 3, 7, 12, 0, tzinfo=dt.UTC),
    "america-autumn": dt.datetime(2026, 10, 31, 12, 0, tzinfo=dt.UTC),
}
