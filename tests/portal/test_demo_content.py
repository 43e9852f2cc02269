"""The demo's hand-written content: complete, valid, believable, and the same on every run."""

import json
import re
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest

from apps.assistants.schema import clean_assistant, tools_of
from apps.core.variables import missing, names
from apps.portal.demo import content
from tests.assistants import bodies

ROOT = Path(__file__).parents[2]
CATALOG = json.loads((ROOT / "apps/catalog/data/provider-catalog.json").read_text(encoding="utf-8"))
TODAY = date(2026, 2, 11)
E164 = re.compile(r"^\+[1-9]\d{6,14}$")
# Ranges kept for fiction by Ofcom, the Bundesnetzagentur and the North American plan; the Dutch ones are ours.
FICTION = re.compile(
    r"^(\+447700900\d{3}|\+442079460\d{3}|\+492214710\d{3}|\+493023125\d{3}|\+498999998\d{3}"
    r"|\+3185000\d{4}|\+3160000\d{4}|\+1\d{3}55501\d{2})$"
)
MAGIC = re.compile(r"^\+44770090000[1-8]$")
ASSISTANTS = list(content.assistants().values())
CONVERSATIONS = list(content.conversations().values())
PLAN = content.plan(today=TODAY)


def ids(row):
    return row.key


def schema_of(assistant):
    return assistant.config["analysis_plan"]["structured_data_plan"]["schema"]


@pytest.mark.parametrize("assistant", ASSISTANTS, ids=ids)
class TestAssistants:
    def test_the_validator_accepts_it_without_a_warning(self, assistant):
        cleaned = clean_assistant(assistant.config, context=bodies.context())
        assert cleaned.problems == []
        assert cleaned.warnings == []

    def test_models_and_voices_are_in_the_catalogue(self, assistant):
        for part in ("stt", "llm", "tts"):
            config = assistant.config.get(f"{part}_config")
            if config is None:
                continue
            provider = CATALOG[part]["providers"][config["provider"]]
            assert config["model"] in {model["id"] for model in provider["models"]}
            if part == "tts" and provider["voice_id"]["kind"] == "free":
                assert config["voice_id"] in provider["voice_id"]["examples"]
            elif part == "tts":
                assert config["voice_id"] in CATALOG["voice_sets"][provider["voice_id"]["ref"].split(".")[-1]]
            if "voice" in config:
                assert config["voice"] in CATALOG["voice_sets"][provider["voices_ref"]]

    def test_it_has_a_prompt_of_professional_length(self, assistant):
        prompt = assistant.config["llm_config"]["messages"][0]["content"]
        assert 150 <= len(prompt.split()) <= 350

    def test_its_tools_end_the_call_transfer_and_call_a_webhook(self, assistant):
        tools = assistant.config["llm_config"]["tools"]
        assert {tool["type"] for tool in tools} == {"function", "transfer_call", "end_call"}
        for tool in tools:
            if tool["type"] == "function":
                jsonschema.Draft202012Validator.check_schema(tool["parameters"])
        assert tools_of(assistant.config["llm_config"])

    def test_the_analysis_schema_is_a_schema(self, assistant):
        jsonschema.Draft202012Validator.check_schema(schema_of(assistant))

    def test_a_number_is_assigned(self, assistant):
        numbers = [row for row in content.cast().numbers if row.assistant == assistant.key]
        assert [row.organization for row in numbers] == [assistant.organization]


