from django.urls import path

from apps.assistants import (
    views,
    views_analysis_templates,
    views_mcp_servers,
    views_templates,
    views_try,
    views_versions,
    views_workflows,
)

urlpatterns = [
    path("assistants/new", views.assistant_create, name="assistant_create"),
    path("assistants/<uuid:pk>", views.assistant, name="assistant"),
    path("assistants/<uuid:pk>/part", views.assistant_part, name="assistant_part"),
    path("assistants/<uuid:pk>/duplicate", views.assistant_duplicate, name="assistant_duplicate"),
    path("assistants/<uuid:pk>/active", views.assistant_active, name="assistant_active"),
    path("assistants/<uuid:pk>/versions", views_versions.assistant_versions, name="assistant_versions"),
    path("assistants/<uuid:pk>/versions/<int:version>", views_versions.assistant_version, name="assistant_version"),
    path("assistants/<uuid:pk>/versions/<int:version>/restore", views_versions.assistant_restore, name="assistant_restore"),
    path("assistants/<uuid:pk>/try-tool", views_try.tool_try, name="tool_try"),
    path("tool-templates/<uuid:pk>/try", views_try.tool_template_try, name="tool_template_try"),
    path("tool-templates", views_templates.tool_templates, name="tool_templates"),
    path("tool-templates/new", views_templates.tool_template_create, name="tool_template_create"),
    path("tool-templates/<uuid:pk>", views_templates.tool_template, name="tool_template"),
    path(
        "tool-templates/<uuid:pk>/duplicate",
        views_templates.tool_template_duplicate,
        name="tool_template_duplicate",
    ),
    path("tool-templates/<uuid:pk>/delete", views_templates.tool_template_delete, name="tool_template_delete"),
    path("assistants/<uuid:pk>/keep-tool", views_templates.tool_template_keep, name="tool_template_keep"),
    path("templates/schema", views_templates.template_schema, name="template_schema"),
    path("analysis-templates", views_analysis_templates.analysis_templates, name="analysis_templates"),
    path(
        "analysis-templates/new", views_analysis_templates.analysis_template_create, name="analysis_template_create"
    ),
    path("analysis-templates/<uuid:pk>", views_analysis_templates.analysis_template, name="analysis_template"),
    path(
        "analysis-templates/<uuid:pk>/duplicate",
        views_analysis_templates.analysis_template_duplicate,
        name="analysis_template_duplicate",
    ),
    path(
        "analysis-templates/<uuid:pk>/delete",
        views_analysis_templates.analysis_template_delete,
        name="analysis_template_delete",
    ),
    path("assistants/<uuid:pk>/mcp-tools", views_mcp_servers.assistant_mcp_tools, name="assistant_mcp_tools"),
    path("mcp-servers", views_mcp_servers.mcp_servers, name="mcp_servers"),
    path("mcp-servers/new", views_mcp_servers.mcp_server_create, name="mcp_server_create"),
    path("mcp-servers/<uuid:pk>", views_mcp_servers.mcp_server, name="mcp_server"),
    path("mcp-servers/<uuid:pk>/test", views_mcp_servers.mcp_server_test, name="mcp_server_test"),
    path("mcp-servers/<uuid:pk>/delete", views_mcp_servers.mcp_server_delete, name="mcp_server_delete"),
    path("workflows/new", views_workflows.workflow_create, name="workflow_create"),
    path("workflows/preview", views_workflows.workflow_preview, name="workflow_preview"),
    path("workflows/<uuid:pk>/active", views_workflows.workflow_active, name="workflow_active"),
]
