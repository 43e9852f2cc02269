"""The e-mail sender domain on the wire (api 8.9): the object with its mirrors, and the flat one of the older SDK line."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.catalog.api import MayManage
from apps.catalog.models import SenderDomain
from apps.catalog.openapi import DOMAIN_ANSWER, DOMAIN_LIST_ANSWER, DOMAIN_SYNCED, DOMAIN_VERIFIED, MAYBE_DOMAIN_ANSWER
from apps.catalog.services.domains import (
    account_domains,
    add_domain,
    clean_domain_name,
    delete_domain,
    domain_of,
    pick_domain,
    refresh_domain,
    verify_domain,
)
from apps.core import db
from apps.core.api import instant
from apps.core.errors import Invalid, NotFound
from apps.core.openapi import operation, ref
from apps.organizations.authentication import organization_of
from apps.organizations.middleware import unwrapped
from apps.organizations.services import Actor

OLDER = "hmsovereign-node/1."
MIRRORED = ("id", "org_id", "domain_name", "status", "verified", "created_at")


def domain_body(domain: SenderDomain) -> dict[str, Any]:
    return {
        "id": str(domain.pk),
        "org_id": str(domain.organization_id),
        "domain_name": domain.domain_name,
        "resend_domain_id": domain.resend_domain_id,
        "status": domain.status,
        "region": domain.region,
        "records": domain.records,
        "verified_at": instant(domain.verified_at),
        "created_at": instant(domain.created_at),
        "updated_at": instant(domain.updated_at),
    }


def with_mirrors(domain: SenderDomain | None, *, older: bool) -> dict[str, Any]:
    """The answer of GET, POST and refresh: `domain` beside its mirrors; for the older line `domain` is the name.

    Raises NotFound where the older line is told that there is none.
    """
    if domain is None:
        if older:
            raise NotFound("There is no sender domain.")
        return {"domain": None} | dict.fromkeys(MIRRORED) | {"verified": False}
    body = domain_body(domain)
    flat = body | {"verified": domain.is_verified}
    if older:
        return flat | {"domain": domain.domain_name}
    return {"domain": body} | {name: flat[name] for name in MIRRORED}


def is_older(request: Request) -> bool:
    return request.headers.get("User-Agent", "").startswith(OLDER)


class DomainView(APIView):
    permission_classes = [MayManage]

    @operation("getDomain", "Get the sender domain", "`domain` is null when there is none.", answer=MAYBE_DOMAIN_ANSWER)
    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response(with_mirrors(domain_of(organization_of(request)), older=is_older(request)))

    @operation(
        "createDomain", "Add a sender domain", "Needs your own Resend key. One per organization: a second one is 409.",
        body=ref("DomainCreate"), answer=DOMAIN_ANSWER, status=201, further=(409, 503),
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        data = dict(request.data)
        name = data.get("domain_name")
        name = clean_domain_name(data.get("domain") if name is None else name)
        domain = add_domain(organization=organization_of(request), name=name, by=Actor.of(request), now=db.now())
        return Response(with_mirrors(domain, older=is_older(request)), status=201)

    @operation(
        "deleteDomain", "Delete the sender domain",
        "At Resend too, unless it was picked from your account. Mails come from the platform's address again.",
        further=(400, 404, 503),
    )  # fmt: skip
    def delete(self, request: Request, **kwargs: Any) -> Response:
        delete_domain(organization=organization_of(request), by=Actor.of(request), now=db.now())
        return Response({"success": True})


@unwrapped
class DomainSyncView(APIView):
    permission_classes = [MayManage]

    @operation(
        "listResendDomains", "List the domains of your Resend account", "And which of them is selected here.",
        answer=DOMAIN_LIST_ANSWER, further=(400, 503),
    )  # fmt: skip
    def get(self, request: Request, **kwargs: Any) -> Response:
        organization = organization_of(request)
        found = account_domains(organization=organization, now=db.now())
        domains = [{"id": each.id, "name": each.name, "status": each.status, "region": each.region} for each in found]
        if is_older(request):
            return Response(domains)
        chosen = domain_of(organization)
        return Response({"domains": domains, "selected_domain_id": chosen.resend_domain_id if chosen else None})

    @operation(
        "syncDomain", "Use a domain of your Resend account", "In place of the present one.", body=ref("DomainSync"),
        answer=DOMAIN_SYNCED, further=(404, 503),
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        data = dict(request.data)
        found = data.get("resendDomainId")
        resend_id = _resend_id(data.get("domain_id") if found is None else found)
        organization, by = organization_of(request), Actor.of(request)
        domain = pick_domain(organization=organization, resend_id=resend_id, by=by, now=db.now())
        text = "Domain synced successfully from Resend"
        return Response({"domain": domain_body(domain), "message": text, "success": True})


class DomainVerifyView(APIView):
    permission_classes = [MayManage]

    @operation(
        "verifyDomain", "Verify the sender domain",
        "Lets Resend look at the DNS records. It may take a while: refresh until the status changes.",
        answer=DOMAIN_VERIFIED, further=(404, 503),
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        domain = verify_domain(organization=organization_of(request), now=db.now())
        return Response({"domain": domain_body(domain), "verified": domain.is_verified})


class DomainRefreshView(APIView):
    permission_classes = [MayManage]

    @operation(
        "refreshDomain", "Refresh the sender domain", "Reads status and records at Resend. A pending domain is refreshed hourly for 72 hours.",
        answer=DOMAIN_ANSWER, further=(404, 503),
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        domain = refresh_domain(organization=organization_of(request), now=db.now())
        return Response(with_mirrors(domain, older=is_older(request)))


def _resend_id(value: Any) -> str:
    if value is None or value == "":
        line, kind = "resendDomainId: this field is required", "missing_field"
    elif not isinstance(value, str) or len(value) > 100 or not value.isascii() or not value.isprintable():
        line, kind = "resendDomainId: the id of a domain at Resend is expected", "invalid_value"
    else:
        return value
    raise Invalid(line, param="resendDomainId", details=[line], type=kind)
