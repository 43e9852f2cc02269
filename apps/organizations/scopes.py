"""The scopes of tenancy, by name. Look here before writing `Scope(...)` anywhere else."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from apps.core.scope import Scope, acting
from apps.organizations.models import Organization


def scope_for(organization: Organization, *, with_parent: bool = False) -> Scope:
    ids = [organization.pk]
    if with_parent and organization.parent_id:
        ids.append(organization.parent_id)
    return Scope(tuple(ids))


def acting_for(
    organization: Organization, *, with_parent: bool = False, with_children: bool = False
) -> AbstractContextManager[Scope]:
    """Act for one organization; its parent's rows (payer, connection) or its children's only when asked for."""
    scope = scope_for(organization, with_parent=with_parent)
    if with_children:
        with acting(overview("the children's ids")):
            children = Organization.objects.children_of(organization).values_list("pk", flat=True)
            scope = Scope((*scope.organizations, *children))
    return acting(scope)


def overview(why: str) -> Scope:
    """Reads all, writes and locks nothing: beat entries and sweeps. `why` is for the reader of the code."""
    assert why
    return Scope(overview=True)


@contextmanager
def operator(why: str) -> Iterator[Scope]:
    """Reads and writes all: the admin and management commands."""
    assert why
    with acting(Scope(operator=True)) as scope:
        yield scope
