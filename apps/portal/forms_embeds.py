"""The form of a widget."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.assistants.models import Assistant
from apps.organizations.models import Organization
from apps.portal.models import Embed
from apps.portal.origins import read_origins

MOST_PER_HOUR = 1000


class EmbedForm(forms.ModelForm):  # type: ignore[type-arg]
    """`kind` decides which fields there are; it stays what it was when the widget was made."""

    websites = forms.CharField(
        label=_("Websites"), max_length=6000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "placeholder": "https://www.example.com"}),
        help_text=_("One a line: https://, the host and, if there is one, the port. The widget is shown on these and nowhere else."),
    )  # fmt: skip

    class Meta:
        model = Embed
        fields = ["name", "assistant", "label", "greeting", "calls_per_hour"]
        help_texts = {
            "name": _("Only you see it."),
            "label": _("Empty: “Talk to us” or “Sign up”."),
            "calls_per_hour": _(
                "Talks are paid like any call. Beyond this number visitors are asked to come back later."
            ),
        }

    def __init__(self, *args: Any, organization: Organization, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["websites"].initial = "\n".join(self.instance.origins)
        if kind != Embed.Kind.TALK:
            del self.fields["assistant"], self.fields["calls_per_hour"]
            return
        rows = Assistant.objects.for_organization(organization).live().order_by("name")
        self.fields["assistant"].queryset = rows  # type: ignore[attr-defined]
        self.fields["assistant"].required = True
        self.fields["assistant"].empty_label = _("Choose one")  # type: ignore[attr-defined]
        self.fields["calls_per_hour"].min_value = 1  # type: ignore[attr-defined]
        self.fields["calls_per_hour"].widget.attrs |= {"min": 1, "max": MOST_PER_HOUR}

    def clean_websites(self) -> list[str]:
        try:
            return read_origins(self.cleaned_data["websites"])
        except ValueError as problem:
            raise forms.ValidationError(str(problem)) from problem

    def clean_calls_per_hour(self) -> int:
        number: int = self.cleaned_data["calls_per_hour"]
        if not 1 <= number <= MOST_PER_HOUR:
            raise forms.ValidationError(_("From 1 to %(most)s.") % {"most": MOST_PER_HOUR})
        return number

    def values(self) -> dict[str, Any]:
        """By field of the model."""
        found = dict(self.cleaned_data)
        found["origins"] = found.pop("websites")
        return found
