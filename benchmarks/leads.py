"""A file of 100,000 leads, from its bytes to the leads (normalised, without doubles, checked against two do-not-call lists,
every refused row with its reason), against what the library of phone numbers and the database alone would take.

    python -m benchmarks.leads FILE    the import alone, for its memory
"""

from __future__ import annotations

import gc
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import django
import phonenumbers

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()

from django.db import connection, transaction
from uuid_utils.compat import uuid7

from apps.calls.models import DoNotCall
from apps.calls.refusals import digest_of
from apps.campaigns.columns import Columns
from apps.campaigns.models import Campaign, Lead, Upload
from apps.campaigns.services.imports import run_import
from apps.campaigns.services.uploads import import_upload, store_upload
from apps.core import db
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from apps.organizations.services import SYSTEM
from benchmarks.measure import interleaved, line, seconds
from tests import factories

ROWS, REFUSED, DOUBLES, BAD = 100_000, 2_000, 3_000, 2_000
AT_MOST, MEGABYTES = 1.3, 64
SHAPES = ("+316{0:08d}", "06{0:08d}", "06-{0:08d}", "0031 6 {0:08d}", "+31 6 {0:08d}")
_STAGE = """
CREATE TEMPORARY TABLE bench_stage (position integer, id uuid, phone_number text, variables jsonb, place text) ON COMMIT DROP
"""
_INSERT = """
INSERT INTO campaigns_lead (id, organization_id, campaign_id, upload_id, position, phone_number, variables, place, status,
    reason, attempts, last_call_id, result, timezone, region, consent, consent_proof)
SELECT id, %s, %s, %s, position, phone_number, variables, place, 'pending', '', 0, '', '', '', '', '', ''
FROM bench_stage ORDER BY position
ON CONFLICT (organization_id, campaign_id, phone_number) DO NOTHING
"""


def run() -> str:
    texts, content = _file()
    organization = _organization()
    limit, ours = interleaved(
        lambda: _parse(texts) + _copy(_campaign(organization), texts), lambda: _import(_campaign(organization), content)
    )
    time = line("leads file of 100,000 rows", ours, limit, "s", at_most=AT_MOST)
    peak = _peak(content)
    met = "met" if peak <= MEGABYTES else "not met"
    return f"{time}\nleads file of 100,000 rows, memory over idle at its peak: {peak:.0f} MB (goal at most {MEGABYTES}: {met})"


def _file() -> tuple[list[str], bytes]:
    """The numbers as they stand there, and the file: five ways to write a number, doubles, and what is none."""
    chance = random.Random(11)
    plain = chance.sample(range(10_000_000, 60_000_000), ROWS - DOUBLES - BAD)
    texts = [chance.choice(SHAPES).format(number) for number in plain]
    texts += [chance.choice(SHAPES).format(number) for number in plain[:DOUBLES]]
    texts += [chance.choice(("unknown", "0612", "06 12345678 / 06 87654321", "3.16E+10")) for _each in range(BAD)]
    chance.shuffle(texts)
    rows = (f"{text};Person {place};Company {place % 900};Utrecht\r\n" for place, text in enumerate(texts))
    return texts, ("Telefoon;Naam;Bedrijf;Plaats\r\n" + "".join(rows)).encode("utf-8-sig")


def _organization() -> Organization:
    """With an agency, and 2,000 numbers on the list of each."""
    agency = factories.make_organization(f"Agency {uuid7()}")
    organization = factories.make_organization(f"Bench {uuid7()}", parent=agency, country="NL")
    chance = random.Random(11)
    plain = chance.sample(range(10_000_000, 60_000_000), ROWS - DOUBLES - BAD)
    for owner, numbers in ((organization, plain[:REFUSED]), (agency, plain[REFUSED : 2 * REFUSED])):
        with acting(Scope((owner.pk,))):
            DoNotCall.objects.bulk_create(
                DoNotCall(organization=owner, phone_number=number, digest=digest_of(owner.pk, number))
                for number in (f"+316{each:08d}" for each in numbers)
            )
    return organization


