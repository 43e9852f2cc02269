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
        label=_("Copy to clients that sign up"), required=False,
        help_text=_("A new client finds a copy of it in the workspace."),
    )  # fmt: skip

    def __init__(self, *args: Any, groups: list[tuple[Any, list[tuple[str, str]]]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["thing"].choices = [("", _("Choose one")), *groups]  # type: ignore[attr-defined]


class ItemForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = LibraryItem
        fields = ["note", "for_sign_ups"]
        help_texts = {"for_sign_ups": _("A new client finds a copy of it in the workspace.")}
