"""Signing up (`outside` of a workspace), the agency's page of sign-ups, and its library."""

from django.urls import path

from apps.portal import views_library, views_sign_up, views_sign_ups

urlpatterns = [
    path("portal/sign-up", views_sign_ups.portal_sign_up, name="portal_sign_up"),
    path("sign-ups", views_sign_ups.sign_ups, name="sign_ups"),
    path("sign-ups/<uuid:sign_up>/approve", views_sign_ups.sign_up_approve, name="sign_up_approve"),
    path("sign-ups/<uuid:sign_up>/refuse", views_sign_ups.sign_up_refuse, name="sign_up_refuse"),
    path("library", views_library.library_list, name="library"),
    path("library/pushes/<uuid:push>", views_library.library_job, name="library_job"),
    path("library/pushes/<uuid:push>/undo", views_library.library_undo, name="library_undo"),
    path("library/<uuid:item>", views_library.library_item, name="library_item"),
    path("library/<uuid:item>/edit", views_library.library_edit, name="library_edit"),
    path("library/<uuid:item>/remove", views_library.library_remove, name="library_remove"),
    path("library/<uuid:item>/push", views_library.library_push, name="library_push"),
]
outside = [
    path("", views_sign_up.home, name="home"),
    path("sign-up", views_sign_up.sign_up, name="account_signup"),
]
