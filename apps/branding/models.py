"""Brands and the hosts that wear them. A brand has no owner column: its agency is the organization with `owns_brand`."""

from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import JSONObject
from django.utils.translation import gettext_lazy as _

from apps.core.models import Row

INSTALLATION_ID = UUID("00000000-0000-7000-8000-000000000001")
RESERVED_SLUGS = {"www", "api", "admin", "app", "mail", "static", "internal", "hooks", "portal", "support", "status"}

slug_rule = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]{1,38}[a-z0-9])$",
    _("Use 3 to 40 small letters, digits and dashes; a dash is neither first nor last."),
)
colour_rule = RegexValidator(
    r"^#[0-9a-fA-F]{6}$", _("Write a colour as # and six hexadecimal digits, such as #3B82F6.")
)


class Font(models.TextChoices):
    """The bundled fonts; each is one variable file below static/fonts."""

    INTER = "inter", "Inter"
    SOURCE_SANS = "source-sans", "Source Sans 3"
    NUNITO = "nunito", "Nunito"
    LORA = "lora", "Lora"
    PLEX = "plex", "IBM Plex Sans"
    SYSTEM = "system", _("The device's own")


class BrandQuerySet(models.QuerySet["Brand"]):
    def of_host(self, host: str, base_domain: str) -> "BrandQuerySet":
        """The brand that answers on `host` (no port): its slug under the base domain, or a verified domain."""
        by_slug = (
            models.Q(slug=host.removesuffix(f".{base_domain}"))
            if host.endswith(f".{base_domain}")
            else models.Q(pk=None)
        )
        return self.filter(
            by_slug | models.Q(pk__in=Domain.objects.serving().filter(host=host).values("brand"))
        )

    def with_pictures(self) -> "BrandQuerySet":
        """With the list of its pictures, but not their bytes, in the same query: each page names some."""
        rows = BrandImage.objects.filter(brand=models.OuterRef("pk")).order_by()
        shown = JSONObject(kind="kind", digest="digest", width="width", height="height", tone="tone")
        return self.annotate(pictures_held=ArraySubquery(rows.values(shown=shown)))


class Brand(Row):
    slug = models.CharField(max_length=40, unique=True, validators=[slug_rule])
    name = models.CharField(_("company name"), max_length=200)
    primary_color = models.CharField(_("primary color"), max_length=7, default="#4F46E5", validators=[colour_rule])
    accent_color = models.CharField(_("accent color"), max_length=7, default="#0EA5E9", validators=[colour_rule])
    font = models.CharField(_("font"), max_length=20, choices=Font, default=Font.INTER, db_default=Font.INTER)
    support_email = models.EmailField(_("support e-mail"), blank=True)
    support_url = models.URLField(_("support page"), blank=True, max_length=2048, db_default="")
    terms_url = models.URLField(_("terms URL"), blank=True, max_length=2048)
    privacy_url = models.URLField(_("privacy URL"), blank=True, max_length=2048, db_default="")
    help_url = models.URLField(_("help pages"), blank=True, max_length=2048, db_default="")
    language = models.CharField(_("language"), max_length=5, blank=True)
    sender_name = models.CharField(_("sender of e-mails"), max_length=100, blank=True, db_default="")
    sign_in_title = models.CharField(_("title of the sign-in page"), max_length=120, blank=True, db_default="")
    sign_in_text = models.TextField(_("text of the sign-in page"), max_length=1000, blank=True, db_default="")
    is_open = models.BooleanField(_("portal open"), default=True)

    objects = BrandQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def is_installation(self) -> bool:
        return self.pk == INSTALLATION_ID


class BrandImage(Row):
    """One picture of a brand, re-encoded by us; an uploaded file is never kept as it came.

    `source_url` is where it was fetched once; empty when it was uploaded. `digest` (SHA-256) stands in its address.
    `tone`: on which ground its outline would be lost; empty when that was never judged.
    """

    class Kind(models.TextChoices):
        LOGO_LIGHT = "logo_light", _("Logo")
        LOGO_DARK = "logo_dark", _("Logo on dark ground")
        FAVICON = "favicon", _("Favicon")
        ICON_192 = "icon_192", _("App icon, 192 pixels")
        ICON_512 = "icon_512", _("App icon, 512 pixels")
        SIGN_IN = "sign_in", _("Sign-in picture")

    class Tone(models.TextChoices):
        DARK = "dark", _("Dark")
        LIGHT = "light", _("Light")
        ANY = "any", _("Seen on any ground")

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="images")
    kind = models.CharField(max_length=20, choices=Kind)
    content = models.BinaryField()
    content_type = models.CharField(max_length=40)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    source_url = models.URLField(max_length=2048, blank=True)
    tone = models.CharField(max_length=5, choices=Tone, blank=True, default="", db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["brand", "kind"], name="one_image_of_a_kind")]

    def __str__(self) -> str:
        return self.kind


class DomainQuerySet(models.QuerySet["Domain"]):
    def serving(self) -> "DomainQuerySet":
        """Those that answer: proven, and not failing for longer than the grace."""
        return self.filter(state__in=Domain.SERVING)


class Domain(Row):
    """A brand's own domain. Several brands may claim a host; only one that has proven it answers on it.

    pending → active (CNAME and TXT found) → failing (DNS no longer right; answers for 7 days more) → off. A released
    domain's row is deleted; whoever claims the host next proves it with a token of its own.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting for DNS")
        ACTIVE = "active", _("Active")
        FAILING = "failing", _("DNS is not right any more")
        OFF = "off", _("Switched off")

    SERVING = (State.ACTIVE, State.FAILING)

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="domains")
    host = models.CharField(max_length=253)
    token = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING, db_default=State.PENDING)
    verified_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    next_check_at = models.DateTimeField(null=True, blank=True)
    # What the last look found: {"cname": [...], "txt": [...], "addresses": [...], "error": ""}.
    found = models.JSONField(default=dict, blank=True, db_default=models.Value({}, models.JSONField()))
    tls_until = models.DateTimeField(null=True, blank=True)
    tls_issuer = models.CharField(max_length=200, blank=True, db_default="")
    tls_error = models.CharField(max_length=300, blank=True, db_default="")
    tls_checked_at = models.DateTimeField(null=True, blank=True)

    objects = DomainQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["brand", "host"], name="one_claim_per_brand_and_host"),
            models.UniqueConstraint(
                fields=["host"], condition=models.Q(state__in=("active", "failing")), name="one_brand_answers_on_a_host"
            ),
        ]

    def __str__(self) -> str:
        return self.host
