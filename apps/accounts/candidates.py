"""People who sign up by themselves: an account whose e-mail address is not confirmed yet."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from apps.accounts.models import User, username_of
from apps.branding.models import Brand
from apps.core.db import step


@step
def make_candidate(*, brand: Brand, email: str, name: str, password: str, language: str = "") -> User | None:
    """Make a person who has yet to confirm the address; None when the brand has an account with it.

    The password has passed the validators.
    """
    email = email.strip().lower()
    user = User(
        brand=brand, username=username_of(brand.pk, email), email=email, name=name.strip(), language=language
    )
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        return None
    EmailAddress.objects.create(user=user, email=email, verified=False, primary=True)
    return user


def has_confirmed(user: User) -> bool:
    """Whether the person has shown that an address is hers."""
    return bool(EmailAddress.objects.filter(user=user, verified=True).exists())


def is_confirmed(user: User) -> bool:
    """Whether the person has shown that an address is hers, or was ever signed in."""
    return user.last_login is not None or has_confirmed(user)


@step
def drop_candidate(*, user: User) -> None:
    """Forget somebody who never confirmed: nothing of theirs can exist yet."""
    assert not is_confirmed(user)
    user.delete()
