"""Places of leads that came in without one: workers of the version before do not know the column."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from apps.campaigns.models import Campaign, Lead
from apps.campaigns.rules.places import place_of
from apps.core.db import step


@step
def fill_places(campaign: Campaign, most: int = 5000) -> int:
    """Give up to `most` pending leads that have none their place: a query per place. Returns how many."""
    leads = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign, place="").pending()
    found: dict[str, list[UUID]] = defaultdict(list)
    for pk, number, zone, region in leads.values_list("pk", "phone_number", "timezone", "region")[:most]:
        found[place_of(phone_number=number, timezone=zone, region=region)].append(pk)
    own = Lead.objects.for_organization(campaign.organization_id)
    return sum(own.filter(pk__in=pks).update(place=place) for place, pks in found.items())
