"""How allauth behaves here: accounts per brand, our outbox, our links."""

from __future__ import annotations

from typing import Any

import qrcode
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context as allauth_context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from qrcode.image.svg import SvgPathFillImage

from apps.accounts.agents import agent_name
from apps.accounts.models import User, username_of
from apps.accounts.notices import NOTICES, TEMPLATES
from apps.accounts.services import Kind, note_security, queue_account_mail, rename_login
from apps.core import crypto, db
from apps.core.client import client_address
from apps.core.scope import Scope, acting

NOBODY = Scope(())


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _("The e-mail address or the password is not right."),
        "too_many_login_attempts": _("Too many attempts. Wait 15 minutes, or reset your password."),
        "incorrect_code": _("This code is not right. Check the newest mail or your app and try again."),
        "incorrect_password": _("This password is not right."),
        "enter_current_password": _("This is not your current password."),
        "email_taken": _("There is already an account with this e-mail address here."),
        "same_as_current": _("This is the address you have now."),
        "account_inactive": _("This account is switched off."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never by allauth's form: accounts come from invitations, or from the portal's own form (`portal.views_sign_up`)."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Every mail of allauth goes through the outbox, in our templates, with links built by the brand."""
        request = self.request or allauth_context.request
        template, values = _mail_of(template_prefix, context)
        with acting(NOBODY), transaction.atomic():
            queue_account_mail(request=request, to=email, template=template, context=values, now=db.now())

    def send_notification_mail(
        self,
        template_prefix: str,
        user: AbstractBaseUser,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        super().send_notification_mail(template_prefix, user, (context or {}) | {"user": user}, email)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm an address; the technical sign-in name follows it in the same transaction."""
        with acting(NOBODY), transaction.atomic():
            if not super().confirm_email(request, email_address):
                return False
            rename_login(user=email_address.user, email=email_address.email)
        return True

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        username = str(credentials.get("username", ""))
        user = User.objects.filter(username=username).first()
        note_security(request=request, kind=Kind.SIGN_IN_FAILED, user=user, email=username.partition(":")[2][:254])

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Failures are counted per account, however the host of its brand was spelled."""
        brand = request.brand  # type: ignore[attr-defined]
        return str(credentials.get("username") or username_of(brand.pk, credentials.get("email", ""))).lower()


class MfaAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("This code is not right. Wait for the next one and try again."),
    }

    def get_totp_issuer(self) -> str:
        return str(allauth_context.request.brand.name)

    def build_totp_svg(self, url: str) -> str:
        """With its own white ground: on a dark page a camera would see nothing."""
        return str(qrcode.make(url, image_factory=SvgPathFillImage).to_string(encoding="unicode"))

    def encrypt(self, text: str) -> str:
        return crypto.encrypt(text, owner=None, field="mfa_authenticator.data").hex()

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(bytes.fromhex(encrypted_text), owner=None, field="mfa_authenticator.data")


def _mail_of(prefix: str, context: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The template and its values. Nothing of the request (host, site) reaches a mail."""
    values: dict[str, Any] = {key: context[key] for key in ("user", "code", "to_email") if key in context}
    if prefix in TEMPLATES:
        # Somebody signs up with an address that has an account: the mail leads to the sign-in.
        path = {"path": reverse("account_login")} if TEMPLATES[prefix] == "account_exists" else {}
        return TEMPLATES[prefix], values | path
    title, sentence = NOTICES[prefix]
    values |= {
        "title": title,
        "sentence": sentence,
        "at": context["timestamp"],
        "address": context["ip"],
        "program": agent_name(context["user_agent"]),
        "path": reverse("account_reset_password"),
    }
    return "account_notice", values
