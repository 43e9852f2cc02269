from django.urls import path

from apps.dashboard import usage, views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("usage", usage.usage, name="usage"),
    path("palette", views.palette, name="palette"),
    path("help", views.help_index, name="help"),
    path("help/<slug:name>", views.help_page, name="help_page"),
]
