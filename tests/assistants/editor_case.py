"""A client's assistant in the editor: opened, changed and saved as a browser does."""

from __future__ import annotations

from typing import Any

from apps.assistants.models import Assistant
from apps.assistants.services import values_of
from tests import factories
from tests.assistants.bodies import SCHEMA, TOOLS
from tests.assistants.pages import inputs_of
from tests.cases import TenantCase

MIXED = {
    "stt_config": {"provider": "deepgram", "model": "nova-3", "language": "nl-NL", "endpointing": 0.05, "region": "eu-west", "x": [1.0, 1, True, None]},
    "llm_config": {"provider": "openai", "model": "gpt-oss", "voice": "ara", "temperature": 1.0, "vertexai": True, "own": {"a": {}},
                   "messages": [{"role": "user", "content": " Hi\r\nthere ", "name": "x"}, {"role": "system", "content": "\n\nBe kind.\r\n"}, {"role": "system", "content": ""}],
                   "tools": [*TOOLS[:6], {"type": "mcp", "mcp_server_id": "0d5c1c6e-8f3b-4b44-9c7e-3a1f5f2b9a10", "allowed_tools": ["a"], "more": 1},
                             {"name": "odd", "description": "D", "parameters": {"type": "object", "properties": {"n": {"type": ["string", "null"]}}, "$defs": {}}, "headers": {"x": "y"}}]},
    "tts_config": {"provider": "11labs", "voice_id": "abc ", "instructions": "calm", "speed": 1, "stability": 0.30, "apply_text_normalization": "on", "pitch": 2},
    "speech_config": {"turn_taking": {"false_interruption_timeout": None, "endpointing_min_delay": 1.0, "new": 1}, "pronunciation": [{"from": "a", "to": "", "ipa": "x"}],
                      "silence": {}, "end_call_phrases": None, "background_audio": {"enabled": False}, "later": {"x": 1}},
    "analysis_plan": {"structured_data_plan": {"enabled": False, "template_id": "77aa1c6e-8f3b-4b44-9c7e-3a1f5f2b9a11", "schema": SCHEMA, "messages": []}, "min_messages_threshold": 2.0},
    "webhook_events": ["status-update", "unknown-event"], "webhook_url": "http://example.com/hook", "webhook_secret": " s ",
    "recording_consent": {"enabled": False, "message": ""}, "notification_emails": ["a@example.com", "b@example.com"],
    "voicemail_detection": None, "business_name": "", "first_message": "  Hello \r\n", "max_duration_seconds": 3600,
}  # fmt: skip
# No MCP server exists yet, so a changed config that names one is refused.
WITHOUT_MCP = MIXED["llm_config"] | {
    "tools": [tool for tool in MIXED["llm_config"]["tools"] if tool.get("type") != "mcp"]
}


class EditorCase(TenantCase):
    def setUp(self) -> None:
        self.browser = self.as_(self.cleo)

    def url(self, assistant: Assistant, tail: str = "") -> str:
        return f"/o/bakker-dental/assistants/{assistant.pk}{tail}"

    def make(self, **fields: Any) -> Assistant:
        return factories.make_assistant(self.client_org, **fields)

    def open(self, assistant: Assistant) -> dict[str, Any]:
        answer = self.browser.get(self.url(assistant))
        self.assertEqual(answer.status_code, 200)
        return inputs_of(answer)

    def save(self, assistant: Assistant, **changes: Any) -> Any:
        return self.browser.post(self.url(assistant), self.open(assistant) | changes)

    def stored(self, assistant: Assistant) -> dict[str, Any]:
        with self.acting_for(self.client_org):
            return values_of(Assistant.objects.get(pk=assistant.pk))
