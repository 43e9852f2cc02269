from django.urls import path

from apps.numbers import views, views_copies

urlpatterns = [
    path("numbers/new", views.number_create, name="number_create"),
    path("numbers/<uuid:pk>/assign", views.number_assign, name="number_assign"),
    path("numbers/<uuid:pk>/active", views.number_active, name="number_active"),
    path("numbers/<uuid:pk>/delete", views.number_delete, name="number_delete"),
    path("trunks", views.trunks, name="trunks"),
    path("trunks/new", views.trunk_create, name="trunk_create"),
    path("copies", views_copies.copies, name="copies"),
    path("copies/sync", views_copies.copies_sync, name="copies_sync"),
    path("copies/keys", views_copies.copies_keys, name="copies_keys"),
    path("copies/<uuid:pk>/retry", views_copies.copy_retry, name="copy_retry"),
    path("trunks/<uuid:pk>/delete", views.trunk_delete, name="trunk_delete"),
    path("trunks/<uuid:pk>/limits", views.trunk_limits, name="trunk_limits"),
]
