"""Forms of the portal."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class ClientForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("The company that will use this workspace."))


class RemoveDemoForm(forms.Form):
    confirm = forms.BooleanField(
        label=_("Remove the agency, its clients, their calls, leads and numbers"),
        error_messages={"required": _("Tick the box to confirm.")},
    )
