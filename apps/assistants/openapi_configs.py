"""The configs of an assistant as JSON Schema, made from the same catalogue that judges them (api 9)."""

from __future__ import annotations

from typing import Any

from apps.assistants.schema.configs import ROLES
from apps.assistants.schema.tool_rules import ALLOWED_TOOLS_LIMIT, NAME, SECRET_LIMIT, TOOLS_LIMIT
from apps.assistants.schema.values import NAME_LIMIT, PROMPT_LIMIT, SPOKEN_LIMIT, URL_LIMIT
from apps.catalog import providers
from apps.catalog.providers import Part, Provider, Setting
from apps.core.openapi import Schema, array, boolean, optional, phone, record, ref, text, uuid, value

NAMES: dict[Part, str] = {"stt": "STTConfig", "llm": "LLMConfig", "tts": "TTSConfig"}
OPEN = "Settings of other providers and unknown settings are stored and returned, not used."
TOOLS = ["FunctionTool", "NestedFunctionTool", "EndCallTool", "TransferCallTool", "McpTool"]
MORE: Schema = {"required": [], "additionalProperties": True}


def setting_schema(setting: Setting, *, null: bool = True, clamped: bool = False) -> Schema:
    """One setting. Null means: not set. A clamped one is stored as it was sent, so its range binds nobody."""
    rules: dict[str, Any] = {}
    if setting.choices:
        return {"enum": [*setting.choices, None] if null else list(setting.choices), **_about(setting)}
    if setting.type in ("number", "integer") and not clamped:
        rules |= {"minimum": setting.minimum, "maximum": setting.maximum}
    if setting.type == "string":
        rules |= {"minLength": setting.min_length, "maxLength": setting.max_length}
    if setting.type == "array":
        rules |= {"minItems": setting.min_items, "maxItems": setting.max_items, "items": _items(setting)}
    if setting.type == "object":
        parts = {name: setting_schema(part, clamped=setting.clamped) for name, part in setting.fields.items()}
        parts |= {name: setting_schema(setting.fields[name], null=False) for name in setting.required if name in parts}
        rules |= {"properties": parts, "required": list(setting.required) or None, "additionalProperties": True}
    kept = {key: rule for key, rule in rules.items() if rule is not None}
    return value(setting.type, null=null, **kept) | _about(setting)


def _about(setting: Setting) -> Schema:
    words = [f"In {setting.unit}." if setting.unit else ""]
    words.append(f"Default: {setting.default}." if setting.default is not None else "")
    return {"description": found} if (found := " ".join(word for word in words if word)) else {}


def _items(setting: Setting) -> Schema:
    if setting.discriminator:
        return {"anyOf": [_variant(setting.discriminator, kind, part) for kind, part in setting.variants.items()]}
    if setting.items is None:
        return {}
    return setting_schema(setting.items, null=False)


def _variant(discriminator: str, kind: str, part: Setting) -> Schema:
    schema = setting_schema(part, null=False)
    schema["properties"] = {discriminator: text(enum=[kind])} | schema.get("properties", {})
    return schema | {"required": sorted({discriminator, *schema.get("required", [])})}


def provider_schema(found: Provider) -> Schema:
    """A config of one provider: what is judged is bound, what is only stored is free."""
    properties: dict[str, Schema] = {
        "provider": text(found.label, enum=[found.id, *found.aliases]),
        "model": _model(found),
    }
    if found.part == "stt":
        properties["language"] = text("A language code, or `multi` for several.", minLength=1, maxLength=NAME_LIMIT, examples=["nl"])
    if found.part == "tts":
        properties["voice_id"] = _voice(found)
    if found.part == "llm":
        properties["messages"] = array(ref("ModelMessage"), "The instructions, and examples of a talk.", null=True)
        properties["tools"] = array(ref("ToolDefinition"), "What the assistant may do.", null=True, maxItems=TOOLS_LIMIT)
    for name, setting in found.settings.items():
        if name not in properties:
            loose = setting.only_models or (found.id, name) == ("deepgram", "endpointing")
            properties[name] = _about(setting) if loose else setting_schema(setting)
    return record(
        properties, required=providers.required_keys(found.part), title=f"{NAMES[found.part]}: {found.label}",
        additionalProperties=True, examples=[_example(found)],
    )  # fmt: skip


def _model(found: Provider) -> Schema:
    known = [model.id for model in found.models]
    about = f"Known: {', '.join(known)}. Another one is stored with a warning." if known else ""
    needed = "model" in providers.required_keys(found.part)
    return text(about, null=not needed, minLength=1 if needed else 0, maxLength=NAME_LIMIT)


def _voice(found: Provider) -> Schema:
    known = tuple(sorted(providers.voice_ids())) if found.id == "piper" else found.voices
    return text(enum=list(known)) if known else text("The provider's id of the voice.", minLength=1, maxLength=NAME_LIMIT)


