from django.urls import path

from apps.catalog import views, views_domain, views_postcall

urlpatterns = [
    path("settings/provider-keys", views.provider_keys, name="provider_keys"),
    path("settings/provider-keys/set", views.provider_key_set, name="provider_key_set"),
    path("settings/provider-keys/remove", views.provider_key_remove, name="provider_key_remove"),
    path("settings/after-calls", views_postcall.postcall_settings, name="postcall_settings"),
    path("settings/email-domain", views_domain.email_domain, name="email_domain"),
    path("settings/email-domain/add", views_domain.email_domain_add, name="email_domain_add"),
    path("settings/email-domain/pick", views_domain.email_domain_pick, name="email_domain_pick"),
    path("settings/email-domain/verify", views_domain.email_domain_verify, name="email_domain_verify"),
    path("settings/email-domain/refresh", views_domain.email_domain_refresh, name="email_domain_refresh"),
    path("settings/email-domain/delete", views_domain.email_domain_delete, name="email_domain_delete"),
]
