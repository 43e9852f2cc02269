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
    return acting(_with_children(organization, scope) if with_children else scope)


def page_scope(organization: Organization, *, reads: bool, with_deleted: bool = False) -> Scope:
    """The scope of a page or an API request.

    The payer's rows stand in it to be used, never shown. An agency that only reads also sees its clients' rows; a
    change to a client is made in the client's own scope. `with_deleted`: what is left of deleted clients, too.
    """
    scope = scope_for(organization, with_parent=True)
    return _with_children(organization, scope, with_deleted=with_deleted) if reads and organization.is_agency else scope


def _with_children(organization: Organization, scope: Scope, *, with_deleted: bool = False) -> Scope:
    with acting(overview("the clients of an agency")):
        rows = Organization.objects.filter(parent=organization) if with_deleted else Organization.objects.children_of(organization)
        children = rows.values_list("pk", flat=True)
        return Scope((*scope.organizations, *children))


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
