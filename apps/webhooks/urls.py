from django.urls import path

from apps.webhooks import views

urlpatterns = [
    path("settings/webhook", views.webhook_settings, name="webhook_settings"),
    path("settings/webhook/switch", views.webhook_switch, name="webhook_switch"),
    path("settings/webhook/on", views.webhook_on, name="webhook_on"),
]
