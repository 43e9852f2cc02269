"""The form of a campaign, one file per group of settings."""

from apps.campaigns.settings_form.form import CampaignForm, initial_of

__all__ = ["CampaignForm", "initial_of"]
