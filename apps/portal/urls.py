from django.urls import path
from django.views.generic import RedirectView

from apps.portal import views, views_address, views_brand

urlpatterns = [
    path("clients", views.clients, name="clients"),
    path("clients/new", views.client_create, name="client_create"),
    path("clients/limits", views.client_limits, name="client_limits"),
    path("clients/account", views.client_account, name="client_account"),
    path("portal", RedirectView.as_view(pattern_name="portal_brand", http_method_names=["get", "head"]), name="portal"),
    path("portal/brand", views_brand.portal_brand, name="portal_brand"),
    path("portal/brand/preview", views_brand.brand_preview, name="brand_preview"),
    path("portal/brand/colours.css", views_brand.brand_colours, name="brand_colours"),
    path("portal/brand/picture", views_brand.brand_picture_save, name="brand_picture_save"),
    path("portal/open", views_brand.portal_open, name="portal_open"),
    path("portal/switch", views_brand.portal_switch, name="portal_switch"),
    path("portal/address", views_address.address, name="portal_address"),
    path("portal/address/slug", views_address.slug_change, name="portal_slug"),
    path("portal/domains", views_address.domain_add, name="portal_domain_add"),
    path("portal/domains/<uuid:domain>/check", views_address.domain_check, name="portal_domain_check"),
    path("portal/domains/<uuid:domain>/release", views_address.domain_release, name="portal_domain_release"),
    path("demo/remove", views.demo_remove, name="demo_remove"),
]
