"""The operator's mailbox."""

from django.urls import path

from apps.mail import views

urlpatterns = [
    path("mailbox", views.mailbox, name="mailbox"),
    path("mailbox/<uuid:pk>", views.mailbox_message, name="mailbox_message"),
    path("mailbox/<uuid:pk>/html", views.mailbox_html, name="mailbox_html"),
]
