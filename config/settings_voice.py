"""Settings of voice engines and models: where they are, how dialling keeps time, whose keys."""

import environ

env = environ.Env()

SANDBOX = env.bool("SANDBOX", False)
SANDBOX_URL = env.str("SANDBOX_URL", "")
SANDBOX_KEY = env.str("SANDBOX_KEY", "")
BILL_SIMULATED_CALLS = env.bool("BILL_SIMULATED_CALLS", False)
DIAL_ANSWER_SECONDS = env.float("DIAL_ANSWER_SECONDS", 4.0)
# A dial that nobody finished is taken over after the lease; "not listed" is an answer after the settle time (engine 6).
DIAL_LEASE_SECONDS = env.float("DIAL_LEASE_SECONDS", 30.0)
DIAL_SETTLE_SECONDS = env.float("DIAL_SETTLE_SECONDS", 30.0)
# How long a process remembers a receiver's secrets; both count while one is replaced.
HOOK_DOOR_SECONDS = env.float("HOOK_DOOR_SECONDS", 5.0)
# A test clock: how many seconds a minute between two attempts lasts.
CAMPAIGN_MINUTE_SECONDS = env.float("CAMPAIGN_MINUTE_SECONDS", 60.0)
# Per key of a hosted account or another Switchboard; 0: not limited.
UPSTREAM_REQUESTS_PER_MINUTE = env.int("UPSTREAM_REQUESTS_PER_MINUTE", 90)
STRICT_MODELS = env.bool("STRICT_MODELS", False)
MAX_CALL_SECONDS = env.int("MAX_CALL_SECONDS", 0)
# Provider keys of the installation, for who brings none: {"openai": "sk-…", "google_vertex": {…}}.
PLATFORM_KEYS = env.json("PLATFORM_KEYS", {})
# Other addresses than the providers' own, by key slot: {"openai": "https://gateway.example.org/v1"}.
LLM_BASE_URLS = env.json("LLM_BASE_URLS", {})
# The model for summaries and analyses where an organization has none: any OpenAI-compatible endpoint.
POSTCALL_LLM_BASE_URL = env.str("POSTCALL_LLM_BASE_URL", "")
POSTCALL_LLM_MODEL = env.str("POSTCALL_LLM_MODEL", "")
POSTCALL_LLM_KEY = env.str("POSTCALL_LLM_KEY", "")
