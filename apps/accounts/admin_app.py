from django.contrib.admin.apps import AdminConfig


class OperatorAdminConfig(AdminConfig):
    """Django's admin behind our sign-in. Named in INSTALLED_APPS."""

    default_site = "apps.accounts.admin_site.OperatorSite"
