from django.urls import path

from apps.assistants import views

urlpatterns = [
    path("assistants/new", views.assistant_create, name="assistant_create"),
    path("assistants/<uuid:pk>", views.assistant, name="assistant"),
    path("assistants/<uuid:pk>/part", views.assistant_part, name="assistant_part"),
    path("assistants/<uuid:pk>/duplicate", views.assistant_duplicate, name="assistant_duplicate"),
    path("assistants/<uuid:pk>/active", views.assistant_active, name="assistant_active"),
]