def _example(found: Provider) -> dict[str, Any]:
    model = found.default_model or (found.models[0].id if found.models else None)
    if model is None and "model" in providers.required_keys(found.part):
        model = "large-v3"  # a local one: any is taken
    example: dict[str, Any] = {"provider": found.id} | ({"model": model} if model else {})
    if found.part == "stt":
        return example | {"language": "nl"}
    if found.part == "tts":
        voices = (found.default_voice, *(found.voices or ()), *found.example_voices, *sorted(providers.voice_ids()))
        return example | {"voice_id": next(voice for voice in voices if voice)}
    said = {"role": "system", "content": "You answer the phone of a dental practice."}
    return example | {"messages": [said], "tools": [{"type": "end_call"}]}


def _configs() -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    for part, name in NAMES.items():
        variants = {f"{name}_{entry.id}": provider_schema(entry) for entry in providers.providers(part)}
        found |= variants
        found[name] = {"description": f"By provider. {OPEN}", "anyOf": [ref(variant) for variant in variants]}
    return found


def _speech() -> Schema:
    parts = {name: setting_schema(part) for name, part in providers.speech_settings().items()}
    parts["pronunciation"]["items"]["required"] = ["from", "to"]
    for rule in parts["pronunciation"]["items"]["properties"].values():
        rule["type"] = "string"
    return record(parts, description="How the assistant talks and listens. Every part may be missing.", **MORE)


FUNCTION = {
    "name": text("What the model calls it.", pattern=f"^{NAME.pattern}$", examples=["lookup_contact"]),
    "description": text("When to use it; without one there is a warning.", null=True, maxLength=PROMPT_LIMIT,
                        examples=["Finds a contact by name"]),
    "parameters": optional("JsonSchema", "What the model gives."),
}  # fmt: skip
WEBHOOK = {
    "url": text("Where the call goes; else to `server.url`, else to the assistant's webhook.", null=True,
                maxLength=URL_LIMIT, examples=["https://example.org/tools"]),
    "server": record({"url": text(null=True, maxLength=URL_LIMIT), "secret": text(null=True, maxLength=SECRET_LIMIT)},
                     type=["object", "null"], deprecated=True, **MORE),
    "async": boolean("The answer is not awaited.", null=True),
    "message": text("Said while the tool runs, or instead of a result.", null=True, maxLength=SPOKEN_LIMIT,
                    examples=["One moment, please."]),
}  # fmt: skip
DESTINATION = record(
    {
        "type": text(null=True, enum=["number"]),
        "number": phone(),
        "description": text("When to hand over to it.", null=True, maxLength=PROMPT_LIMIT, examples=["A person at the desk"]),
        "message": text("Said before the handover.", null=True, maxLength=SPOKEN_LIMIT, examples=["I connect you."]),
    },
    required=["number"], additionalProperties=True,
)  # fmt: skip
SCHEMAS: dict[str, Schema] = {
    **_configs(),
    "SpeechConfig": _speech(),
    "ModelMessage": record(
        {"role": text(enum=list(ROLES)), "content": text(maxLength=PROMPT_LIMIT, examples=["You are friendly and brief."])},
        additionalProperties=True,
    ),
    "ToolDefinition": {"description": "A tool, in any of these shapes.", "anyOf": [ref(name) for name in TOOLS]},
    "FunctionTool": record(
        {"type": text(null=True, enum=["function"]), **FUNCTION, **WEBHOOK}, required=["name"], additionalProperties=True,
        title="A tool of your own",
    ),
    "NestedFunctionTool": record(
        {"type": text(null=True, enum=["function"]), "function": record(FUNCTION, required=["name"], additionalProperties=True),
         **WEBHOOK, "server": record({"url": text(maxLength=URL_LIMIT, examples=["https://example.org/tools"]), "secret": text(null=True, maxLength=SECRET_LIMIT)},
                                     required=["url"], type=["object", "null"], additionalProperties=True)},
        required=["function"], additionalProperties=True, title="The same, nested",
    ),
    "EndCallTool": record({"type": text(enum=["end_call", "endCall"])}, additionalProperties=True, title="End the call"),
    "TransferCallTool": record(
        {"type": text(enum=["transfer_call", "transferCall"]), "destinations": array(DESTINATION, minItems=1)},
        additionalProperties=True, title="Hand over to a person",
    ),
    "McpTool": record(
        {
            "type": text(enum=["mcp"]),
            "mcp_server_id": uuid("A server of your organization."),
            "allowed_tools": array(text(minLength=1, maxLength=NAME_LIMIT), minItems=1, maxItems=ALLOWED_TOOLS_LIMIT, examples=[["search"]]),
            "required": boolean("Without the server the call is refused.", null=True, default=True),
        },
        required=["type", "mcp_server_id", "allowed_tools"], additionalProperties=True, title="Tools of an MCP server",
    ),
}  # fmt: skip
