"""An agency over the domains of its portal: claims, looks at the name system, releases."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from apps.branding import domains
from apps.branding.dns import Found, look_up
from apps.branding.models import Brand, Domain
from apps.branding.services import absolute_url
from apps.branding.tls import Certificate, read_certificate
from apps.core.db import step, writes
from apps.core.errors import Conflict, NotFound
from apps.mail.services import queue_mail
from apps.organizations.models import Membership, Notification, Organization, Role
from apps.organizations.notifications import notify
from apps.organizations.scopes import acting_for
from apps.organizations.services import SYSTEM, Actor, record_audit

State = Domain.State
Level = Notification.Level


def domain_of(agency: Organization, domain_id: UUID) -> Domain:
    """Raises NotFound for another portal's domain."""
    found = agency.brand.domains.filter(pk=domain_id).first() if agency.owns_brand else None
    if found is None:
        raise NotFound(_("There is no such domain."))
    return found


@writes
def claim(*, agency: Organization, host: str, by: Actor, now: dt.datetime) -> Domain:
    """Note that the agency's portal wants a host. Raises Invalid or Conflict."""
    row = domains.claim_domain(brand=agency.brand, typed=host, now=now)
    record_audit(organization=agency, by=by, action="domain.add", target=row)
    return row


@writes
def release(*, agency: Organization, domain: Domain, by: Actor, now: dt.datetime) -> None:
    """The portal stops answering there at once; the slug's address goes on."""
    record_audit(organization=agency, by=by, action="domain.remove", target=domain)
    domains.release_domain(domain=domain)


def check(*, agency: Organization, domain: Domain, now: dt.datetime) -> Domain:
    """Look at the name system and at the certificate, then write down what was found."""
    found = look_up(domain.host)
    _record(agency=agency, domain=domain, found=found, now=now)
    domain.refresh_from_db()
    if domain.state in Domain.SERVING and settings.BASE_URL.startswith("https:"):
        note_certificate(domain=domain, certificate=read_certificate(domain.host), now=now)
    return domain


@writes
def note_certificate(*, domain: Domain, certificate: Certificate, now: dt.datetime) -> None:
    domains.record_certificate(domain=domain, certificate=certificate, now=now)


@writes
def _record(*, agency: Organization, domain: Domain, found: Found, now: dt.datetime) -> None:
    before, after = domains.record_look(domain=domain, found=found, now=now)
    if before != after:
        record_audit(
            organization=agency, by=SYSTEM, action=f"domain.{after}", target=domain, data={"before": before, "after": after}
        )
        _tell(agency, domain, after, now)


@step
def _tell(agency: Organization, domain: Domain, state: str, now: dt.datetime) -> None:
    """The owners hear that it works, that its records are gone, and that it was switched off."""
    with override(agency.language):
        title, text, level = _words(domain.host, state)
    path = reverse("portal_address", args=[agency.slug])
    key = f"domain:{domain.pk}:{state}:{now:%Y-%m-%dT%H:%M}"
    notify(
        organization=agency, key=key, kind="domain", title=title, text=text, level=level, url=path, role=Role.ADMIN, now=now,
        is_banner=state == State.FAILING,
    )  # fmt: skip
    if state == State.ACTIVE:
        return
    owners = Membership.objects.for_organization(agency).filter(role=Role.OWNER).select_related("user__brand")
    for each in owners:
        queue_mail(
            key=f"{key}:{each.user_id}", brand=each.user.brand, to=each.user.email, template="domain", now=now,
            context={"title": title, "sentence": text, "path": path, "user": each.user}, organization_id=agency.pk,
            language=each.user.language or agency.language,
        )  # fmt: skip


def _words(host: str, state: str) -> tuple[str, str, str]:
    values = {"host": host}
    if state == State.ACTIVE:
        return _("%(host)s is active") % values, _("Your portal answers there now."), Level.SUCCESS
    if state == State.FAILING:
        text = _("The DNS records of %(host)s are not right any more. Put them back within 7 days; until then your portal answers there.")
        return _("%(host)s is about to stop working") % values, text % values, Level.WARNING
    text = _("The DNS records of %(host)s were not right for 7 days. Your portal goes on under its own address.")
    return _("%(host)s was switched off") % values, text % values, Level.ERROR


@writes
def rename_portal(*, agency: Organization, slug: str, by: Actor, now: dt.datetime) -> Brand:
    """Move the portal to another slug; the old address stops at once. Raises ValidationError, or Conflict when it is taken."""
    brand = Brand.objects.select_for_update().get(pk=agency.brand_id)
    before, brand.slug = brand.slug, slug
    brand.clean_fields()
    if Brand.objects.filter(slug=slug).exclude(pk=brand.pk).exists():
        raise Conflict(_("This address is taken. Choose another one."), param="slug")
    with transaction.atomic():
        brand.change(now, slug=slug)
    record_audit(organization=agency, by=by, action="portal.rename", target=agency, data={"before": before, "after": slug})
    return brand


def slug_address(brand: Brand) -> str:
    """Where the portal answers always, whatever becomes of its domains."""
    return absolute_url(Brand(pk=brand.pk, slug=brand.slug), "/")


def due_domains(now: dt.datetime) -> list[tuple[UUID, UUID]]:
    """(brand, domain) whose next look is due; the earliest first."""
    rows = Domain.objects.filter(next_check_at__lte=now).order_by("next_check_at")[:50]
    return [(row.brand_id, row.pk) for row in rows]


def check_by_itself(*, agency: Organization, domain_id: UUID, now: dt.datetime) -> None:
    """One re-check of the sweep: a domain that was released meanwhile is left alone."""
    with acting_for(agency):
        domain = Domain.objects.filter(pk=domain_id, brand=agency.brand_id).first()
        if domain is None:
            return
        try:
            check(agency=agency, domain=domain, now=now)
        except Conflict:
            return
