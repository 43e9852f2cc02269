"""Forms of the library."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.portal.models import LibraryItem


class PublishForm(forms.Form):
    """What to publish, as `<kind>:<id>`. `groups`: choices by kind."""

    thing = forms.ChoiceField(label=_("Assistant or template"))
    note = forms.CharField(label=_("What it is for"), required=False, max_length=300)
    for_sign_ups = forms.BooleanField(
        label=_("Copy to new clients"), required=False,
        help_text=_("Whoever signs up, or is made a client by you, finds a copy of it in the workspace."),
    )  # fmt: skip

    def __init__(self, *args: Any, groups: list[tuple[Any, list[tuple[str, str]]]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["thing"].choices = [("", _("Choose one")), *groups]  # type: ignore[attr-defined]


class ItemForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = LibraryItem
        fields = ["note", "for_sign_ups"]
        labels = {"for_sign_ups": _("Copy to new clients")}
        help_texts = {"for_sign_ups": _("Whoever signs up, or is made a client by you, finds a copy of it in the workspace.")}
