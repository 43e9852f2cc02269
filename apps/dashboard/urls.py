from django.urls import path

from apps.dashboard import usage, views, views_engine, views_erase, views_import

urlpatterns = [
    path("", views.overview, name="overview"),
    path("usage", usage.usage, name="usage"),
    path("palette", views.palette, name="palette"),
    path("settings/engine", views_engine.engine, name="engine"),
    path("settings/engine/limits", views_engine.engine_limits, name="engine_limits"),
    path("settings/engine/test", views_engine.engine_test, name="engine_test"),
    path("settings/engine/disconnect", views_engine.engine_disconnect, name="engine_disconnect"),
    path("settings/engine/secret", views_engine.engine_secret, name="engine_secret"),
    path("settings/engine/import", views_import.account_import, name="account_import"),
    path("settings/engine/import/look", views_import.account_import_look, name="account_import_look"),
    path("settings/engine/import/start", views_import.account_import_start, name="account_import_start"),
    path("settings/privacy/erase", views_erase.erase_search, name="erase_search"),
    path("settings/privacy/erase/start", views_erase.erase_start, name="erase_start"),
    path("settings/privacy/erase/<uuid:pk>", views_erase.erase_receipt, name="erase_receipt"),
    path("settings/privacy/erase/<uuid:pk>/receipt.json", views_erase.erase_download, name="erase_download"),
    path("help", views.help_index, name="help"),
    path("help/<slug:name>", views.help_page, name="help_page"),
]
