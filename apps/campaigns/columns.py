"""Which column of a leads file is what: guessed from its header in many languages, chosen by a person, kept as JSON."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from django.utils.translation import gettext as _

from apps.campaigns.readings import read_consent, read_moment, read_region, read_zone
from apps.core.errors import Invalid
from apps.core.headers import first_of, key_of, number_column, reason_column

MAX_VARIABLES = 50
MAX_NAME = 200

# Compared without case, accents, blanks and signs; the earlier wins.
_NAME = (
    "name", "fullname", "contactname", "customername", "leadname", "contact", "customer",
    "vollername", "vollstandigername", "kontaktname", "kundenname", "ansprechpartner", "kontakt", "kunde", "nachname",
    "naam", "volledigenaam", "contactnaam", "klantnaam", "contactpersoon", "klant", "achternaam",
    "nom", "nomcomplet", "nomprenom", "prenomnom", "nomdefamille", "nombre", "nombrecompleto", "nome", "nomecompleto",
    "nominativo", "imieinazwisko", "imienazwisko", "nazwisko", "jmeno", "namn", "navn", "nimi", "nev", "nume", "isim",
    "adsoyad", "имя", "фио", "ονομα", "firstname", "lastname", "vorname", "voornaam", "prenom",
)  # fmt: skip
# What the rules and the law ask of a person. A column is taken for one of them only when its first rows read as one.
TIMEZONE, REGION, CONSENT, CONSENT_AT, CONSENT_PROOF = "timezone", "region", "consent", "consent_at", "consent_proof"
STATES = ("DE", "US", "CA", "AT", "CH")  # whose regions people write in full, whatever the file's country
ABOUT = (TIMEZONE, REGION, CONSENT, CONSENT_AT, CONSENT_PROOF)
_ABOUT: dict[str, tuple[str, ...]] = {
    TIMEZONE: (
        "timezone", "tz", "timezonename", "ianatimezone", "leadtimezone", "contacttimezone", "timezoneid",
        "tijdzone", "zeitzone", "fuseauhoraire", "husohorario", "zonahoraria", "fusoorario", "fusohorario", "strefaczasowa",
    ),
    REGION: (
        "region", "regioncode", "state", "statecode", "stateprovince", "province", "provincecode",
        "regio", "provincie", "bundesland", "kanton", "provincia", "estado", "regione", "wojewodztwo",
    ),
    CONSENT: (
        "consent", "consentkind", "consenttype", "consentstatus", "optin", "optinstatus",
        "toestemming", "soorttoestemming", "einwilligung", "artdereinwilligung", "einwilligungsart", "zustimmung",
        "consentement", "consentimiento", "consenso", "consentimento", "zgoda",
    ),
    CONSENT_AT: (
        "consentat", "consentdate", "consenttime", "consenttimestamp", "consentgiven", "dateofconsent", "optindate", "optintime",
        "optintimestamp", "toestemmingop", "datumtoestemming", "toestemmingsdatum", "einwilligungam", "einwilligungvom",
        "einwilligungsdatum", "datumdereinwilligung", "dateduconsentement", "dateconsentement", "fechadeconsentimiento",
        "datadelconsenso", "datazgody",
    ),
    CONSENT_PROOF: (
        "consentproof", "proofofconsent", "consentsource", "consenturl", "consentevidence", "optinsource", "optinurl",
        "trustedform", "trustedformcerturl", "jornayaleadid", "bewijstoestemming", "bewijsvantoestemming", "brontoestemming",
        "nachweis", "nachweisdereinwilligung", "einwilligungsnachweis", "preuve", "preuveduconsentement",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Columns:
    """What each column of a file is for, by index from 0.

    Attributes:
        number: the column to call; None while nobody has chosen one.
        variables: column to variable name; columns that are not in it are ignored.
        name: the column that also fills the variable `name`, by which a lead is listed.
        about: which columns hold time zone, region and consent of the person: one of ABOUT to its column.
    """

    number: int | None
    variables: Mapping[int, str] = field(default_factory=dict)
    name: int | None = None
    about: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        variables = {str(column): name for column, name in self.variables.items()}
        return {"number": self.number, "variables": variables, "name": self.name, "about": dict(self.about)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        variables = {int(column): name for column, name in data.get("variables", {}).items()}
        about = {use: int(column) for use, column in data.get("about", {}).items() if use in ABOUT}
        return cls(data.get("number"), variables, data.get("name"), about)

    def filling(self) -> dict[str, int]:
        """Variable name to the column that fills it."""
        found = {name: column for column, name in self.variables.items()}
        return found if self.name is None else {"name": self.name} | found

    def unmapped(self, wanted: Collection[str]) -> list[str]:
        """Variables that a template asks for and no column fills."""
        return sorted(set(wanted) - self.filling().keys())

    def check(self, width: int) -> None:
        """Refuse a choice that makes no sense for a file of `width` columns; raises Invalid."""
        used = [column for column in (self.number, self.name, *self.variables, *self.about.values()) if column is not None]
        if self.number is None or not all(0 <= column < width for column in used):
            raise Invalid(_("Choose the column that holds the phone numbers."), param="number")
        names = list(self.variables.values())
        for name in names:
            if not name.strip() or len(name) > MAX_NAME or re.search(r"[{}\r\n]", name):
                raise Invalid(_("“%(name)s” cannot be the name of a variable.") % {"name": name}, param="variables")
            if names.count(name) > 1:
                raise Invalid(_("Two columns are both called “%(name)s”.") % {"name": name}, param="variables")
        if len(self.filling()) > MAX_VARIABLES:
            raise Invalid(_("A lead can have at most 50 variables; leave some columns out."), param="variables")


def guess_columns(
    header: Sequence[str],
    *,
    wanted: Collection[str] = (),
    sample: Sequence[Sequence[str]] = (),
    country: str | None = None,
) -> Columns:
    """A proposal for the mapping page.

    A variable is called as its header stands, spaces turned into `_`; where the template asks for the same name in
    another spelling, as the template spells it. Without a telling header the number is the column of `sample` rows
    that reads as numbers.
    """
    reason = reason_column(header)
    keys = ["" if column == reason else key_of(name) for column, name in enumerate(header)]
    number = number_column(keys, sample, country)
    spelled = {key_of(name): name for name in wanted}
    about = _about(keys, sample, number, country or "")
    special = {number, *about.values()}
    named = [column for column in range(len(header)) if column != reason and header[column].strip()]
    named = [column for column in named if column not in special or keys[column] in spelled]
    variables: dict[int, str] = {}
    for column in named[:MAX_VARIABLES]:
        proposed = spelled.get(keys[column]) or variable_name(header[column])
        variables[column] = _unused(proposed, variables.values())
    name = first_of([key if column in variables else "" for column, key in enumerate(keys)], _NAME)
    return Columns(number, variables, None if name is None or len(named) >= MAX_VARIABLES else name, about)


def signature_of(header: Sequence[str]) -> str:
    """What two files with the same columns have in common; nothing of it can be read."""
    names = [" ".join(name.split()).casefold() for name in header]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()


def variable_name(header: str) -> str:
    """The header as it stands, spaces turned into `_` (features 14)."""
    return re.sub(r"\s", "_", re.sub(r"[{}]", "", header).strip())[:MAX_NAME]


def _about(keys: Sequence[str], sample: Sequence[Sequence[str]], number: int | None, country: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for use, names in _ABOUT.items():
        column = first_of(keys, names)
        if column is None or column == number or column in found.values():
            continue
        if all(_reads(use, cells[column], country) for cells in sample if cells[column].strip()):
            found[use] = column
    return found


def _reads(use: str, text: str, country: str) -> bool:
    if use == TIMEZONE:
        return read_zone(text, "+1") is not None
    if use == REGION:
        return any(read_region(text, country=each) is not None for each in (country, *STATES))
    if use == CONSENT:
        return read_consent(text) is not None
    return use == CONSENT_PROOF or read_moment(text, zone="UTC") is not None


def _unused(name: str, taken: Collection[str]) -> str:
    proposed, count = name, 1
    while proposed in taken:
        count += 1
        proposed = f"{name}_{count}"
    return proposed
