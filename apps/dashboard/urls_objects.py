"""Pages of assistants and numbers that show calls or campaigns too."""

from django.urls import path

from apps.dashboard import views_assistants, views_numbers, views_workflows

urlpatterns = [
    path("assistants", views_assistants.assistants, name="assistants"),
    path("assistants/<uuid:pk>/delete", views_assistants.assistant_delete, name="assistant_delete"),
    path("numbers", views_numbers.numbers, name="numbers"),
    path("numbers/<uuid:pk>", views_numbers.number, name="number"),
    path("workflows", views_workflows.workflows, name="workflows"),
    path("workflows/<uuid:pk>", views_workflows.workflow, name="workflow"),
    path("workflows/<uuid:pk>/delete", views_workflows.workflow_delete, name="workflow_delete"),
]
