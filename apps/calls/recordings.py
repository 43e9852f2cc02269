"""The sound of a call behind a signed link: valid for 24 hours, on the call's own brand, without a session."""

from __future__ import annotations

from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.branding.models import Brand
from apps.branding.services import absolute_url
from apps.calls import files
from apps.calls.models import Recording
from apps.core.ranges import ranged
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization

SALT = "calls.recording"
VALID_SECONDS = 24 * 3600
# How soon a player may ask again while the recording is on its way from the engine.
AGAIN_SECONDS = 5


def signed_link(brand: Brand, organization_id: object, call_id: object) -> str:
    token = signing.dumps([str(organization_id), str(call_id)], salt=SALT, compress=True)
    return absolute_url(brand, f"/recordings/{token}")


@require_safe
def recording(request: HttpRequest, token: str) -> HttpResponseBase:
    """The sound, or the range of it that is asked for; with `?download` as a file to keep.

    503 with Retry-After while it is being fetched; 404 for everything else that is no recording (any more).
    """
    row = _found(request, token)
    if row is None:
        raise Http404
    if row.status == Recording.Status.WAITING:
        text = _("The recording is being fetched. Try again in a moment.")
        headers = {"Retry-After": str(AGAIN_SECONDS), "Cache-Control": "no-store"}
        return HttpResponse(text, status=503, headers=headers, content_type="text/plain; charset=utf-8")
    if row.status != Recording.Status.STORED or not files.storage().exists(row.name):
        raise Http404
    ending = files.ENDINGS.get(row.media_type, "bin")
    return ranged(
        request, open_file=lambda: files.storage().open(row.name), size=row.size or 0, media_type=row.media_type,
        filename=f"{row.call.public_id}.{ending}", etag=row.sha256,
        as_attachment="download" in request.GET or row.media_type == files.BYTES,
    )  # fmt: skip


def _found(request: HttpRequest, token: str) -> Recording | None:
    """The recording that the link names, when it is valid and this host may open it."""
    try:
        organization_id, call_id = signing.loads(token, salt=SALT, max_age=VALID_SECONDS)
    except signing.BadSignature:
        return None
    own = UUID(organization_id)
    with acting(Scope((own,))):
        brand_id = Organization.objects.live().filter(pk=own).values_list("brand_id", flat=True).first()
        host = request.brand  # type: ignore[attr-defined]
        # As with pages: the installation's own host opens every workspace, a reseller's only those of its brand.
        if brand_id is None or not (host.is_installation or host.pk == brand_id):
            return None
        rows = Recording.objects.for_organization(own).select_related("call").filter(call_id=call_id)
        row: Recording | None = rows.defer("call__webhook", "call__messages", "call__turns").first()  # type: ignore[assignment]
        return row
