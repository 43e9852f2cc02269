"""The door of the demo content: whoever builds the workspace imports from here alone."""

from apps.portal.demo.reader import assistants, campaigns, cast, conversations, render
from apps.portal.demo.recipe import lead_states, plan
from apps.portal.demo.shapes import (
    Cast,
    Conversation,
    DemoAssistant,
    DemoBrand,
    DemoCampaign,
    DemoLead,
    DemoNumber,
    DemoOrganization,
    DemoTrunk,
    LeadState,
    PlannedCall,
    Rendered,
)

__all__ = [
    "Cast",
    "Conversation",
    "DemoAssistant",
    "DemoBrand",
    "DemoCampaign",
    "DemoLead",
    "DemoNumber",
    "DemoOrganization",
    "DemoTrunk",
    "LeadState",
    "PlannedCall",
    "Rendered",
    "assistants",
    "campaigns",
    "cast",
    "conversations",
    "lead_states",
    "plan",
    "render",
]
