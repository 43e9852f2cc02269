"""The account webhook's settings: text to clean Python."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.organizations.forms import WebhookForm

OVERLAPS = [
    (0, _("Not at all: only the new one signs, at once")), (1, _("For an hour")), (24, _("For 24 hours")),
    (72, _("For three days")), (168, _("For a week")),
]  # fmt: skip


class AccountWebhookForm(WebhookForm):
    overlap = forms.TypedChoiceField(
        label=_("The old secret goes on signing"), choices=OVERLAPS, coerce=int, empty_value=None, required=False,
        help_text=_("When the secret changes. Time to let your server accept both."),
    )  # fmt: skip
