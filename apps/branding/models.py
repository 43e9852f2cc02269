"""Brands and the hosts that wear them. A brand has no owner column: its agency is the organization with `owns_brand`."""

from uuid import UUID

from django.core.validators import RegexValidator
from django.db import models
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


class BrandQuerySet(models.QuerySet["Brand"]):
    def of_host(self, host: str, base_domain: str) -> "BrandQuerySet":
        """The brand that answers on `host` (no port): its slug under the base domain, or a verified domain."""
        by_slug = (
            models.Q(slug=host.removesuffix(f".{base_domain}"))
            if host.endswith(f".{base_domain}")
            else models.Q(pk=None)
        )
        return self.filter(
            by_slug | models.Q(pk__in=Domain.objects.filter(host=host, verified_at__isnull=False).values("brand"))
        )


class Brand(Row):
    slug = models.CharField(max_length=40, unique=True, validators=[slug_rule])
    name = models.CharField(_("company name"), max_length=200)
    primary_color = models.CharField(_("primary color"), max_length=7, default="#4F46E5", validators=[colour_rule])
    accent_color = models.CharField(_("accent color"), max_length=7, default="#0EA5E9", validators=[colour_rule])
    support_email = models.EmailField(_("support e-mail"), blank=True)
    terms_url = models.URLField(_("terms URL"), blank=True, max_length=2048)
    language = models.CharField(_("language"), max_length=5, blank=True)
    is_open = models.BooleanField(_("portal open"), default=True)

    objects = BrandQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def is_installation(self) -> bool:
        return self.pk == INSTALLATION_ID


class Domain(Row):
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="domains")
    host = models.CharField(max_length=253, unique=True)
    token = models.CharField(max_length=64)
    verified_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.host
