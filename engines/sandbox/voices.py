"""Local voices that `GET /voices` names. They make no sound here."""

from typing import Any

VOICES: list[dict[str, Any]] = [
    {
        "id": "nl_NL-pim-medium",
        "name": "Pim",
        "language": "nl",
        "description": {"en": "Calm male voice", "nl": "Rustige mannenstem"},
    },
    {
        "id": "en_GB-alba-medium",
        "name": "Alba",
        "language": "en",
        "description": {"en": "Clear female voice", "nl": "Heldere vrouwenstem"},
    },
    {
        "id": "de_DE-thorsten-medium",
        "name": "Thorsten",
        "language": "de",
        "description": {"en": "Even male voice", "nl": "Gelijkmatige mannenstem"},
    },
]
