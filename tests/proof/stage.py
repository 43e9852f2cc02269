"""What the crash proof starts from: an agency with credits, its client, and a campaign over a customer's leads file.

    python -m tests.proof.stage CONCURRENT MAX_ATTEMPTS [LEADS]

Prints one JSON object: the client's API key and the campaign's id.
"""

# ruff: noqa: E402  (the apps can be imported only after they were set up)

from __future__ import annotations

import datetime as dt
import json
import sys
from decimal import Decimal
from io import StringIO
from pathlib import Path

import django
from django.core.management import call_command

django.setup()

from apps.assistants.schema import defaults
from apps.assistants.services import create_assistant
from apps.billing.services import add_credits
from apps.campaigns.columns import Columns
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.rules import place_of
from apps.campaigns.services import create_campaign, import_upload, preview_upload, store_upload
from apps.core import db
from apps.core.scope import Scope, acting
from apps.numbers.services import create_trunk, register_number
from apps.organizations.models import Organization
from apps.organizations.scopes import acting_for, operator
from apps.organizations.services import SYSTEM
from apps.voice.services import sandbox_connection

DATA = Path(__file__).resolve().parents[1] / "data" / "leads-mixed-1000.csv"


def main(concurrent: int, max_attempts: int, leads: int = 0) -> None:
    with acting(Scope(())):
        sandbox_connection(db.now())
    agency = _organization("Northwind Voice")
    client = _organization("Bakker Dental", "--parent", str(agency["slug"]))
    with operator("the organizations just made"):
        rows = {row.slug: row for row in Organization.objects.select_related("brand")}
    with acting_for(rows[str(agency["slug"])]):
        add_credits(
            organization=rows[str(agency["slug"])], credits=Decimal(100_000), note="proof", actor=SYSTEM, key="proof",
            now=db.now(),
        )  # fmt: skip
    organization = rows[str(client["slug"])]
    with acting_for(organization, with_parent=True):
        now = db.now()
        values = defaults() | {"name": "Front desk", "first_message": "Good morning, {{Name}}.", "voicemail_detection": True}
        assistant = create_assistant(organization=organization, values=values, by=SYSTEM)
        trunk = create_trunk(organization=organization, values={"name": "Trunk", "address": "sip.example.com"}, by=SYSTEM)
        number = {"phone_number": "+31850000001", "transfer_trunk": trunk, "assistant": assistant}
        register_number(organization=organization, values=number, by=SYSTEM)
        campaign = create_campaign(
            organization=organization, by=SYSTEM, now=now,
            values={
                "name": "Recall", "assistant": assistant, "system_message_template": "You call {{Name}}.",
                "schedule_start_time": dt.time(0), "schedule_end_time": dt.time(23, 59, 59), "timezone": "UTC",
                "max_attempts": max_attempts, "retry_delay_minutes": 5, "max_concurrent_calls": concurrent,
            },
        )  # fmt: skip
        upload = store_upload(
            campaign=campaign, filename=DATA.name, content=DATA.read_bytes(), country="DE", by=SYSTEM, now=now
        )
        header = preview_upload(upload, now=now).header
        mapping = Columns(header.index("Telefon"), {header.index("Name"): "Name"})
        import_upload(upload=upload, mapping=mapping, country="DE", by=SYSTEM, now=now)
        own = Lead.objects.for_organization(organization).filter(campaign=campaign)
        if leads:
            own.filter(position__gt=leads).delete()
            _make_up(campaign, leads - own.count())
        count = own.count()
    print(json.dumps({"api_key": client["api_key"], "campaign": str(campaign.pk), "leads": count}))


def _make_up(campaign: Campaign, count: int) -> None:
    """More leads than the file has, with numbers that nobody has."""
    numbers = [f"+49151{number:08d}" for number in range(20_000_000, 20_000_000 + count)]
    Lead.objects.bulk_create(
        [
            Lead(
                organization_id=campaign.organization_id, campaign=campaign, position=10_000 + place, phone_number=number,
                place=place_of(phone_number=number), variables={"Name": f"Lead {place}"},
            )
            for place, number in enumerate(numbers)
        ],
        batch_size=2000,
    )  # fmt: skip


def _organization(name: str, *options: str) -> dict[str, str]:
    output = StringIO()
    owner = f"{name.split()[0].lower()}@example.com"
    call_command("create_organization", name, "--owner", owner, "--json", *options, stdout=output)
    found: dict[str, str] = json.loads(output.getvalue())
    return found


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
