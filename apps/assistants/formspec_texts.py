"""Labels and help of every provider and speech setting, in plain words. One row per setting name.

A row keyed `part.name` beats the one keyed `name`: the same word may mean two things in two parts.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Lazy = str | Promise


@dataclass(frozen=True)
class Text:
    label: Lazy
    help: Lazy


TEXTS: dict[str, Text] = {
    # Language model
    "temperature": Text(_("Creativity"), _("0 answers the same way each time, higher values vary more.")),
    "max_completion_tokens": Text(
        _("Longest answer"), _("In tokens; a token is about three quarters of a word. Empty: the model's own limit.")
    ),
    "max_output_tokens": Text(
        _("Longest answer"), _("In tokens; a token is about three quarters of a word. Empty: the model's own limit.")
    ),
    "voice": Text(_("Voice"), _("The voice callers hear.")),
    "vertexai": Text(_("Use Vertex AI"), _("Runs on your Google Cloud project instead of the Gemini API.")),
    "location": Text(
        _("Region"), _("Google Cloud region, such as europe-west4 to stay in the EU. Only with Vertex AI.")
    ),
    "analysis_model": Text(_("Analysis model"), _("An older setting; it is kept but no longer used.")),
    "turn_detection": Text(_("Turn detection"), _("When the assistant decides that the caller has finished.")),
    "turn_detection.threshold": Text(
        _("Sensitivity to noise"), _("Higher values need louder speech; raise it for noisy lines.")
    ),
    "turn_detection.prefix_padding_ms": Text(_("Lead-in"), _("How much sound before the first word is kept.")),
    "turn_detection.silence_duration_ms": Text(
        _("Pause that ends a turn"), _("Shorter answers faster, longer interrupts less.")
    ),
    "turn_detection.idle_timeout_ms": Text(
        _("Speak again after silence"), _("After this much silence the assistant speaks up. 0 or empty: never.")
    ),
    "reasoning_effort": Text(
        _("Reasoning"), _("“high” thinks longer before it answers, which callers hear as a pause.")
    ),
    "llm.speed": Text(_("Speaking speed"), _("1 is normal.")),
    "transcription": Text(_("Speech recognition"), _("Hints that help to understand callers.")),
    "transcription.language_hint": Text(_("Expected language"), _("A language code such as nl or en.")),
    "transcription.keyterms": Text(
        _("Words to expect"), _("Names and terms callers use, one per line. At most 100 of 50 characters.")
    ),
    "provider_tools": Text(_("Built-in tools"), _("Searches that the provider itself runs during the call.")),
    "provider_tools.web_search": Text(_("Web search"), _("May look things up on the web.")),
    "provider_tools.x_search": Text(_("X search"), _("May search posts on X.")),
    "provider_tools.file_search": Text(_("File search"), _("May search your documents at the provider.")),
    "provider_tools.allowed_x_handles": Text(
        _("Accounts"), _("Search only these X accounts, one per line. At most 20.")
    ),
    "provider_tools.vector_store_ids": Text(_("Document collections"), _("Ids of the collections, one per line.")),
    "provider_tools.max_num_results": Text(_("Most results"), _("How many passages a search may bring back.")),
    "delegation": Text(_("Delegation"), _("A text model that does the reasoning and runs the tools.")),
    "delegation.model": Text(_("Model"), _("The text model that the voice model hands over to.")),
    "delegation.instructions": Text(_("Instructions"), _("Empty: it gets the same prompt as the assistant.")),
    # Speech to text
    "stt.language": Text(_("Language"), _("What callers speak. “Several languages” recognises each on its own.")),
    "keyterms": Text(_("Words to expect"), _("Names and terms callers use, one per line.")),
    "smart_format": Text(_("Smart formatting"), _("Writes dates, amounts and numbers the way people write them.")),
    "numerals": Text(_("Numbers as digits"), _("Writes “twenty” as 20.")),
    "filler_words": Text(_("Keep filler words"), _("Keeps “uh” and “um” in the transcript.")),
    "no_delay": Text(_("No formatting delay"), _("Sends words at once instead of waiting for formatting.")),
    "endpointing": Text(_("Pause that ends a sentence"), _("Shorter reacts faster, longer cuts callers off less.")),
    "utterance_end_ms": Text(
        _("Gap that ends an utterance"), _("Silence after the last word that ends what was said.")
    ),
    "tag_audio_events": Text(_("Mark sounds"), _("Notes laughter and other sounds in the transcript.")),
    "include_timestamps": Text(_("Word times"), _("Adds the time of each word.")),
    "sample_rate": Text(_("Sample rate"), _("8000 fits phone lines, 16000 fits web calls.")),
    "languages": Text(_("Expected languages"), _("Language codes such as nl or en, one per line.")),
    "code_switching": Text(_("Switch languages"), _("Follows callers who change language during the call.")),
    "region": Text(_("Region"), _("Where speech is processed. eu-west stays in the EU.")),
    "custom_vocabulary": Text(_("Words to expect"), _("Names and terms callers use, one per line.")),
    "translation_enabled": Text(_("Translate"), _("Adds a translation of what callers say.")),
    "translation_target_languages": Text(_("Translate into"), _("Language codes such as nl or en, one per line.")),
    # Text to speech
    "stability": Text(_("Stability"), _("Lower is livelier, higher is more even.")),
    "similarity_boost": Text(_("Similarity"), _("How closely the speech keeps to the original voice.")),
    "style": Text(_("Style"), _("Exaggerates the voice's style; costs a little speed. 0 is off.")),
    "speed": Text(_("Speaking speed"), _("1 is normal.")),
    "use_speaker_boost": Text(_("Speaker boost"), _("Brings the voice closer to the original, slightly slower.")),
    "apply_text_normalization": Text(
        _("Read out numbers"), _("Turns dates, amounts and numbers into words before speaking.")
    ),
    "apply_language_text_normalization": Text(
        _("Read out by language rules"), _("Uses the rules of the language for numbers and dates; slower.")
    ),
    "tts.language": Text(_("Language"), _("Language code such as nl. Empty: taken from the text.")),
    "tts.instructions": Text(_("Speaking style"), _("Describe how to speak, such as “calm and friendly”.")),
    "speaking_rate": Text(_("Speaking speed"), _("1 is normal.")),
    # Speech settings
    "turn_taking": Text(_("Turn taking"), _("When the assistant answers and lets itself be interrupted.")),
    "turn_taking.endpointing_min_delay": Text(
        _("Shortest wait before answering"), _("Lower answers faster but may cut callers off.")
    ),
    "turn_taking.endpointing_max_delay": Text(
        _("Longest wait before answering"), _("Used when it is unclear whether the caller has finished.")
    ),
    "turn_taking.interruption_min_duration": Text(
        _("Speech that interrupts"), _("How long a caller must speak before the assistant stops.")
    ),
    "turn_taking.interruption_min_words": Text(
        _("Words that interrupt"), _("How many words a caller must say before the assistant stops. 0: any sound.")
    ),
    "turn_taking.false_interruption_timeout": Text(
        _("Resume after a false interruption"),
        _("Goes on speaking when no words follow within this time."),
    ),
    "pronunciation": Text(_("Pronunciation"), _("Replaces text before it is spoken, letter for letter. At most 50.")),
    "pronunciation.from": Text(_("Written"), _("As it stands in the answer.")),
    "pronunciation.to": Text(_("Spoken"), _("As it should sound.")),
    "background_audio": Text(_("Background sound"), _("Plays softly under the call.")),
    "background_audio.enabled": Text(_("Play background sound"), _("Makes pauses feel less empty.")),
    "background_audio.clip": Text(_("Sound"), _("Which surroundings callers hear.")),
    "background_audio.volume": Text(_("Volume"), _("1 is as loud as the voice.")),
    "silence": Text(_("Silence"), _("What happens when the caller says nothing. Only with silence handling on.")),
    "silence.messages": Text(
        _("Questions"),
        _("Asked in this order, one per line; the last one repeats. Empty: the assistant finds its own."),
    ),
    "silence.final_message": Text(_("Last words"), _("Spoken before the call ends for silence.")),
    "silence.first_check_seconds": Text(_("First question after"), _("Seconds of silence before the first question.")),
    "silence.interval_seconds": Text(_("Next questions after"), _("Seconds of silence between two questions.")),
    "silence.max_attempts": Text(_("Number of questions"), _("After this many the call ends.")),
    "end_call_message": Text(_("Goodbye"), _("Spoken before the assistant ends the call itself.")),
    "first_message_outbound": Text(
        _("Greeting for outbound calls"), _("Empty: the same greeting as for incoming calls.")
    ),
    "end_call_phrases": Text(
        _("Phrases that end the call"),
        _("When the assistant ends a turn with one of them, the call ends. One per line, at most 5."),
    ),
}

UNITS: dict[str, Lazy] = {"ms": _("ms"), "s": _("seconds")}

CHOICES: dict[str, Lazy] = {
    "multi": _("Several languages"),
    "none": _("None"),
    "high": _("High"),
    "auto": _("Automatic"),
    "on": _("On"),
    "off": _("Off"),
    "eu-west": _("Europe (EU)"),
    "us-west": _("United States"),
    "office": _("Office"),
    "city": _("City"),
    "forest": _("Forest"),
    "crowded_room": _("Crowded room"),
}
