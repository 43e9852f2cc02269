from django.urls import path

from apps.portal import views

urlpatterns = [
    path("clients", views.clients, name="clients"),
    path("clients/new", views.client_create, name="client_create"),
    path("clients/limits", views.client_limits, name="client_limits"),
    path("clients/account", views.client_account, name="client_account"),
    path("demo/remove", views.demo_remove, name="demo_remove"),
]
