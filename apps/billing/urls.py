from django.urls import path

from apps.billing import views

urlpatterns = [
    path("usage/export", views.usage_csv, name="usage_csv"),
    path("usage/warning", views.usage_warning, name="usage_warning"),
]
