"""A brand's own domains: claimed, proven, watched, released (platform 5)."""

from __future__ import annotations

import datetime as dt
import secrets

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.branding.dns import Found
from apps.branding.hosts import MOST as MOST_LETTERS
from apps.branding.hosts import clean_host
from apps.branding.middleware import brand_of_host, installation_hosts
from apps.branding.models import Brand, Domain
from apps.branding.tls import Certificate
from apps.core.db import step
from apps.core.errors import Conflict, Invalid

State = Domain.State
MOST = 5
# So long a domain goes on answering after its records are gone.
GRACE = dt.timedelta(days=7)
# (since it was claimed, between two looks)
PENDING = [(dt.timedelta(minutes=15), dt.timedelta(minutes=1)), (dt.timedelta(days=1), dt.timedelta(minutes=10)),
           (dt.timedelta(days=14), dt.timedelta(hours=1))]  # fmt: skip
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


@step
def claim_domain(*, brand: Brand, typed: str, now: dt.datetime) -> Domain:
    """Note that a brand wants a host. What others claim is not said: whoever proves it gets it.

    Raises Invalid (param `host`) for what is no host of one's own, Conflict for too many or the same again.
    """
    try:
        host = clean_host(typed, installation_hosts())
    except ValidationError as error:
        raise Invalid(error.messages[0], param="host") from error
    if brand.domains.count() >= MOST:
        raise Conflict(_("A portal has at most %(count)d domains. Release one first.") % {"count": MOST})
    try:
        with transaction.atomic():
            return Domain.objects.create(brand=brand, host=host, token=secrets.token_hex(16), next_check_at=now)
    except IntegrityError:
        raise Conflict(_("%(host)s is in your list already.") % {"host": host}) from None


@step
def record_look(*, domain: Domain, found: Found, now: dt.datetime) -> tuple[str, str]:
    """Write down what a look found and move on. Returns the state before and after.

    A host that another portal answers on goes over only when the other's proof is gone from the zone: the zone's owner
    decides, and nobody else can take it. Raises nothing; a race between two claims is lost by the later one.
    """
    row = Domain.objects.select_for_update().get(pk=domain.pk)
    before = row.state
    after, row.failing_since = next_state(row, found, now)
    if after in Domain.SERVING and before not in Domain.SERVING and not _is_free(row, found):
        after = before
    row.state, row.found, row.checked_at = after, found.as_json(), now
    if after == State.ACTIVE and row.verified_at is None:
        row.verified_at = now
    row.next_check_at = now + _pause(row, now)
    row.updated_at = now
    row.save()
    return before, after


def next_state(row: Domain, found: Found, now: dt.datetime) -> tuple[str, dt.datetime | None]:
    """The state after a look, and since when it has been failing. Name servers that do not answer change nothing."""
    if found.error:
        return row.state, row.failing_since
    if found.points_here(settings.PORTAL_TARGET) and found.proves(row.token):
        return State.ACTIVE, None
    if row.state in Domain.SERVING:
        since = row.failing_since or now
        return (State.OFF if now - since >= GRACE else State.FAILING), since
    return row.state, row.failing_since


@step
def record_certificate(*, domain: Domain, certificate: Certificate, now: dt.datetime) -> None:
    domain.change(
        now, tls_until=certificate.until, tls_issuer=certificate.issuer, tls_error=certificate.error, tls_checked_at=now
    )


@step
def release_domain(*, domain: Domain) -> None:
    """It stops answering with the commit. Its token is forgotten: who claims it next must prove it anew."""
    domain.delete()


def may_have_certificate(host: str) -> bool:
    """Whether a certificate may be requested for this host: the installation's, a portal's slug, or a proven domain."""
    name = host.strip().lower().rstrip(".")
    return bool(name) and len(name) <= MOST_LETTERS and brand_of_host(name) is not None


def _is_free(row: Domain, found: Found) -> bool:
    """Nobody else answers there; or the other one's proof is gone, and it stops now."""
    other = Domain.objects.select_for_update().serving().filter(host=row.host).exclude(pk=row.pk).first()
    if other is None:
        return True
    if found.proves(other.token):
        return False
    other.state = State.OFF
    other.save(update_fields=["state"])
    return True


def _pause(row: Domain, now: dt.datetime) -> dt.timedelta:
    if row.state == State.ACTIVE:
        return DAY
    if row.state == State.FAILING:
        return HOUR
    age = now - row.created_at
    return next((pause for until, pause in PENDING if age < until), DAY) if row.state == State.PENDING else DAY
