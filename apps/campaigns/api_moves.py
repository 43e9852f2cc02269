"""What a person decides while a campaign runs and when it is over, on the wire: skip, call now, call again. Ours, beyond api 8.12."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.campaigns.api import ONE, ONE_LEAD, campaign_body, campaign_named, lead_body
from apps.campaigns.forms_redial import PROPOSED
from apps.campaigns.models import Campaign
from apps.campaigns.selectors import progress
from apps.campaigns.services.redial import again_name, redial_campaign
from apps.campaigns.services.single import NotNow, call_next, skip_lead
from apps.core import db
from apps.core.api import instant
from apps.core.errors import Conflict
from apps.core.openapi import operation, ref
from apps.core.strict_fields import Flag, Text
from apps.organizations.authentication import organization_of
from apps.organizations.idempotency import create_once
from apps.organizations.services import Actor

MOST_OUTCOMES, MOST_WORD = 40, 60


class CallNowSerializer(serializers.Serializer[Any]):
    whenever = Flag(required=False, default=False)


class RedialSerializer(serializers.Serializer[Any]):
    name = Text(required=False, allow_null=True, max_length=200)
    outcomes = serializers.ListField(child=Text(max_length=MOST_WORD), required=False, allow_empty=False, max_length=MOST_OUTCOMES)


class LeadSkipView(APIView):
    @operation(
        "skipCampaignLead", "Skip a lead",
        "The lead is not called any more; one that is skipped already stays so. 409 while it is being called, once it is over, "
        "and in a campaign that is over.",
        answer=ONE_LEAD,
    )  # fmt: skip
    def post(self, request: Request, pk: UUID, lead_pk: UUID, **kwargs: Any) -> Response:
        lead = skip_lead(campaign=campaign_named(request, pk), lead_id=lead_pk, by=Actor.of(request), now=db.now(), again=True)
        return Response({"lead": lead_body(lead)})


class LeadCallNowView(APIView):
    @operation(
        "callCampaignLeadNow", "Call a lead now",
        "Before all others, within the rules: hours, limits and the do-not-call list hold as for every call. 409 when the lead may "
        "not be called at this instant; `message` says why and `allowed_at` from when it may, if ever. With `whenever` it is called "
        "at that moment instead. 409, too, when the campaign does not run or the lead is not waiting.",
        body=ref("CampaignLeadCallNow"), answer=ONE_LEAD,
    )  # fmt: skip
    def post(self, request: Request, pk: UUID, lead_pk: UUID, **kwargs: Any) -> Response:
        campaign = campaign_named(request, pk)
        form = CallNowSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            lead = call_next(campaign=campaign, lead_id=lead_pk, by=Actor.of(request), now=db.now(), whenever=form.validated_data["whenever"])
        except NotNow as refusal:
            raise Conflict(refusal.text, type="not_now", allowed_at=instant(refusal.obstacle.until)) from refusal
        return Response({"lead": lead_body(lead)})


class RedialView(APIView):
    @operation(
        "redialCampaign", "Call leads of a campaign again",
        "Makes a draft with the same settings and the leads of these outcomes, as if they had never been called. Leads that still "
        "wait, and those who asked not to be called, are never taken. 400 when there is no such lead.",
        body=ref("CampaignRedial"), answer=ONE, status=201,
    )  # fmt: skip
    def post(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        campaign, by, now = campaign_named(request, pk), Actor.of(request), db.now()
        form = RedialSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        name = form.validated_data.get("name") or again_name(campaign)
        outcomes = form.validated_data.get("outcomes") or PROPOSED
        child = create_once(
            request, Campaign.objects.for_organization(organization_of(request)),
            lambda pk: redial_campaign(campaign=campaign, name=name, outcomes=outcomes, by=by, now=now, pk=pk)[0],
        )  # fmt: skip
        return Response({"campaign": campaign_body(child, progress(child))}, status=201)
