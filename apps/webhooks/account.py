"""The account webhook: settings of the organization that webhooks acts on."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.core.db import writes
from apps.organizations.changes import change_organization
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit
from apps.webhooks.endpoints import reopen
from apps.webhooks.models import Level
from apps.webhooks.rotation import replace_secret, switch_now
from apps.webhooks.targets import Target, user_agent_for


def account_target(organization: Organization) -> Target | None:
    """The account level's URL and secret; None without a URL."""
    if not organization.webhook_url:
        return None
    secret = organization.webhook_secret or None
    agent = user_agent_for(organization.brand)
    return Target(Level.ACCOUNT, str(organization.pk), organization.webhook_url, secret, agent)


@writes
def save_account_webhook(
    *, organization: Organization, by: Actor, now: dt.datetime, expected: str | None = None, hours: int = 0, **values: Any
) -> Organization:
    """Change URL, secret or events; saving switches a URL on again that was switched off.

    Args:
        hours: how long a secret that is replaced keeps signing.
        expected, values: as `update_organization` takes them.
    """
    old = Organization.objects.select_for_update().get(pk=organization.pk).webhook_secret or ""
    current = change_organization(organization=organization, by=by, now=now, expected=expected, **values)
    new = current.webhook_secret or ""
    replace_secret(organization=current, owner_id=str(current.pk), old=old, new=new, now=now, hours=hours)
    if current.webhook_url:
        reopen(organization=current, url=current.webhook_url, now=now)
    return current


@writes
def switch_secret(*, organization: Organization, owner_id: str, by: Actor, now: dt.datetime) -> bool:
    """End the overlap of a secret at once. False when none was under way."""
    done = switch_now(organization=organization, owner_id=owner_id, now=now)
    if done:
        record_audit(organization=organization, by=by, action="webhook.switch", data={"owner": owner_id})
    return done


@writes
def switch_on(*, organization: Organization, url: str, by: Actor, now: dt.datetime) -> bool:
    """Switch a URL on again because a person pressed the button. False when it was not off."""
    done = reopen(organization=organization, url=url, now=now)
    if done:
        record_audit(organization=organization, by=by, action="webhook.enable", data={"url": url.split("?")[0]})
    return done
