"""A lead as it comes in, whichever way: from a file, the API, a page or a customer's system."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.campaigns.readings import read_consent, read_moment, read_region, read_zone
from apps.core import phone

MAX_VARIABLES, MAX_VALUE, MAX_NAME, MAX_PROOF = 50, 2000, 200, 300
AHEAD = dt.timedelta(days=1)  # a clock or a zone may be wrong; a consent of next month is a typing error

PROBLEMS: dict[str, str | Promise] = phone.PROBLEMS | {
    "missing_variable": _("“%(name)s” has no value, and the message needs one."),
    "value_too_long": _("“%(name)s” is longer than 2000 characters."),
    "bad_timezone": _("“%(name)s” is no time zone. Write its name, such as Europe/Amsterdam."),
    "bad_region": _("“%(name)s” is no region. Write its code, such as BY, DE-BY or NY."),
    "bad_consent": _("“%(name)s” is no kind of consent. Write express, written or customer."),
    "bad_consent_at": _("“%(name)s” is no date of a consent. Write it as 2026-01-31 14:30."),
    "proof_too_long": _("The proof of consent is longer than 300 characters."),
    "do_not_call": _("This number is on the do-not-call list."),
    "not_an_object": _("This is no lead: an object with its fields is expected."),
    "bad_variable": _("“%(name)s” cannot be the name of a variable."),
    "too_many_variables": _("A lead can have at most 50 variables."),
    "in_campaign": _("This number is in the campaign already."),
}


@dataclass(slots=True)
class NewLead:
    """A lead to store. Not frozen: there are 100,000 of them in a file, and freezing takes as long as reading.

    Attributes:
        phone_number: in E.164.
        variables: as text.
        timezone: an IANA name; empty: nobody said.
        region: of the person, as `BY`, `DE-BY` or `NY`; empty: nobody said.
        consent: a value of Lead.Consent with the instant it was given and its proof; empty: none is known.
        id: of its row; None: any.
    """

    phone_number: str
    variables: Mapping[str, str] = field(default_factory=dict)
    timezone: str = ""
    region: str = ""
    consent: str = ""
    consent_at: dt.datetime | None = None
    consent_proof: str = ""
    id: UUID | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a lead is not taken: a key of PROBLEMS, and the variable or value that it is about."""

    kind: str
    name: str = ""

    @property
    def sentence(self) -> str:
        return str(PROBLEMS[self.kind]) % {"name": self.name}


def read_about(
    texts: Mapping[str, str], *, number: str, zone: str, country: str = "", now: dt.datetime | None = None
) -> dict[str, Any] | Refusal:
    """What somebody wrote about a person's zone, region and consent, as values of NewLead.

    Args:
        texts: any of `timezone`, `region`, `consent`, `consent_at` and `consent_proof`.
        number: E.164, of the person.
        zone, country: the campaign's zone and the country of the list, for dates without their own.
        now: a consent that lies after it is refused.
    """
    read: dict[str, Any] = {
        "timezone": read_zone(texts.get("timezone", ""), number),
        "region": read_region(texts.get("region", ""), number),
        "consent": read_consent(texts.get("consent", "")),
        "consent_proof": texts.get("consent_proof", "").strip(),
    }
    for name, value in read.items():
        if value is None:
            return Refusal(f"bad_{name}", texts[name].strip()[:60])
    if len(read["consent_proof"]) > MAX_PROOF:
        return Refusal("proof_too_long")
    if given := texts.get("consent_at", "").strip():
        read["consent_at"] = at = read_moment(given, zone=read["timezone"] or zone, country=country)
        if at is None or (now is not None and at > now + AHEAD):
            return Refusal("bad_consent_at", given[:60])
    return read
