"""Who works in an organization: roles, leaving, and the last owner, who stays."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from apps.core.db import writes
from apps.core.errors import Conflict, NotFound
from apps.organizations.models import Membership, Organization, Role
from apps.organizations.services import Actor, record_audit


@writes
def change_role(
    *, organization: Organization, membership: Membership, role: Role, by: Actor, now: dt.datetime
) -> Membership:
    """Give a member another role. Raises Conflict for the last owner."""
    row = _locked(organization, membership)
    if row.role == role:
        return row
    _refuse_last_owner(organization, row)
    before, label = row.role, str(row.user)
    row.change(now, role=role)
    data = {"member": label, "email": row.user.email, "from": before, "to": role}
    record_audit(organization=organization, by=by, action="member.role", target=row.user, data=data)
    return row


@writes
def remove_member(*, organization: Organization, membership: Membership, by: Actor) -> None:
    """Take somebody's access away, or leave. The account itself stays. Raises Conflict for the last owner."""
    row = _locked(organization, membership)
    _refuse_last_owner(organization, row)
    left = by.user is not None and by.user.pk == row.user_id
    data = {"member": str(row.user), "email": row.user.email, "role": row.role}
    record_audit(
        organization=organization, by=by, action="member.leave" if left else "member.remove", target=row.user, data=data
    )
    row.delete()


def _locked(organization: Organization, membership: Membership) -> Membership:
    """The row, with all owners locked: two people cannot remove each other at the same moment."""
    owners = Membership.objects.for_organization(organization).filter(role=Role.OWNER)
    list(owners.select_for_update().order_by("pk").values_list("pk"))
    rows = Membership.objects.for_organization(organization).select_for_update(of=("self",)).select_related("user")
    row = rows.filter(pk=membership.pk).first()
    if row is None:
        raise NotFound(_("This person is not a member any more."))
    return row


def _refuse_last_owner(organization: Organization, row: Membership) -> None:
    owners = Membership.objects.for_organization(organization).filter(role=Role.OWNER)
    if row.role == Role.OWNER and owners.count() == 1:
        raise Conflict(_("An organization needs an owner. Make somebody else an owner first."))
