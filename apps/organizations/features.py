"""What can be switched on for a client: one list of names, what each needs, and how a page or a service asks.

Switched on is what the `Limits` row of the organization names; without a row, or with null, everything is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.db import step
from apps.core.errors import Conflict, Forbidden
from apps.organizations.models import Limits, Organization


@dataclass(frozen=True)
class Feature:
    """`needs`: names of features without which this one means nothing."""

    name: str
    label: Any
    help: Any = ""
    needs: tuple[str, ...] = ()


FEATURES: dict[str, Feature] = {
    each.name: each
    for each in (
        Feature("assistants", gettext_lazy("Assistants"), gettext_lazy("See the assistants and switch them on and off.")),
        Feature("edit_assistants", gettext_lazy("Edit assistants"), gettext_lazy("Create, change and delete assistants."), ("assistants",)),
        Feature("edit_prompts", gettext_lazy("Edit prompts"), gettext_lazy("See and change what an assistant is told."), ("edit_assistants",)),
        Feature("choose_models", gettext_lazy("Choose models and voices"), gettext_lazy("Shows the names of providers and models."), ("edit_assistants",)),
        Feature("templates", gettext_lazy("Tools and analyses"), gettext_lazy("Tool templates, analysis templates and MCP servers."), ("edit_assistants",)),
        Feature("workflows", gettext_lazy("Workflows"), "", ("edit_assistants",)),
        Feature("numbers", gettext_lazy("Phone numbers"), gettext_lazy("Add and change phone numbers.")),
        Feature("trunks", gettext_lazy("SIP trunks"), "", ("numbers",)),
        Feature("live_control", gettext_lazy("Live control"), gettext_lazy("Step into a running call: say, transfer, end.")),
        Feature("place_calls", gettext_lazy("Place calls"), gettext_lazy("Single calls and test talks.")),
        Feature("campaigns", gettext_lazy("Campaigns"), gettext_lazy("Call lists of leads."), ("place_calls",)),
        Feature("recordings", gettext_lazy("Recordings"), gettext_lazy("Listen to recorded calls.")),
        Feature("exports", gettext_lazy("Exports"), gettext_lazy("Download calls, leads and results as files.")),
        Feature("api_keys", gettext_lazy("API keys"), gettext_lazy("Program against the API; opens its documentation.")),
        Feature("webhooks", gettext_lazy("Webhooks"), gettext_lazy("Have events sent to the client's own servers.")),
        Feature("provider_keys", gettext_lazy("Own provider keys"), gettext_lazy("Shows the names of providers."), ("choose_models",)),
        Feature("sender_domain", gettext_lazy("Own e-mail domain"), ""),
        Feature("voice_engine", gettext_lazy("Own voice engine"), gettext_lazy("Connect another engine than yours.")),
        Feature("embeds", gettext_lazy("Website widgets"), gettext_lazy("Put an assistant on a website."), ("place_calls",)),
        Feature("members", gettext_lazy("Members"), gettext_lazy("Invite colleagues and choose their roles.")),
    )
}
ALL = frozenset(FEATURES)
# What a plan begins with: a business that uses the phone, and never learns what is underneath.
USUAL = ALL - {
    "edit_prompts", "choose_models", "templates", "workflows", "trunks", "api_keys", "webhooks", "provider_keys", "sender_domain", "voice_engine",
    "embeds",
}  # fmt: skip
# What a limit counts; the words stand in the refusal.
ROOM = {
    "assistants": gettext_lazy("assistants"), "numbers": gettext_lazy("phone numbers"), "campaigns": gettext_lazy("campaigns"),
    "members": gettext_lazy("members"), "api_keys": gettext_lazy("API keys"),
}  # fmt: skip


def closed(names: Iterable[str]) -> frozenset[str]:
    """Of these names, those whose needs are met; unknown ones are dropped."""
    found = ALL.intersection(names)
    while lost := {name for name in found if not found.issuperset(FEATURES[name].needs)}:
        found -= lost
    return found


def with_features(rows: QuerySet[Organization]) -> QuerySet[Organization]:
    """Organizations that bring along what is switched on for them, and how many minutes they may talk in a month."""
    limits = Limits.objects.filter(organization_id=OuterRef("pk"))
    return rows.annotate(switched=limits.values("features")[:1], month_minutes=limits.values("minutes_per_month")[:1])


def features_of(organization: Organization) -> frozenset[str]:
    """What is switched on. At most one query, remembered on the row of this request."""
    held = getattr(organization, "_features", None)
    if held is None:
        if "switched" in organization.__dict__:
            names = organization.__dict__["switched"]
        else:
            names = Limits.objects.for_organization(organization).values_list("features", flat=True).first()
        held = organization._features = ALL if names is None else closed(names)  # type: ignore[attr-defined]
    return held


def has_feature(organization: Organization, name: str) -> bool:
    assert name in FEATURES, name
    return name in features_of(organization)


def require_feature(organization: Organization, name: str) -> None:
    """Raises Forbidden with a sentence that says what to do."""
    if not has_feature(organization, name):
        raise off(name)


def require_features(held: frozenset[str] | None, *names: str) -> None:
    """As `require_feature`, for whoever acts with these; None: bound by none, as an agency's people are."""
    for name in names:
        if held is not None and name not in held:
            raise off(name)


def off(name: str) -> Forbidden:
    """The refusal; a program finds the name of what is missing under `feature`."""
    text = _("“%(feature)s” is not switched on for this workspace. Ask your provider.") % {"feature": FEATURES[name].label}
    return Forbidden(text, feature=name)


@step
def require_room(organization: Organization, name: str, *rows: QuerySet[Any]) -> None:
    """Before one more is made: raises Conflict when as many `rows` exist as the limit of this kind (a key of ROOM) allows.

    Two at the same moment wait for each other, but only where there is a limit.
    """
    limits = Limits.objects.for_organization(organization)
    if limits.filter(**{f"{name}__isnull": False}).first() is None:
        return
    most = getattr(limits.select_for_update().get(), name)
    if most is not None and sum(each.count() for each in rows) >= most:
        raise Conflict(
            _("Your plan holds %(count)d %(what)s. Remove one, or ask for more.") % {"count": most, "what": ROOM[name]},
            type="limit_reached",
        )
