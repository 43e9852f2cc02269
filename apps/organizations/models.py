"""Tenants, who works in them, their keys, and what was done."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.branding.models import Brand
from apps.core.fields_encrypted import EncryptedTextField
from apps.core.models import Row


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    MEMBER = "member", _("Member")
    VIEWER = "viewer", _("Viewer")


RANK = {Role.VIEWER: 0, Role.MEMBER: 1, Role.ADMIN: 2, Role.OWNER: 3}


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def live(self) -> Self:
        return self.filter(closed_at__isnull=True)

    def children_of(self, organization: Organization) -> Self:
        return self.live().filter(parent=organization).order_by("name", "id")


class Organization(Row):
    """A tenant: an agency (no parent) or its client. Two levels only."""

    name = models.CharField(_("name"), max_length=200)
    slug = models.SlugField(max_length=60, unique=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="+")
    owns_brand = models.BooleanField(default=False)
    country = models.CharField(_("country"), max_length=2, default="NL")
    timezone = models.CharField(_("time zone"), max_length=64, default="Europe/Amsterdam")
    language = models.CharField(_("language"), max_length=5, default="en")
    content_retention_days = models.PositiveSmallIntegerField(default=90)
    metadata_retention_days = models.PositiveSmallIntegerField(default=365)
    has_local_models_access = models.BooleanField(default=False)
    records_calls = models.BooleanField(_("record calls"), default=False)
    requires_second_factor = models.BooleanField(_("require two-factor sign-in"), default=False)
    webhook_url = models.CharField(_("webhook URL"), max_length=2048, blank=True)
    webhook_secret = EncryptedTextField(owner="id", default=b"", blank=True)
    webhook_events = models.JSONField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)
    has_wallet = models.BooleanField(default=False, db_default=False)
    asks_visit_reason = models.BooleanField(_("ask for a reason before entering a client"), default=True, db_default=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~models.Q(parent=models.F("id")), name="no_parent_of_itself"),
            models.CheckConstraint(
                condition=models.Q(content_retention_days__lte=models.F("metadata_retention_days")),
                name="content_not_kept_longer_than_metadata",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_agency(self) -> bool:
        return self.parent_id is None

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None

    @property
    def payer_id(self) -> object:
        """Whose balance pays: all usage of children is paid by the parent's."""
        return self.parent_id or self.id

    @property
    def payer_ids(self) -> tuple[object, ...]:
        """Every account that a call of this organization needs credits on: the payer's, and its own wallet."""
        return (self.payer_id, self.id) if self.has_wallet and self.parent_id else (self.payer_id,)

    @property
    def wallet_id(self) -> object:
        """Whose balance the organization's own people see: its wallet, else the payer's."""
        return self.payer_ids[-1]


class OwnedQuerySet(models.QuerySet):  # type: ignore[type-arg]
    def for_organization(self, organization: Organization | object) -> Self:
        """The one way from a page or the API to rows: only those of this organization."""
        assert organization is not None, "a query of a tenant's rows needs the tenant"
        return self.filter(organization_id=getattr(organization, "pk", organization))


class OwnedModel(Row):
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")

    objects = OwnedQuerySet.as_manager()

    class Meta:
        abstract = True


class MembershipQuerySet(OwnedQuerySet):
    def people(self) -> Self:
        """With their accounts, by name."""
        return self.select_related("user").order_by("user__name", "user__email", "pk")


class Membership(OwnedModel):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(_("role"), max_length=10, choices=Role)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="one_membership_per_person")]


class InvitationQuerySet(OwnedQuerySet):
    def pending(self) -> Self:
        """Neither used nor revoked; it may have run out."""
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True)

    def open(self, now: dt.datetime) -> Self:
        return self.pending().filter(expires_at__gt=now)


