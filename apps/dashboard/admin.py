"""Voice engines for the operator: who uses which, how they fare, and the installation's own to be set."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from apps.core import db
from apps.core.admin import ReadOnly
from apps.dashboard.engine_page import touched_by, words_of
from apps.dashboard.views_engine import found_values
from apps.organizations.services import Actor
from apps.voice.connecting import connect, disconnect, own_connection
from apps.voice.forms import EngineForm
from apps.voice.models import Connection
from apps.voice.probe import probe
from apps.voice.words import problem_text


@admin.register(Connection)
class ConnectionAdmin(ReadOnly):
    change_list_template = "voice/admin_connections.html"
    list_display = ("name", "organization", "kind", "is_active", "failing_since", "problem", "created_at")
    list_filter = ("is_active", "kind")
    list_select_related = ("organization",)
    search_fields = ("name", "organization__name")
    ordering = ("organization__name", "-created_at")
    fields = (
        "name", "organization", "kind", "base_url", "web_call_url", "account_id", "via", "is_active", "engine",
        "engine_read_at", "heartbeat_at", "failing_since", "problem", "alerted_at", "created_at",
    )  # fmt: skip

    @admin.display(description="problem")
    def problem(self, row: Connection) -> str:
        return problem_text(row.last_error) if row.last_error else ""

    def get_urls(self) -> list[Any]:
        own = path("engine/", self.admin_site.admin_view(self.engine), name="voice_connection_engine")
        return [own, *super().get_urls()]

    def engine(self, request: HttpRequest) -> HttpResponse:
        """The installation's engine: everybody's who has no other one. `test`, `remove`, or else save."""
        own = own_connection(None)
        if request.method == "POST" and "remove" in request.POST:
            return self._remove(request, own)
        is_test = "test" in request.POST
        data = request.POST if request.method == "POST" else None
        form = EngineForm(data, current=own, is_trusted=True, asks=own is not None and not is_test)
        if data is None or not form.is_valid():
            return self._page(request, form, status=200 if data is None else 422)
        found = probe(form.connection(None))
        failed = not found.is_well and not form.cleaned_data["anyway"]
        if is_test or failed:
            return self._page(request, form, found=found, failed=failed and not is_test, status=200 if is_test else 422)
        made = connect(organization=None, wanted=form.wanted(**found_values(found)), by=Actor.of(request), now=db.now())
        self.log_change(request, made, f"installation's engine: {made.base_url}")
        messages.success(request, _("Calls go through %(engine)s from now on.") % {"engine": made.name})
        return redirect("admin:voice_connection_engine")

    def _remove(self, request: HttpRequest, own: Connection | None) -> HttpResponse:
        if "sure" not in request.POST:
            messages.error(request, _("Confirm that the engine is removed."))
        elif own is not None and disconnect(organization=None, by=Actor.of(request), now=db.now()):
            self.log_change(request, own, "installation's engine removed")
            messages.success(request, _("The voice engine of the installation is removed."))
        return redirect("admin:voice_connection_engine")

    def _page(self, request: HttpRequest, form: EngineForm, *, status: int, **more: Any) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": _("Voice engine of the installation"), "form": form, "own": form.current, "opts": self.opts,
            "touched": words_of(touched_by(None, form.current)), "list_url": reverse("admin:voice_connection_changelist"),
        }  # fmt: skip
        return render(request, "voice/admin_engine.html", context | more, status=status)
