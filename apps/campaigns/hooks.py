"""Where customers' systems post leads: one address per campaign, signed as our own webhooks are.

The address names the organization, so that nothing of another one can be reached by it; who has no campaign there hears the
same as for an organization that does not exist. It answers on every host, as the engines' address does: a customer's system
is set up once, and must not lose leads because the domain of a brand changed.
"""

from __future__ import annotations

import hmac
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import override
from django.views.decorators.csrf import csrf_exempt

from apps.campaigns.hookfields import leads_in, read_posted
from apps.campaigns.models import Campaign
from apps.campaigns.services.hooked import Taken, take_posted
from apps.core import db, phone, rate
from apps.core.api import flat
from apps.core.api_request import read_body
from apps.core.errors import DomainError, Forbidden, Invalid, NotFound, RateLimited, Unauthorized
from apps.core.scope import acting
from apps.core.strict_json import read_object
from apps.organizations.models import Organization
from apps.organizations.scopes import scope_for
from apps.webhooks.signing import verify

KEY = "Idempotency-Key"
MAX_KEY = 255


@csrf_exempt
def lead_hook(request: HttpRequest, organization: UUID, hook_id: str) -> HttpResponse:
    """One lead or up to 1,000; good ones are kept whatever the others are. 200 with what became of each.

    401 for a wrong signature or secret, 404 for an address that nobody has, 409 once the campaign is over, 413 above 1 MiB,
    429 above the limit of an API key.
    """
    if request.method != "POST":
        return JsonResponse({"error": "Method not allowed", "type": "method_not_allowed"}, status=405, headers={"Allow": "POST"})
    found: list[rate.Window] = []
    try:
        with override("en"):
            answer: HttpResponse = JsonResponse(_take(request, organization, hook_id, found))
    except DomainError as error:
        answer = flat(error)
    window = found[0] if found else rate.count_address(request)
    if not window.allowed:
        seconds = window.retry_after
        answer = flat(RateLimited(f"Too many requests. Retry after {seconds} seconds.", retry_after=seconds))
    for name, value in window.headers().items():
        answer[name] = value
    return answer


def _take(request: HttpRequest, organization_id: UUID, hook_id: str, windows: list[rate.Window]) -> dict[str, Any]:
    read_body(request)
    organization, campaign = _door(organization_id, hook_id)
    if not _is_authentic(request, campaign):
        raise Unauthorized("The signature or the secret is wrong, or the timestamp is more than 5 minutes old.")
    windows.append(rate.count(f"hook:{campaign.pk}", settings.API_REQUESTS_PER_MINUTE))
    if not windows[0].allowed:
        return {}
    if organization.is_suspended:
        raise Forbidden("This organization is suspended.")
    header = request.headers.get(KEY, "")
    if len(header) > MAX_KEY or "\x00" in header:
        raise Invalid(f"{KEY}: 1 to {MAX_KEY} characters are expected", param=KEY)
    posted = [
        read_posted(item, mapping=campaign.hook_mapping, header=header, place=place)
        for place, item in enumerate(leads_in(_body(request.body)))
    ]
    with acting(scope_for(organization, with_parent=True)):
        return _answer(take_posted(campaign=campaign, posted=posted, now=db.now()))


def _door(organization_id: UUID, hook_id: str) -> tuple[Organization, Campaign]:
    """The campaign behind an address. Raises NotFound, in the same words for every part that is wrong."""
    nobody = NotFound("There is nothing at this address.")
    if "\x00" in hook_id:
        raise nobody
    with acting(scope_for(Organization(pk=organization_id))):
        campaign = Campaign.objects.for_organization(organization_id).live().filter(hook_id=hook_id).first()
        organization = Organization.objects.select_related("brand").filter(pk=organization_id).first()
    if campaign is None or organization is None:
        raise nobody
    return organization, campaign


def _is_authentic(request: HttpRequest, campaign: Campaign) -> bool:
    """Signed, or, for systems that cannot sign, with the secret itself."""
    if signature := request.headers.get("X-Webhook-Signature"):
        stamp = request.headers.get("X-Webhook-Timestamp")
        return verify((campaign.hook_secret,), signature, stamp, request.body, db.now())
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    known = campaign.hook_secret.encode()
    return scheme.lower() == "bearer" and bool(known) and hmac.compare_digest(secret.strip().encode(errors="replace"), known)


def _body(raw: bytes) -> dict[str, Any]:
    """An object, or a list as the object that it stands for."""
    plain = raw.removeprefix(b"\xef\xbb\xbf").strip()
    if not plain.startswith(b"["):
        return read_object(plain)
    body = read_object(b'{"leads":' + plain + b"}")
    if len(body) != 1:
        raise DomainError("The body is not valid JSON.")
    return body


def _answer(taken: list[Taken]) -> dict[str, Any]:
    results = [_result(place, each) for place, each in enumerate(taken)]
    counts = {name: sum(each["status"] == name for each in results) for name in ("stored", "repeated", "refused")}
    return {**counts, "results": results}


def _result(place: int, taken: Taken) -> dict[str, Any]:
    if why := taken.refusal:
        return {"index": place, "status": "refused", "code": why.kind, "reason": why.sentence}
    lead = str(taken.lead_id) if taken.lead_id else None
    found = {"index": place, "status": "repeated" if taken.is_repeat else "stored", "lead_id": lead}
    return found | ({"warning": str(phone.WARNINGS[taken.warning])} if taken.warning else {})
