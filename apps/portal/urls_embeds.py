"""Website widgets: the workspace's pages, and what other websites load (`outside`)."""

from django.urls import path

from apps.portal import views_embed, views_embeds

urlpatterns = [
    path("embeds", views_embeds.embeds, name="embeds"),
    path("embeds/new", views_embeds.embed_new, name="embed_new"),
    path("embeds/<uuid:pk>", views_embeds.embed_edit, name="embed_edit"),
    path("embeds/<uuid:pk>/switch", views_embeds.embed_switch, name="embed_switch"),
    path("embeds/<uuid:pk>/delete", views_embeds.embed_delete, name="embed_delete"),
    path("embeds/<uuid:pk>/preview", views_embeds.embed_preview, name="embed_preview"),
]
outside = [
    path("embed/<slug:key>.js", views_embed.embed_script, name="embed_script"),
    path("embed/<slug:key>", views_embed.embed_frame, name="embed_frame"),
    path("embed/<slug:key>/talk", views_embed.embed_talk, name="embed_talk"),
    path("embed/<slug:key>/say", views_embed.embed_say, name="embed_say"),
    path("embed/<slug:key>/end", views_embed.embed_end, name="embed_end"),
]
