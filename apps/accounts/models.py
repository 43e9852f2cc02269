"""People. An account belongs to the brand of the host where it was made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin, UserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from apps.branding.models import Brand
from apps.core.models import Row


def username_of(brand_id: object, email: str) -> str:
    """The technical name allauth signs in with: one e-mail address may have accounts at several brands."""
    return f"{brand_id}:{email.strip().lower()}"


class UserQuerySet(models.QuerySet["User"]):
    def at(self, brand_id: object, email: str) -> UserQuerySet:
        return self.filter(username=username_of(brand_id, email))


class PeopleManager(UserManager["User"]):
    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def at(self, brand_id: object, email: str) -> UserQuerySet:
        return self.get_queryset().at(brand_id, email)


class User(AbstractBaseUser, PermissionsMixin, Row):
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="+")
    username = models.CharField(max_length=300, unique=True, editable=False)
    email = models.EmailField(_("e-mail address"))
    name = models.CharField(_("name"), max_length=200, blank=True)
    language = models.CharField(_("language"), max_length=5, blank=True)
    timezone = models.CharField(_("time zone"), max_length=64, blank=True)
    compact_tables = models.BooleanField(_("compact tables"), default=False)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]
    objects = PeopleManager()

    class Meta:
        constraints = [models.UniqueConstraint("brand", Lower("email"), name="one_account_per_brand_and_email")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return str(self)


class SecurityEventQuerySet(models.QuerySet["SecurityEvent"]):
    def of_people(self, user_ids: Iterable[UUID] | models.QuerySet[Any, Any]) -> SecurityEventQuerySet:
        return self.filter(user_id__in=user_ids).select_related("user")


class SecurityEvent(Row):
    """Sign-in, failure, password, second factor, sessions: the audit page reads them beside the organization's."""

    class Kind(models.TextChoices):
        SIGN_IN = "sign_in", _("Signed in")
        SIGN_IN_FAILED = "sign_in_failed", _("Sign-in failed")
        SIGN_OUT = "sign_out", _("Signed out")
        SESSIONS_ENDED = "sessions_ended", _("Other sessions ended")
        PASSWORD_CHANGED = "password_changed", _("Password changed")
        PASSWORD_RESET = "password_reset", _("Password reset by mail")
        EMAIL_CHANGED = "email_changed", _("E-mail address changed")
        SECOND_FACTOR_ON = "second_factor_on", _("Two-factor sign-in turned on")
        SECOND_FACTOR_OFF = "second_factor_off", _("Two-factor sign-in turned off")
        SECOND_FACTOR_FAILED = "second_factor_failed", _("Wrong two-factor code")
        RECOVERY_CODES = "recovery_codes", _("New recovery codes made")
        ACCOUNT_MADE = "account_made", _("Account made from an invitation")

    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="security_events")
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40, choices=Kind)
    email = models.EmailField(blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    agent = models.CharField(max_length=300, blank=True)

    objects = SecurityEventQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "-created_at"], name="security_events_of_a_person")]
