"""A person whose last workspace was deleted: the account goes, its row stays for what it signed."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.idp.oidc.models import Token
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession

from apps.accounts.models import User, username_of
from apps.core.db import writes


@writes
def forget_person(*, user_id: UUID, now: dt.datetime) -> None:
    """End sessions, programs and second factors; name and address go, so that the address is free again at its brand."""
    user = User.objects.select_for_update().get(pk=user_id)
    for session in UserSession.objects.filter(user=user):
        session.end()
    Token.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    EmailAddress.objects.filter(user=user).delete()
    user.set_unusable_password()
    user.change(
        now, is_active=False, name="", email=f"{user.pk.hex}@deleted.invalid",
        username=username_of(user.brand_id, f"{user.pk.hex}@deleted.invalid"), password=user.password,
    )  # fmt: skip
