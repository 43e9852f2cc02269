from django.urls import path

from apps.dashboard import usage, views, views_engine

urlpatterns = [
    path("", views.overview, name="overview"),
    path("usage", usage.usage, name="usage"),
    path("palette", views.palette, name="palette"),
    path("settings/engine", views_engine.engine, name="engine"),
    path("settings/engine/test", views_engine.engine_test, name="engine_test"),
    path("settings/engine/disconnect", views_engine.engine_disconnect, name="engine_disconnect"),
    path("help", views.help_index, name="help"),
    path("help/<slug:name>", views.help_page, name="help_page"),
]
