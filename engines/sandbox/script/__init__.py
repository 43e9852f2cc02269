"""What the caller and the sandbox's assistant may say, written by hand, in three languages."""

from .base import Script
from .de import DE
from .en import EN
from .nl import NL

SCRIPTS: dict[str, Script] = {"nl": NL, "en": EN, "de": DE}

__all__ = ["SCRIPTS", "Script"]
