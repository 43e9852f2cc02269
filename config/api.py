"""The one list of API routes: the whole public API on one screen.

Mounted at /api/v1 (keys) and again at /o/<org>/api/v1 (signed-in people).
"""

from django.urls import path

from apps.assistants.api import AgentListView, AssistantListView, VoiceListView
from apps.assistants.api_mcp_servers import McpServerListView, McpServerTestView, McpServerView
from apps.assistants.api_templates import (
    AnalysisTemplateListView,
    AnalysisTemplateView,
    ToolTemplateListView,
    ToolTemplateView,
)
from apps.assistants.api_workflows import WorkflowListView, WorkflowView
from apps.calls.api import CallListView, CallView, ControlView, OutboundView, UsageView
from apps.calls.api_web import WebCallAlias
from apps.campaigns.api import CampaignListView, CampaignView, LeadListView, LeadView
from apps.campaigns.api_moves import LeadCallNowView, LeadSkipView, RedialView
from apps.catalog.api import ByokConfigView, ByokView
from apps.catalog.api_domains import DomainRefreshView, DomainSyncView, DomainVerifyView, DomainView
from apps.chats.api import ChatContextView, ChatListView, ChatView
from apps.dashboard.api import AccountView, AgentView, AssistantView, HealthView
from apps.numbers.api import NumberListView, NumberView, TrunkListView, TrunkView
from apps.portal.api import OrganizationView
from apps.voice.api import EngineView

urlpatterns = [
    path("assistants", AssistantListView.as_view(), name="api_assistants"),
    path("assistants/<uuid:pk>", AssistantView.as_view(), name="api_assistant"),
    path("agents", AgentListView.as_view(), name="api_agents"),
    path("agents/<uuid:pk>", AgentView.as_view(), name="api_agent"),
    path("tool-templates", ToolTemplateListView.as_view(), name="api_tool_templates"),
    path("tool-templates/<uuid:pk>", ToolTemplateView.as_view(), name="api_tool_template"),
    path("numbers", NumberListView.as_view(), name="api_numbers"),
    path("numbers/<uuid:pk>", NumberView.as_view(), name="api_number"),
    path("calls", CallListView.as_view(), name="api_calls"),
    path("calls/outbound", OutboundView.as_view(), name="api_outbound"),
    path("calls/web", WebCallAlias.as_view(), name="api_web_call_alias"),
    path("calls/<str:call_id>", CallView.as_view(), name="api_call"),
    path("calls/<str:call_id>/control", ControlView.as_view(), name="api_control"),
    path("usage", UsageView.as_view(), name="api_usage"),
    path("sip-trunks", TrunkListView.as_view(), name="api_sip_trunks"),
    path("sip-trunks/<uuid:pk>", TrunkView.as_view(), name="api_sip_trunk"),
    path("voices", VoiceListView.as_view(), name="api_voices"),
    path("byok", ByokView.as_view(), name="api_byok"),
    path("byok/config", ByokConfigView.as_view(), name="api_byok_config"),
    path("domains", DomainView.as_view(), name="api_domains"),
    path("domains/sync", DomainSyncView.as_view(), name="api_domains_sync"),
    path("domains/verify", DomainVerifyView.as_view(), name="api_domains_verify"),
    path("domains/refresh", DomainRefreshView.as_view(), name="api_domains_refresh"),
    path("campaigns", CampaignListView.as_view(), name="api_campaigns"),
    path("campaigns/<uuid:pk>", CampaignView.as_view(), name="api_campaign"),
    path("campaigns/<uuid:pk>/leads", LeadListView.as_view(), name="api_campaign_leads"),
    path("campaigns/<uuid:pk>/leads/<uuid:lead_pk>", LeadView.as_view(), name="api_campaign_lead"),
    path("campaigns/<uuid:pk>/leads/<uuid:lead_pk>/skip", LeadSkipView.as_view(), name="api_campaign_lead_skip"),
    path("campaigns/<uuid:pk>/leads/<uuid:lead_pk>/call-now", LeadCallNowView.as_view(), name="api_campaign_lead_call"),
    path("campaigns/<uuid:pk>/redial", RedialView.as_view(), name="api_campaign_redial"),
    path("analysis-templates", AnalysisTemplateListView.as_view(), name="api_analysis_templates"),
    path("analysis-templates/<uuid:pk>", AnalysisTemplateView.as_view(), name="api_analysis_template"),
    path("organizations", OrganizationView.as_view(), name="api_organizations"),
    path("account", AccountView.as_view(), name="api_account"),
    path("chats", ChatListView.as_view(), name="api_chats"),
    path("chats/context", ChatContextView.as_view(), name="api_chat_context"),
    path("chats/<uuid:pk>", ChatView.as_view(), name="api_chat"),
    path("workflows", WorkflowListView.as_view(), name="api_workflows"),
    path("workflows/<uuid:pk>", WorkflowView.as_view(), name="api_workflow"),
    path("mcp-servers", McpServerListView.as_view(), name="api_mcp_servers"),
    path("mcp-servers/<uuid:pk>", McpServerView.as_view(), name="api_mcp_server"),
    path("mcp-servers/<uuid:pk>/test", McpServerTestView.as_view(), name="api_mcp_server_test"),
    path("health", HealthView.as_view(), name="api_health"),
    path("engine", EngineView.as_view(), name="api_engine"),
]
