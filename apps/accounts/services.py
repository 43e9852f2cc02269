"""Writes of accounts: people, what happened to their security, and the mails about it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any

from allauth.account.models import EmailAddress
from allauth.idp.oidc.models import Token
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.accounts.models import SecurityEvent, User, username_of
from apps.branding.models import Brand
from apps.core.client import client_address
from apps.core.db import step, writes
from apps.core.errors import Conflict
from apps.mail.services import queue_mail

Kind = SecurityEvent.Kind


@step
def create_user(
    *, brand: Brand, email: str, name: str, password: str, language: str = "", is_superuser: bool = False
) -> User:
    """Make a person at a brand. The e-mail address counts as confirmed: the caller knows that it is theirs.

    Raises Conflict when the brand has an account with this address. The password has passed the validators.
    """
    email = email.strip().lower()
    user = User(
        brand=brand, username=username_of(brand.pk, email), email=email, name=name.strip(), language=language,
        is_staff=is_superuser, is_superuser=is_superuser,
    )  # fmt: skip
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_("There is already an account with this e-mail address. Sign in to it instead.")) from error
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


@step
def rename_login(*, user: User, email: str) -> None:
    """Let the technical sign-in name follow a confirmed e-mail address."""
    user.email, user.username = email.lower(), username_of(user.brand_id, email)
    user.save(update_fields=["email", "username"])


@step
def move_account(*, user: User, brand: Brand) -> bool:
    """Let a person sign in at `brand` from now on, with the same password; at the old host she is nobody any more.

    Returns False when the brand has an account of this e-mail address already: nothing is changed then.
    """
    if User.objects.at(brand.pk, user.email).exists():
        return False
    user.brand, user.username = brand, username_of(brand.pk, user.email)
    user.save(update_fields=["brand", "username", "updated_at"])
    return True


@writes
def save_profile(*, user: User, now: dt.datetime, **values: Any) -> None:
    """Change name, language, time zone, table density."""
    user.change(now, **values)


@writes
def save_language(*, user: User, language: str, now: dt.datetime) -> None:
    user.change(now, language=language)


def note_security(*, request: HttpRequest, kind: Kind, user: User | None, email: str = "") -> SecurityEvent:
    """Note a security event with the address and program it came from. One insert: it needs no transaction."""
    return SecurityEvent.objects.create(
        user=user, brand=request.brand, kind=kind, email=email or (user.email if user else ""),  # type: ignore[attr-defined]
        address=client_address(request), agent=request.headers.get("User-Agent", "")[:300],
    )  # fmt: skip


@step
def queue_account_mail(
    *, request: HttpRequest, to: str, template: str, context: dict[str, Any], now: dt.datetime
) -> None:
    """Queue a mail about an account. It belongs to nobody, wears the brand of the host, and speaks the reader's language."""
    user = context.get("user")
    language = getattr(user, "language", "") or getattr(request, "LANGUAGE_CODE", "")
    queue_mail(
        key=f"account:{uuid.uuid4()}", brand=request.brand, to=to, template=template, context=context,  # type: ignore[attr-defined]
        language=language, now=now,
    )  # fmt: skip


def has_second_factor(user: User) -> bool:
    """Whether the person signs in with a code besides the password."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()


def live_sessions(user: User, now: dt.datetime) -> list[UserSession]:
    """The person's sessions, newest activity first; those that have run out are left away, in two queries."""
    rows = list(UserSession.objects.filter(user=user).order_by("-last_seen_at"))
    keys = [row.session_key for row in rows]
    alive = set(Session.objects.filter(session_key__in=keys, expire_date__gt=now).values_list("session_key", flat=True))
    return [row for row in rows if row.session_key in alive]


def end_sessions(*, request: HttpRequest, user: User, only: int | None = None) -> int:
    """End the person's other sessions, or only one of them. The session of the request stays. Returns how many ended."""
    rows = UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key)
    rows = rows.filter(pk=only) if only is not None else rows
    ended = 0
    for row in rows:
        row.end()
        ended += 1
    return ended


def end_connections(*, user: User) -> None:
    """Programs that act for the person lose their access, as sessions end: both may be in strange hands."""
    Token.objects.filter(user=user).delete()


def people_with_second_factor(user_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these people sign in with a code besides the password: one query."""
    rows = Authenticator.objects.filter(user_id__in=list(user_ids), type=Authenticator.Type.TOTP)
    return set(rows.values_list("user_id", flat=True))
