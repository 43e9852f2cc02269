"""Writes of campaigns, one file per noun. Pages and API import from here what they call."""

from apps.campaigns.services.campaigns import (
    StaleCampaign,
    create_campaign,
    delete_campaign,
    erase_expired,
    erase_organization,
    update_campaign,
)
from apps.campaigns.services.launch import launch_problems
from apps.campaigns.services.leads import NewLead, add_lead, remove_lead
from apps.campaigns.services.status import cancel_campaign, pause_campaign, resume_campaign, start_campaign
from apps.campaigns.services.uploads import Preview, delete_upload, import_upload, preview_upload, store_upload

__all__ = [
    "NewLead",
    "Preview",
    "StaleCampaign",
    "add_lead",
    "cancel_campaign",
    "create_campaign",
    "delete_campaign",
    "delete_upload",
    "erase_expired",
    "erase_organization",
    "import_upload",
    "launch_problems",
    "pause_campaign",
    "preview_upload",
    "remove_lead",
    "resume_campaign",
    "start_campaign",
    "store_upload",
    "update_campaign",
]
