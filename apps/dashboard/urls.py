from django.urls import path

from apps.dashboard import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("palette", views.palette, name="palette"),
    path("help", views.help_index, name="help"),
    path("help/<slug:name>", views.help_page, name="help_page"),
]
