from django.contrib.admin.apps import AdminConfig


class OperatorAdminConfig(AdminConfig):
    """Django's admin behind our sign-in, with the operator's first page. Named in INSTALLED_APPS."""

    default_site = "apps.portal.operator_site.OperatorConsole"
