"""Campaigns and leads on the wire (api 8.12)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.billing.metering import as_credits
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.results import from_file
from apps.campaigns.selectors import Progress, campaigns_with_progress, progress
from apps.campaigns.serializers import LeadSerializer
from apps.campaigns.serializers_campaign import CampaignSerializer
from apps.campaigns.services.campaigns import create_campaign, delete_campaign, update_campaign
from apps.campaigns.services.leads import add_lead, remove_lead
from apps.core import db
from apps.core.api import Encoder, instant, pagination, window
from apps.core.errors import NotFound
from apps.core.openapi import PAGE, many, one, operation, ref
from apps.organizations.authentication import organization_of
from apps.organizations.idempotency import create_once
from apps.organizations.services import Actor

CHUNK = 2000
# Settings beyond the contract, on the wire as they are stored.
OURS = (
    "windows", "uses_lead_zone", "skips_holidays", "purpose", "retry_rules", "max_attempts_per_day", "spreads_day_parts",
    "voicemail_counts", "starts", "starts_seconds", "floor_calls", "priority", "breaker_percent", "breaker_seconds",
    "breaker_calls", "variant_version", "variant_percent", "report_emails",
)  # fmt: skip
FIXED = ("assistant_id", "agent_id", "leads")
ONE, ONE_LEAD = one("campaign", "Campaign"), one("lead", "CampaignLead")


def campaign_body(campaign: Campaign, counts: Progress) -> dict[str, Any]:
    assistant_id = str(campaign.assistant_id)
    return {
        "id": str(campaign.pk),
        "name": campaign.name,
        "agent_id": assistant_id,
        "assistant_id": assistant_id,
        "status": campaign.status,
        "system_message_template": campaign.system_message_template,
        "schedule_start_time": f"{campaign.schedule_start_time:%H:%M:%S}",
        "schedule_end_time": f"{campaign.schedule_end_time:%H:%M:%S}",
        "timezone": campaign.timezone,
        "total_leads": counts.total,
        "completed_leads": counts.count(Lead.Status.COMPLETED),
        "failed_leads": counts.count(Lead.Status.FAILED),
        "number_id": str(campaign.number_id) if campaign.number_id else None,
        "schedule_days": campaign.schedule_days,
        "max_attempts": campaign.max_attempts,
        "retry_delay_minutes": campaign.retry_delay_minutes,
        "max_concurrent_calls": campaign.max_concurrent_calls,
        **{name: getattr(campaign, name) for name in OURS},
        "region": campaign.region or None,
        "attestation": campaign.attestation or None,
        "attested_by": campaign.attested_by or None,
        "attested_at": instant(campaign.attested_at),
        "budget": None if campaign.budget is None else float(as_credits(campaign.budget)),
        "variant_assistant_id": str(campaign.variant_assistant_id) if campaign.variant_assistant_id else None,
        "created_at": instant(campaign.created_at),
        "updated_at": instant(campaign.updated_at),
    }


def lead_body(lead: Lead) -> dict[str, Any]:
    return {
        "id": str(lead.pk),
        "campaign_id": str(lead.campaign_id),
        "phone_number": lead.phone_number,
        "name": lead.name,
        "variables": lead.variables,
        "timezone": lead.timezone or None,
        "region": lead.region or None,
        "consent": lead.consent or None,
        "consent_at": instant(lead.consent_at),
        "consent_proof": lead.consent_proof or None,
        "status": lead.status,
        "call_id": lead.last_call_id or None,
        "attempts": lead.attempts,
        "last_attempt_at": instant(lead.last_attempt_at),
        "created_at": instant(lead.created_at),
        "updated_at": instant(lead.updated_at),
    }


class CampaignListView(APIView):
    @operation("listCampaigns", "List campaigns", "All of them, newest first.", answer=many("campaigns", "Campaign"))
    def get(self, request: Request, **kwargs: Any) -> Response:
        found = campaigns_with_progress(organization_of(request))
        return Response({"campaigns": [campaign_body(campaign, counts) for campaign, counts in found]})

    @operation(
        "createCampaign", "Create a campaign",
        "As a draft, or `scheduled` to launch it at once. Long lists of leads are better imported in the dashboard.",
        body=ref("CampaignCreate"), answer=ONE, status=201, further=[404],
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        organization = organization_of(request)
        form = CampaignSerializer(data=request.data, context={"organization": organization})
        form.is_valid(raise_exception=True)
        values = dict(form.validated_data)
        leads = values.pop("leads", [])
        by, now = Actor.of(request), db.now()
        campaign = create_once(
            request, Campaign.objects.for_organization(organization),
            lambda pk: create_campaign(
                organization=organization, values=values | {"id": pk}, leads=leads, by=by, now=now
            ),
        )  # fmt: skip
        return Response({"campaign": campaign_body(campaign, progress(campaign))}, status=201)


class CampaignView(APIView):
    @operation("getCampaign", "Get a campaign", answer=ONE)
    def get(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        campaign = campaign_named(request, pk)
        return Response({"campaign": campaign_body(campaign, progress(campaign))})

    @operation(
        "updateCampaign", "Change, launch or pause a campaign",
        "`status` launches, pauses and cancels. 409 once the campaign is completed or cancelled.",
        body=ref("CampaignUpdate"), answer=ONE, further=[409],
    )  # fmt: skip
    def patch(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        campaign = campaign_named(request, pk)
        sent = {key: value for key, value in dict(request.data).items() if key not in FIXED}
        form = CampaignSerializer(data=sent, partial=True, context={"organization": organization_of(request)})
        form.is_valid(raise_exception=True)
        update_campaign(campaign=campaign, values=form.validated_data, by=Actor.of(request), now=db.now())
        campaign.refresh_from_db()
        return Response({"campaign": campaign_body(campaign, progress(campaign))})

    @operation("deleteCampaign", "Delete a campaign", further=[409])
    def delete(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        delete_campaign(campaign=campaign_named(request, pk), by=Actor.of(request), now=db.now())
        return Response({"success": True})


class LeadListView(APIView):
    @operation(
        "listCampaignLeads", "List the leads of a campaign", "Oldest first. Without `limit` all of them.",
        answer=many("leads", "CampaignLead", pagination=ref("Pagination")), parameters=PAGE,
    )  # fmt: skip
    def get(self, request: Request, pk: UUID, **kwargs: Any) -> Response | HttpResponseBase:
        """Without `limit` every lead, from one statement, through a file: a list may hold 100,000."""
        campaign = campaign_named(request, pk)
        limit, offset = window(request)
        leads = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign).oldest()
        if request.GET.get("limit") or request.accepted_renderer.format != "json":
            found = [lead_body(lead) for lead in leads[offset : offset + limit]]
            return Response({"leads": found, "pagination": pagination(leads.count(), limit, offset)})
        bodies = (lead_body(lead) for lead in leads[offset:].iterator(CHUNK))
        total = leads.count() if offset else None
        return from_file(_written(bodies, offset, total), content_type="application/json")

    @operation(
        "addCampaignLead", "Add a lead to a campaign", "409 when its number is in the campaign already.",
        body=ref("CampaignLeadCreate"), answer=ONE_LEAD, status=201,
    )  # fmt: skip
    def post(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        campaign = campaign_named(request, pk)
        form = LeadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        new, by, now = form.validated_data, Actor.of(request), db.now()
        lead = create_once(
            request, Lead.objects.for_organization(campaign.organization_id),
            lambda pk: add_lead(campaign=campaign, lead=new, by=by, now=now, pk=pk),
        )  # fmt: skip
        return Response({"lead": lead_body(lead)}, status=201)


class LeadView(APIView):
    @operation("removeCampaignLead", "Remove a lead", "409 while it is being called.", further=[409])
    def delete(self, request: Request, pk: UUID, lead_pk: UUID, **kwargs: Any) -> Response:
        remove_lead(campaign=campaign_named(request, pk), lead_id=lead_pk, by=Actor.of(request), now=db.now())
        return Response({"success": True})


def campaign_named(request: Request, pk: UUID) -> Campaign:
    """The campaign of the key's organization. Raises NotFound for anything else."""
    found = Campaign.objects.for_organization(organization_of(request)).live().select_related("organization")
    if (campaign := found.filter(pk=pk).first()) is None:
        raise NotFound("There is no campaign with this id.")
    return campaign


def _written(leads: Iterator[dict[str, Any]], offset: int, total: int | None) -> Iterator[bytes]:
    """The body, lead by lead; how many there were (`total` None: all of them) is known at its end."""
    count = 0
    yield b'{"leads":['
    for count, lead in enumerate(leads, 1):
        yield (b"," if count > 1 else b"") + json.dumps(lead, cls=Encoder, separators=(",", ":")).encode()
    tail = json.dumps(pagination(count if total is None else total, count, offset), separators=(",", ":"))
    yield f'],"pagination":{tail}}}'.encode()