def _campaign(organization: Organization) -> Campaign:
    return factories.make_campaign(organization)  # type: ignore[no-any-return]


def _parse(texts: list[str]) -> float:
    def work() -> None:
        for text in texts:
            try:
                parsed = phonenumbers.parse(text, "NL")
            except phonenumbers.NumberParseException:
                continue
            phonenumbers.is_valid_number(parsed)
            phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)

    return seconds(work)


def _copy(campaign: Campaign, texts: list[str]) -> float:
    """The bare storing of the same rows, in one piece: COPY into a temporary table, then INSERT … SELECT."""
    found = random.Random(12).sample(range(10_000_000, 60_000_000), len(texts) - DOUBLES - BAD - 2 * REFUSED)
    numbers = [f"+316{each:08d}" for each in found]  # in no order, as in the file: so they come to the indexes
    rows = "".join(
        f'{place}\t{uuid7()}\t{number}\t{{"Naam": "Person {place}", "name": "Person {place}", "Bedrijf": "Company", "Plaats": "Utrecht"}}\tNL||Europe/Amsterdam\n'
        for place, number in enumerate(numbers)
    ).encode()

    def work() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_STAGE)
            with cursor.copy("COPY bench_stage FROM STDIN") as copy:  # type: ignore[attr-defined]
                copy.write(rows)
            cursor.execute(_INSERT, (campaign.organization_id, campaign.pk, upload.pk))

    with acting(Scope((campaign.organization_id,))):
        upload = Upload.objects.create(organization_id=campaign.organization_id, campaign=campaign, filename="bench.csv", content=b"")
        taken = seconds(work)
        _forget(campaign)
    return taken


def _import(campaign: Campaign, content: bytes) -> float:
    organization = campaign.organization
    ids = tuple(each for each in (organization.pk, organization.parent_id) if each)

    def work() -> None:
        upload = store_upload(
            campaign=campaign, filename="bench.csv", content=content, country="NL", by=SYSTEM, now=db.now()
        )
        mapping = Columns.from_json(upload.mapping)
        import_upload(upload=upload, mapping=mapping, country="NL", by=SYSTEM, now=db.now())
        run_import(organization_id=organization.pk, upload_id=upload.pk, now=db.now())

    with acting(Scope(ids)):
        taken = seconds(work)
        upload = campaign.uploads.get()
        stored = ROWS - DOUBLES - BAD - 2 * REFUSED
        if (upload.good, upload.bad, upload.duplicates) != (stored, BAD + 2 * REFUSED, DOUBLES):
            sys.exit(f"the import came to {upload.good} good, {upload.bad} bad, {upload.duplicates} doubles")
        _forget(campaign)
    return taken


def _forget(campaign: Campaign) -> None:
    leads = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign)
    leads._raw_delete(leads.db)


def _peak(content: bytes) -> float:
    """Megabytes that a process of its own holds at most while it imports, over what it held before."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(content)
        file.flush()
        found = subprocess.run(
            [sys.executable, "-m", "benchmarks.leads", file.name],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    return float(found.stdout.split()[-1])


def _measured(path: str) -> float:
    organization = _organization()
    _import_small(_campaign(organization))
    content = Path(path).read_bytes()
    campaign = _campaign(organization)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    idle = _kilobytes("VmRSS") - len(content) // 1024  # the file is this script's, not the import's
    _import(campaign, content)
    return (_kilobytes("VmHWM") - idle) / 1024


def _import_small(campaign: Campaign) -> None:
    """All that an import needs is loaded."""
    with acting(Scope((campaign.organization_id, campaign.organization.parent_id))):
        rows = b"".join(b"06%08d;Sam\n" % number for number in range(12_000_000, 12_000_100))
        content = b"Telefoon;Naam\n" + rows
        upload = store_upload(campaign=campaign, filename="x.csv", content=content, country="NL", by=SYSTEM, now=db.now())
        import_upload(upload=upload, mapping=Columns.from_json(upload.mapping), country="NL", by=SYSTEM, now=db.now())


def _kilobytes(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


if __name__ == "__main__":
    print(_measured(sys.argv[1]))
