"""Changing how often a number is called and how people opt out."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.calls.models import CallingRules
from apps.core.db import writes
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit


class StaleRules(Exception):
    """Somebody else saved meanwhile."""

    def __init__(self, current: CallingRules) -> None:
        super().__init__()
        self.current = current


@writes
def save_rules(
    *, organization: Organization, values: dict[str, Any], expected: str, by: Actor, now: dt.datetime
) -> CallingRules:
    """Store what `CallingRulesForm.values` holds; they act from the next call on.

    Args:
        expected: the version that was shown; raises StaleRules when it is not the present one.
    """
    rules: CallingRules
    rules, _is_new = CallingRules.objects.get_or_create(organization=organization)  # type: ignore[assignment]
    rules = CallingRules.objects.for_organization(organization).select_for_update().get(pk=rules.pk)  # type: ignore[assignment]
    if str(rules.version) != expected:
        raise StaleRules(rules)
    rules.change(now, **values, version=rules.version + 1)
    numbers = {name: value for name, value in values.items() if name != "opt_out_phrases"}
    record_audit(organization=organization, by=by, action="calling_rules.change", target=None, data=numbers)
    return rules
