"""The API's description and its documentation, on every brand's host, without a key."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe

from apps.core.errors import NotFound
from apps.core.openapi_document import described
from apps.core.openapi_finish import EXAMPLES
from apps.dashboard.docs import FIXED, reference
from apps.dashboard.docs_samples import VERIFIERS
from apps.organizations.middleware import LAST
from apps.webhooks.targets import user_agent_for


def openapi(request: HttpRequest) -> HttpResponse:
    """GET /api/openapi.json"""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    found = described(**_host(request))
    answer = HttpResponse(found.body, content_type="application/json", headers={"ETag": found.etag})
    patch_cache_control(answer, public=True, max_age=300)
    return get_conditional_response(request, etag=found.etag, response=answer) or answer


def docs(request: HttpRequest, name: str = "") -> HttpResponse:
    """GET /api/docs and the pages below it."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    found = reference(**_host(request))
    page = found.page(name)
    if name and page is None and name not in FIXED:
        raise NotFound("There is nothing at this address.")
    context = {
        "reference": found, "page": page, "name": name, "workspace": _workspace(request), "verifiers": VERIFIERS,
        "error": EXAMPLES[400],
    }  # fmt: skip
    template = "operations" if page else name or "overview"
    return render(request, f"docs/{template}.html", context)


@require_safe
def browsable_index(request: HttpRequest, org: str) -> HttpResponse:
    """Every operation, to be opened with the person's own rights."""
    return render(request, "docs/browsable_index.html", {"reference": reference(**_host(request)), "base": f"/o/{org}"})


def _host(request: HttpRequest) -> dict[str, Any]:
    """What the description wears on this host."""
    brand = request.brand  # type: ignore[attr-defined]
    server = request.build_absolute_uri("/").rstrip("/")
    return {"brand": brand.name, "server": server, "user_agent": user_agent_for(brand)}


def _workspace(request: HttpRequest) -> str:
    """Where a signed-in person was last: the browsable API is there."""
    return request.session.get(LAST, "") if request.user.is_authenticated else ""
