from django.apps import AppConfig

from apps.core import checks  # noqa: F401  (checks register when imported)


class CoreConfig(AppConfig):
    name = "apps.core"
