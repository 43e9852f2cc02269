"""What the pages of calling rules show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from apps.campaigns.rules.history import OWN, History, Version, holding
from apps.campaigns.rules.packs import ELSEWHERE, EU, MEMBERS, Key
from apps.campaigns.rules.words import (
    HINTS,
    KINDS,
    consent_words,
    country_name,
    hours_words,
    limit_words,
    silence_words,
)


def countries(history: History, today: dt.date) -> list[dict[str, Any]]:
    """A row per country with a pack of its own: by name, the Union and all others last."""
    keys = [key for key in history.keys() if not key[1]]  # noqa: SIM118
    rows = [_row(history, key, today) for key in keys]
    return sorted((row for row in rows if row), key=lambda row: (row["country"] in (EU, ELSEWHERE), row["country"] == ELSEWHERE, row["name"]))


def _row(history: History, key: Key, today: dt.date) -> dict[str, Any] | None:
    version = history.holding(key, today)
    if version is None:
        return None
    regions = sum(1 for country, region in history.versions if country == key[0] and region)
    return shown(version) | {"country": key[0], "name": country_name(*key), "regions": regions}


def country_page(history: History, key: Key, today: dt.date) -> dict[str, Any]:
    """What holds now and from when on something else, every version, and the regions of a country."""
    versions = history.versions.get(key, [])
    current = holding(versions, today)
    regions = [each for each in history.keys() if each[0] == key[0] and each[1]] if not key[1] else []  # noqa: SIM118
    return {
        "country": key[0], "region": key[1], "name": country_name(*key),
        "current": shown(current) if current else None, "union": _union(history, key, today),
        "versions": [_listed(version, versions, current, today) for version in versions],
        "regions": [shown(version) | {"region": each[1]} for each in regions if (version := history.holding(each, today))],
    }  # fmt: skip


def _union(history: History, key: Key, today: dt.date) -> dict[str, Any] | None:
    """What the European Union asks on top of a member's own rules."""
    version = history.holding((EU, ""), today) if key[0] in MEMBERS else None
    return shown(version) if version else None


def base_of(history: History, key: Key, day: dt.date) -> Version | None:
    """What an edit starts from: what holds there, else what holds for countries without rules of their own."""
    return history.holding(key, day) or (None if key[1] else history.holding((ELSEWHERE, ""), day))


def shown(version: Version) -> dict[str, Any]:
    """A version in words."""
    part = version.pack.marketing
    return {
        "version": version, "hours": hours_words(part), "attempts": [limit_words(limit) for limit in part.attempts],
        "silence": silence_words(part.silence_days), "consent": consent_words(part), "needs_consent": part.consent is not None,
        "hints": [HINTS[hint] for hint in version.pack.hints if hint in HINTS],
        "service_hours": hours_words(version.pack.service) if version.pack.service.hours is not None else [],
        "sources": [each | {"kind": KINDS.get(each.get("kind", ""), "")} for each in version.sources],
    }  # fmt: skip


def _listed(version: Version, versions: Sequence[Version], current: Version | None, today: dt.date) -> dict[str, Any]:
    """`state`: holds, coming, over (a newer version took its place), overruled (somebody nearer set another one)."""
    if version is current:
        state = "holds"
    elif version.valid_from > today and holding(versions, version.valid_from) is version:
        state = "coming"
    else:
        nearer = any(each.rank < version.rank and each.valid_from <= max(today, version.valid_from) for each in versions)
        state = "overruled" if nearer else "over"
    return shown(version) | {"state": state, "is_own": version.rank == OWN}
