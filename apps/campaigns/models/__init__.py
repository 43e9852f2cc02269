"""Campaigns, their leads, and one row per attempt to reach a lead."""

from apps.campaigns.models.campaign import Campaign, CampaignQuerySet, every_day
from apps.campaigns.models.intake import HookLead, RememberedColumns, Upload, UploadQuerySet
from apps.campaigns.models.lead import Attempt, AttemptQuerySet, Lead, LeadQuerySet
from apps.campaigns.models.packs import RulePack, RulePackQuerySet

__all__ = [
    "Attempt", "AttemptQuerySet", "Campaign", "CampaignQuerySet", "HookLead", "Lead", "LeadQuerySet", "RememberedColumns",
    "RulePack", "RulePackQuerySet", "Upload", "UploadQuerySet", "every_day",
]  # fmt: skip
