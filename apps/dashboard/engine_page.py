"""What the page of the voice engine shows: which one is used, how it fares, what a change would touch."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.assistants.models import Assistant, McpServer, Workflow
from apps.calls.models import Call
from apps.numbers.models import PhoneNumber, SipTrunk
from apps.organizations.models import Organization
from apps.voice.capabilities import Capabilities
from apps.voice.models import Connection
from apps.voice.services import find_connection, known_capabilities
from apps.voice.words import Ability, abilities, problem_text


@dataclass(frozen=True)
class State:
    """The engine that an organization uses.

    source: `own`, `account` (an account of its own at the engine it was given), `agency`, `installation`, or `none`.
    Of another's connection nothing is told but whether it answers and what it can do.
    """

    source: str
    known: Capabilities
    abilities: list[Ability]
    down_since: dt.datetime | None = None
    problem: str = ""
    asked_at: dt.datetime | None = None
    host: str = ""


@dataclass(frozen=True)
class Touched:
    """What a change of the engine concerns. `clients` use the same one."""

    running: int = 0
    assistants: int = 0
    numbers: int = 0
    trunks: int = 0
    others: int = 0
    clients: int = 0


def state_of(organization: Organization) -> State:
    found = find_connection(organization)
    if found is None:
        return State("none", Capabilities(), [])
    known, source = known_capabilities(found), source_of(found, organization)
    is_own = source == "own"
    return State(
        source, known, abilities(known), down_since=found.failing_since, asked_at=found.engine_read_at,
        problem=problem_text(found.last_error) if is_own and found.last_error else "",
        host=found.base_url if is_own else "",
    )  # fmt: skip


def source_of(connection: Connection, organization: Organization) -> str:
    if connection.organization_id is None:
        return "installation"
    if connection.organization_id != organization.pk:
        return "agency"
    return "account" if connection.via_id else "own"


def touched_by(organization: Organization | None, connection: Connection | None) -> Touched:
    """Counts over the organization and those of its clients that use the same engine; over everybody for None.

    The scope holds whose rows are counted.
    """
    if connection is None:
        return Touched()
    calls = Call.objects.filter(connection=connection).running()
    if organization is None:
        return Touched(running=calls.count(), clients=_users_of(connection))
    # A client's scope holds its agency's rows as well: they are not its own to count.
    running = calls.filter(Q(organization=organization) | Q(organization__parent=organization)).count()
    things = {
        name: model.objects.for_organization(organization)
        for name, model in (("numbers", PhoneNumber), ("trunks", SipTrunk))
    }
    others = sum(model.objects.for_organization(organization).count() for model in (Workflow, McpServer))
    return Touched(
        running=running, assistants=Assistant.objects.for_organization(organization).filter(deleted_at=None).count(),
        others=others, clients=_clients_on(organization), **{name: rows.count() for name, rows in things.items()},
    )  # fmt: skip


def words_of(touched: Touched) -> str:
    """What a change does, in sentences with counts."""
    said = [_("No call is running now.")]
    if touched.running:
        running = ngettext(
            "%(number)d running call finishes at the present engine.",
            "%(number)d running calls finish at the present engine.",
            touched.running,
        )
        said = [running % {"number": touched.running}]
    if touched.assistants or touched.numbers or touched.trunks or touched.others:
        said.append(
            _("Assistants: %(assistants)d, phone numbers: %(numbers)d, SIP trunks: %(trunks)d, workflows and MCP servers: "
              "%(others)d. All stay here. The next engine gets copies, if it keeps any; those at the present one are left "
              "there.") % asdict(touched)
        )  # fmt: skip
    if touched.clients:
        said.append(
            ngettext(
                "%(number)d organization uses the same engine and changes with it.",
                "%(number)d organizations use the same engine and change with it.", touched.clients,
            ) % {"number": touched.clients}
        )  # fmt: skip
    return " ".join(said)


def _clients_on(organization: Organization) -> int:
    """Clients without an engine of their own. Only an agency has any."""
    if not organization.is_agency:
        return 0
    own = Connection.objects.filter(is_active=True, via=None).exclude(organization=None).values("organization_id")
    return Organization.objects.children_of(organization).exclude(pk__in=own).count()


def _users_of(connection: Connection) -> int:
    """Organizations that fall back to the installation's engine."""
    chosen = Connection.objects.filter(is_active=True, via=None).exclude(organization=None)
    own = list(chosen.values_list("organization_id", flat=True))
    rows = Organization.objects.filter(closed_at=None).exclude(pk__in=own).exclude(parent_id__in=own)
    return rows.count() if connection.is_installation else 0
