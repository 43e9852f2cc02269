"""What allauth reports about sign-in and security, noted. These are allauth's signals; ours have none."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import email_changed, password_changed, password_reset, password_set, user_logged_in
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed, authenticator_added, authenticator_removed, authenticator_reset
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from apps.accounts.models import User
from apps.accounts.services import Kind, end_connections, end_sessions, note_security

TOTP = Authenticator.Type.TOTP


@receiver(user_logged_in)
def on_sign_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    note_security(request=request, kind=Kind.SIGN_IN, user=user)


@receiver(user_logged_out)
def on_sign_out(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None and hasattr(request, "brand"):
        note_security(request=request, kind=Kind.SIGN_OUT, user=user)


@receiver([password_changed, password_set])
def on_password(request: HttpRequest, user: User, **kwargs: Any) -> None:
    end_sessions(request=request, user=user)
    end_connections(user=user)
    note_security(request=request, kind=Kind.PASSWORD_CHANGED, user=user)


@receiver(password_reset)
def on_reset(request: HttpRequest, user: User, **kwargs: Any) -> None:
    end_sessions(request=request, user=user)
    end_connections(user=user)
    note_security(request=request, kind=Kind.PASSWORD_RESET, user=user)


@receiver(email_changed)
def on_email(request: HttpRequest, user: User, **kwargs: Any) -> None:
    # Without an address before, somebody who signs up confirms the first one.
    if kwargs.get("from_email_address") is None:
        return
    note_security(request=request, kind=Kind.EMAIL_CHANGED, user=user)


@receiver(authenticator_added)
def on_second_factor(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    """Sessions that were opened with the password alone end: from now on both are needed."""
    if authenticator.type == TOTP:
        end_sessions(request=request, user=user)
        note_security(request=request, kind=Kind.SECOND_FACTOR_ON, user=user)


@receiver(authenticator_removed)
def on_second_factor_off(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    if authenticator.type == TOTP:
        note_security(request=request, kind=Kind.SECOND_FACTOR_OFF, user=user)


@receiver(authenticator_reset)
def on_recovery_codes(request: HttpRequest, user: User, **kwargs: Any) -> None:
    note_security(request=request, kind=Kind.RECOVERY_CODES, user=user)


@receiver(authentication_failed)
def on_wrong_code(request: HttpRequest, user: User, **kwargs: Any) -> None:
    note_security(request=request, kind=Kind.SECOND_FACTOR_FAILED, user=user)