class TestCast:
    def test_an_agency_with_a_brand_and_two_clients(self):
        cast = content.cast()
        agency, *clients = cast.organizations
        assert agency.parent is None
        assert [client.parent for client in clients] == [agency.key, agency.key]
        assert cast.brand.organization == agency.key
        assert agency.credits == 1000
        assert cast.brand.support_email.endswith(".example")
        assert {row.language for row in cast.organizations} == {"en", "nl", "de"}

    def test_keys_point_at_what_exists(self):
        cast = content.cast()
        organizations = {row.key for row in cast.organizations}
        trunks = {row.key: row.organization for row in cast.trunks}
        assert {row.organization for row in (*cast.trunks, *cast.numbers, *ASSISTANTS)} <= organizations
        assert all(row.trunk is None or trunks[row.trunk] == row.organization for row in cast.numbers)

    def test_every_number_anywhere_is_fictional_and_none_is_magic(self):
        root = Path(content.__file__).parent
        found = {
            number
            for path in root.rglob("*.json")
            for number in re.findall(r"\+\d{7,15}", path.read_text(encoding="utf-8"))
        }
        found |= {number for call in PLAN for number in (call.number, call.other_party)}
        assert [number for number in sorted(found) if not FICTION.match(number) or MAGIC.match(number)] == []

    def test_numbers_and_leads_are_unique_and_callers_are_nobody_else(self):
        own = [row.phone_number for row in content.cast().numbers]
        leads = [lead.phone_number for row in content.campaigns().values() for lead in row.leads]
        assert all(E164.match(number) for number in own + leads)
        assert len(set(own + leads)) == len(own) + len(leads)
        strangers = {call.other_party for call in PLAN if call.campaign is None}
        assert not strangers & set(own + leads)

    def test_every_mail_and_web_address_is_an_example(self):
        text = json.dumps([row.config for row in ASSISTANTS]) + json.dumps(str(content.cast()))
        hosts = re.findall(r"https?://([^/\"]+)", text) + re.findall(r"[\w.-]+@([\w.-]+)", text)
        assert hosts
        assert all(host.endswith(".example") for host in hosts)


class TestConversations:
    def test_at_least_twenty_per_language(self):
        counted = Counter(row.language for row in CONVERSATIONS)
        assert len(CONVERSATIONS) >= 60
        assert min(counted[language] for language in ("nl", "en", "de")) >= 20

    def test_no_two_begin_alike_after_the_greeting(self):
        openings = Counter(row.turns[1].get("text") if len(row.turns) > 1 else "" for row in CONVERSATIONS)
        doubles = [text for text, count in openings.items() if count > 1]
        # Only messages left on voicemail say the same.
        assert all(row.end_reason == "voicemail" for row in CONVERSATIONS if row.turns[1].get("text") in doubles)

    @pytest.mark.parametrize("talk", CONVERSATIONS, ids=ids)
    def test_it_keeps_its_assistants_promises(self, talk):
        assistant = content.assistants()[talk.assistant]
        tools = {tool.get("name") for tool in assistant.config["llm_config"]["tools"]}
        assert 2 <= len(talk.turns) <= 24
        assert {turn["role"] for turn in talk.turns} <= {"user", "assistant", "tool"}
        for turn in talk.turns:
            if turn["role"] == "tool":
                assert turn["tool"]["name"] in tools
                assert turn["tool"]["latency_ms"] > 0
            else:
                assert turn["text"].strip()
        if talk.end_reason == "transferred":
            assert talk.turns[-1]["role"] == "assistant"

    @pytest.mark.parametrize("talk", CONVERSATIONS, ids=ids)
    def test_its_length_fits_what_is_said(self, talk):
        words = sum(len(turn["text"].split()) for turn in talk.turns if turn["role"] != "tool")
        # A phone talk has 1.8 to 3.4 words a second, pauses included; a line that goes quiet has fewer.
        slowest = 0.8 if talk.end_reason == "silence_timeout" else 1.0 if words < 40 else 1.8
        assert words / 3.4 <= talk.seconds <= words / slowest + 5


