"""The person of a request."""

from django.http import HttpRequest

from apps.accounts.models import User


def person(request: HttpRequest) -> User:
    """Who is signed in; only for views that nobody else reaches."""
    assert isinstance(request.user, User) or request.user.is_authenticated
    return request.user  # type: ignore[return-value]
