"""The page of the copies at the engine: how they stand, why one does not, and a way to try again (platform 12)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.assistants.models import Assistant, McpServer, Workflow
from apps.catalog.models import ProviderKey
from apps.core.errors import NotFound
from apps.numbers.models import PhoneNumber, SipTrunk
from apps.organizations.access import may, needs
from apps.organizations.models import Organization, Role
from apps.organizations.services import Actor
from apps.voice.mirror import Kind, account_of, keys_may_stand, let_keys_stand, retry, sync_now
from apps.voice.models import Mirror

PAGE = 50
MODELS: dict[str, type[Model]] = {
    Kind.ASSISTANT: Assistant, Kind.NUMBER: PhoneNumber, Kind.PLACEHOLDER: PhoneNumber, Kind.TRUNK: SipTrunk,
    Kind.WORKFLOW: Workflow, Kind.MCP_SERVER: McpServer, Kind.KEY: ProviderKey,
}  # fmt: skip
# The page of one thing; trunks have only their list.
PAGES = {
    Kind.ASSISTANT: "assistant", Kind.NUMBER: "number", Kind.PLACEHOLDER: "number", Kind.WORKFLOW: "workflow",
    Kind.MCP_SERVER: "mcp_server",
}  # fmt: skip


@dataclass(frozen=True)
class Copy:
    """A row of the page: what is copied and how it stands. `url` is empty for what is deleted here."""

    row: Mirror
    name: str
    url: str


@require_GET
def copies(request: HttpRequest, org: str) -> HttpResponse:
    """What does not stand at the engine as it should, and how many do."""
    organization = request.organization  # type: ignore[attr-defined]
    account = account_of(organization)
    context: dict[str, object] = {"keeps_copies": account is not None, "may_edit": may(request, Role.MEMBER)}
    if account is not None:
        rows = account.rows.exclude(kind__in=(Kind.ACCOUNT, Kind.CONSENT))
        counts = Counter(row.state for row in rows.only("id", "ref", "is_dirty", "error"))
        page = Paginator(rows.exclude(error="").order_by("-updated_at", "id"), PAGE).get_page(request.GET.get("page"))
        whole = account.rows.filter(kind=Kind.ACCOUNT).first()
        context |= {
            "is_own": account.connection.organization_id == organization.pk, "keys_stand": keys_may_stand(account),
            "may_agree": may(request, Role.ADMIN), "counts": counts, "page": page, "copies": _named(organization, list(page.object_list)), "whole": whole,
        }  # fmt: skip
    return render(request, "numbers/copies.html", context)


@require_POST
@needs(Role.MEMBER)
def copies_sync(request: HttpRequest, org: str) -> HttpResponse:
    """Compare everything with the engine now."""
    if sync_now(organization=request.organization):  # type: ignore[attr-defined]
        messages.success(request, _("Everything is compared with the voice engine now. This takes a few seconds."))
    else:
        messages.info(request, _("This voice engine keeps no copies: there is nothing to compare."))
    return redirect("copies", org)


@require_POST
@needs(Role.ADMIN)
def copies_keys(request: HttpRequest, org: str) -> HttpResponse:
    """Agree that provider keys stand at the engine, or take that back."""
    allowed = request.POST.get("allowed") == "yes"
    organization = request.organization  # type: ignore[attr-defined]
    if let_keys_stand(organization=organization, allowed=allowed, by=Actor.of(request)):
        messages.success(request, _("Your provider keys are sent to your account at the voice engine now."))
    else:
        messages.success(request, _("Your provider keys do not stand at the voice engine, or are taken away there now."))
    return redirect("copies", org)


@require_POST
@needs(Role.MEMBER)
def copy_retry(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    if not retry(organization=request.organization, row_id=pk):  # type: ignore[attr-defined]
        raise NotFound(_("This copy is not there any more."))
    messages.success(request, _("It is sent to the voice engine again now."))
    back = request.POST.get("next", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, {request.get_host()}) else reverse("copies", args=[org]))


def _named(organization: Organization, rows: list[Mirror]) -> list[Copy]:
    """The rows with the names of their things: one query per kind."""
    names: dict[tuple[str, UUID], str] = {}
    for kind, model in MODELS.items():
        if ids := [row.object_id for row in rows if row.kind == kind]:
            found = model.objects.for_organization(organization).filter(pk__in=ids)  # type: ignore[attr-defined]
            names |= {(kind, each.pk): str(each) for each in found}
    return [_copy(organization, row, names.get((row.kind, row.object_id))) for row in rows]


def _copy(organization: Organization, row: Mirror, name: str | None) -> Copy:
    if name is None:
        return Copy(row, _("Deleted here"), "")
    page = PAGES.get(Kind(row.kind))
    plain = "provider_keys" if row.kind == Kind.KEY else "trunks"
    url = reverse(page, args=[organization.slug, row.object_id]) if page else reverse(plain, args=[organization.slug])
    return Copy(row, name, url)
