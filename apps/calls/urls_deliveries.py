from django.urls import path

from apps.calls import views_addresses, views_deliveries

urlpatterns = [
    path("webhooks", views_deliveries.delivery_list, name="deliveries"),
    path("webhooks/replay", views_deliveries.delivery_replay, name="delivery_replay"),
    path("webhooks/replay-failed", views_deliveries.replay_failed, name="replay_failed"),
    path("webhooks/addresses", views_addresses.addresses, name="webhook_addresses"),
    path("webhooks/addresses/on", views_addresses.address_on, name="webhook_address_on"),
    path("webhooks/addresses/<uuid:pk>/secret", views_addresses.address_secret, name="webhook_address_secret"),
    path("webhooks/test", views_addresses.test_event, name="webhook_test"),
    path("webhooks/verification", views_addresses.verification, name="webhook_verification"),
    path("webhooks/<uuid:pk>", views_deliveries.delivery_detail, name="delivery"),
]
