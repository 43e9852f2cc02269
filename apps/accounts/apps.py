from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class AccountsConfig(AppConfig):
    name = "apps.accounts"

    def ready(self) -> None:
        # The receivers of allauth's own signals, and checks; models must be there first.
        autodiscover_modules("receivers", "checks")
