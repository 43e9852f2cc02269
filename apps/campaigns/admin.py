"""Rule packs of the installation: they hold for everybody whose organization and agency have none of their own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from apps.campaigns.models import RulePack
from apps.campaigns.rules.schema import problems
from apps.campaigns.services.packs import Edit, check
from apps.core.admin import ReadOnly
from apps.core.errors import Invalid


class RulePackForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = RulePack
        fields = ("country", "region", "valid_from", "rules", "sources", "note")

    def clean_rules(self) -> Any:
        rules = self.cleaned_data["rules"]
        if found := problems(rules):
            raise forms.ValidationError([f"{each.field}: {each.text}" for each in found])
        return rules

    def clean_sources(self) -> Any:
        sources = self.cleaned_data["sources"]
        if not isinstance(sources, list) or not all(_is_source(each) for each in sources):
            raise forms.ValidationError('A list of {"text": …, "url": "https://…", "kind": …, "date": …}.')
        return sources

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not self.errors:
            edit = Edit(values["country"], values["region"], values["valid_from"], values["rules"])
            try:
                check(edit)
            except Invalid as error:
                self.add_error(error.param, error.text)
        return values


def _is_source(each: Any) -> bool:
    if not isinstance(each, dict) or set(each) - {"text", "url", "kind", "date"}:
        return False
    if not each.get("text") or not all(isinstance(value, str) for value in each.values()):
        return False
    return not each.get("url") or each["url"].startswith(("https://", "http://"))


@admin.register(RulePack)
class RulePackAdmin(ReadOnly):
    """Those of organizations are shown; only the installation's can be changed here."""

    form = RulePackForm
    list_display = ("country", "region", "valid_from", "organization", "actor", "note", "updated_at")
    list_filter = ("country",)
    list_select_related = ("organization",)
    ordering = ("country", "region", "-valid_from")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request) and (obj is None or obj.organization_id is None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj) and obj is not None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.actor = str(request.user)[:200]
        super().save_model(request, obj, form, change)