class TestPlan:
    def test_about_three_hundred_calls_of_the_last_thirty_days(self):
        assert 290 <= len(PLAN) <= 310
        assert {call.days_ago for call in PLAN} <= set(range(1, 30))
        assert len({call.days_ago for call in PLAN}) >= 20

    def test_equal_on_every_run_and_different_for_another_seed(self):
        assert content.plan(seed=7, today=TODAY) == PLAN
        assert content.plan(seed=8, today=TODAY) != PLAN

    @pytest.mark.parametrize("offset", range(7))
    def test_every_weekday_gives_a_believable_month(self, offset):
        today = TODAY + timedelta(days=offset)
        calls = content.plan(today=today)
        days = Counter((today - timedelta(days=call.days_ago)).weekday() for call in calls)
        assert len(calls) == len(PLAN)
        assert days[5] + days[6] < len(calls) * 0.15
        silent = sum(call.status in {"failed", "rejected"} for call in calls)
        assert 0.1 < silent / len(calls) < 0.25
        assert sum(call.end_reason == "error" for call in calls) <= 4

    def test_every_conversation_is_heard(self):
        assert {call.conversation for call in PLAN} - {None} == {row.key for row in CONVERSATIONS}

    def test_slots_are_all_filled_and_the_analysis_fits_its_schema(self):
        for call in PLAN:
            if call.conversation is None:
                continue
            talk = content.conversations()[call.conversation]
            rendered = content.render(talk, call.slots)
            text = json.dumps([rendered.turns, rendered.summary, rendered.analysis], ensure_ascii=False)
            assert not re.search(r"\{\^?[a-z_]+\}|\{\{|None", text), talk.key
            assert 0 < len(rendered.summary) <= 600
            if rendered.analysis is not None:
                jsonschema.validate(rendered.analysis, schema_of(content.assistants()[talk.assistant]))

    def test_dates_that_people_name_lie_after_the_call(self):
        for call in PLAN:
            called_on = TODAY - timedelta(days=call.days_ago)
            for name, value in call.slots.items():
                if name.endswith("_iso") and re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)) and name != "geboren_iso":
                    assert date.fromisoformat(str(value)) >= called_on

    def test_statuses_go_with_their_reasons(self):
        for call in PLAN:
            if call.status in {"failed", "rejected"}:
                assert (call.duration_seconds, call.conversation) == (0, None)
                assert call.status == ("failed" if call.direction == "outbound" else "rejected")
            else:
                assert call.duration_seconds > 0
            assert (call.status == "transferred") == (call.end_reason == "transferred")


class TestCampaigns:
    def test_one_finished_one_paused_one_draft(self):
        rows = content.campaigns().values()
        assert {row.status: len(row.leads) for row in rows} == {"completed": 40, "paused": 60, "draft": 25}

    @pytest.mark.parametrize("campaign", content.campaigns().values(), ids=ids)
    def test_every_lead_fills_the_template(self, campaign):
        assert names(campaign.system_message_template)
        for lead in campaign.leads:
            assert missing(campaign.system_message_template, lead.variables) == []
            assert lead.variables["name"]

    def test_leads_stand_where_the_status_says(self):
        for offset in range(7):
            calls = content.plan(today=TODAY + timedelta(days=offset))
            finished = content.lead_states(calls, "zilverlinde-halfjaarcontrole")
            assert Counter(state.status for state in finished.values()) == {"completed": 37, "failed": 3}
            paused = content.lead_states(calls, "ahrenkamp-rauchwarnmelder").values()
            assert Counter(state.status for state in paused) == {"pending": 35, "completed": 24, "failed": 1}
            assert sum(state.attempts == 1 for state in paused if state.status == "pending") == 2
            draft = content.lead_states(calls, "ringvale-webinar").values()
            assert all(state == content.LeadState("pending", 0, None) for state in draft)

    def test_attempts_follow_the_campaigns_rules(self):
        for row in content.campaigns().values():
            tries: dict[str, list] = {}
            for call in PLAN:
                if call.campaign != row.key:
                    continue
                clock = f"{call.minute_of_day // 60:02d}:{call.minute_of_day % 60:02d}"
                assert row.schedule_start_time <= clock < row.schedule_end_time
                assert (TODAY - timedelta(days=call.days_ago)).isoweekday() in row.schedule_days
                tries.setdefault(call.other_party, []).append(call)
            for calls in tries.values():
                assert [call.attempt for call in calls] == list(range(1, len(calls) + 1))
                assert len(calls) <= row.max_attempts
                at = [call.minute_of_day - call.days_ago * 1440 for call in calls]
                assert all(b - a >= row.retry_delay_minutes for a, b in pairwise(at))