class Invitation(OwnedModel):
    """A link, valid for 7 days, single use; the token is kept as a hash."""

    email = models.EmailField(_("e-mail address"))
    role = models.CharField(_("role"), max_length=10, choices=Role)
    digest = models.BinaryField(unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    def __str__(self) -> str:
        return self.email


class ApiKeyQuerySet(OwnedQuerySet):
    def live(self) -> Self:
        return self.filter(revoked_at__isnull=True)

    def usable(self, now: dt.datetime) -> Self:
        return self.live().exclude(expires_at__lte=now)

    def over(self, now: dt.datetime) -> Self:
        """Revoked or expired."""
        return self.filter(models.Q(revoked_at__isnull=False) | models.Q(expires_at__lte=now))


class ApiKey(OwnedModel):
    """Shown once, kept as a SHA-256 digest of 40 random letters and digits."""

    name = models.CharField(_("name"), max_length=200)
    prefix = models.CharField(max_length=16)
    digest = models.BinaryField(unique=True)
    read_only = models.BooleanField(_("read only"), default=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Limits(OwnedModel):
    """What an organization may use; null: no limit of its own. An agency's limits hold for it and its clients together.

    `starts` calls begin in any `starts_seconds`. `guaranteed_calls` lines are kept free for its campaigns while these
    have leads to call, `inbound_lines` are never used by campaigns. `countries` (ISO codes) may be called;
    `spend_per_hour` is in micro-credits.
    """

    concurrent_calls = models.PositiveIntegerField(null=True, blank=True)
    guaranteed_calls = models.PositiveIntegerField(default=0)
    inbound_lines = models.PositiveIntegerField(default=0)
    starts = models.PositiveSmallIntegerField(null=True, blank=True)
    starts_seconds = models.PositiveSmallIntegerField(default=1)
    countries = models.JSONField(null=True, blank=True)
    spend_per_hour = models.BigIntegerField(null=True, blank=True)
    assistants = models.PositiveIntegerField(null=True, blank=True)
    numbers = models.PositiveIntegerField(null=True, blank=True)
    campaigns = models.PositiveIntegerField(null=True, blank=True)
    members = models.PositiveIntegerField(null=True, blank=True)
    api_keys = models.PositiveIntegerField(null=True, blank=True)
    minutes_per_month = models.PositiveIntegerField(null=True, blank=True)
    # Names of what is switched on (features.py); null: everything. What holds is here; how it came about (the plan, and
    # the client's exceptions to it) is beside it, so that a change of the plan can be worked out again.
    features = models.JSONField(null=True, blank=True)
    plan_id = models.UUIDField(null=True, blank=True)
    exceptions = models.JSONField(default=dict, blank=True, db_default=models.Value({}, models.JSONField()))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="one_limits_per_organization"),
            models.CheckConstraint(condition=models.Q(starts_seconds__gte=1), name="limits_window_has_length"),
        ]


class FeatureDefault(Row):
    """What new organizations of a level begin with, set by the operator. `features`: names; null: everything."""

    class Level(models.TextChoices):
        AGENCY = "agency", _("New agencies")
        CLIENT = "client", _("New clients")

    level = models.CharField(max_length=10, choices=Level, unique=True)
    features = models.JSONField(null=True, blank=True)

    def __str__(self) -> str:
        return self.get_level_display()


class StoredAnswer(OwnedModel):
    """The first answer of a POST, for 24 h per key, so that a repeat starts nothing."""

    api_key_id = models.UUIDField()
    key = models.CharField(max_length=300)
    request_digest = models.BinaryField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    # Encrypted: the answer to POST /organizations holds an API key.
    body = EncryptedTextField(null=True, blank=True)
    intent = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "api_key_id", "key"], name="one_answer_per_key"),
        ]


class Job(OwnedModel):
    """Long work that a person waits for: an import or an export."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    kind = models.CharField(max_length=40)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True, blank=True)
    data = models.JSONField(default=dict, blank=True)
    error = models.CharField(max_length=500, blank=True)
    started_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")


class AuditEntry(OwnedModel):
    """Who did what to which thing. The application may add and read, never change."""

    user = models.ForeignKey(User, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    actor = models.CharField(max_length=200)
    api_key_id = models.UUIDField(null=True, blank=True)
    action = models.CharField(max_length=60)
    target_type = models.CharField(max_length=40, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    target = models.CharField(max_length=200, blank=True)
    data = models.JSONField(default=dict, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    # The visit of the agency's person during which it was done, and for whom she works.
    visit = models.ForeignKey("Visit", null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    agency_name = models.CharField(max_length=200, blank=True, db_default="")

    class Meta:
        indexes = [models.Index(fields=["organization", "-created_at"], name="audit_newest")]

    def __str__(self) -> str:
        return self.action


class Visit(OwnedModel):
    """An agency's person in the workspace of a client (`organization`): who, why, until when. The client may read it."""

    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    person = models.CharField(max_length=200)
    agency_id = models.UUIDField()
    agency_name = models.CharField(max_length=200)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "-created_at"], name="visits_newest")]

    def __str__(self) -> str:
        return self.person


class Notification(OwnedModel):
    """A note to the people of an organization, shown in the product: once per `key`.

    `url` is a path inside the workspace, or empty. `user` null: for everyone with at least `role`.
    """

    class Level(models.TextChoices):
        INFO = "info", _("Information")
        SUCCESS = "success", _("Good news")
        WARNING = "warning", _("Warning")
        ERROR = "error", _("Problem")

    key = models.CharField(max_length=200)
    kind = models.CharField(max_length=40)
    level = models.CharField(max_length=10, choices=Level, default=Level.INFO)
    title = models.CharField(max_length=200)
    text = models.TextField(max_length=4000, blank=True)
    url = models.CharField(max_length=500, blank=True)
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)
    is_banner = models.BooleanField(default=False)
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="one_notification_per_key")]
        indexes = [models.Index(fields=["organization", "-created_at"], name="notifications_newest")]

    def __str__(self) -> str:
        return self.title


class NotificationRead(OwnedModel):
    """Who has read or put away a notification."""

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="reads")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["notification", "user"], name="read_once_per_person")]
