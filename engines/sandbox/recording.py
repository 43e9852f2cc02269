"""A recording without sound of speech: a low tone where the assistant spoke, a higher one for the other side.

Made when asked for, from the turns of the call; the same call gives the same bytes.
"""

import functools
import hashlib
import io
import math
import struct
import wave
from datetime import timedelta
from typing import Any

from .calls import Call
from .clock import iso

RATE = 8000
TONES = {"assistant": 220, "user": 330}
LOUDNESS = 1800
# Longer talks are cut: a sandbox needs no hours of tones.
LONGEST_SECONDS = 1800


def wav_bytes(call: Call) -> bytes:
    """The talk so far as WAV, 8 kHz, 16 bit. Two channels: assistant left, other side right."""
    channels = call.assistant.channels
    seconds = min(call.duration if call.duration is not None else call.talked, LONGEST_SECONDS)
    frame = 2 * channels
    sound = bytearray(seconds * RATE * frame)
    for item in call.messages:
        if item["role"] in TONES:
            start, end = (item[name] * RATE // 1000 * frame for name in ("start_ms", "end_ms"))
            second = _tone(item["role"], channels)
            length = max(0, min(end, len(sound)) - start)
            sound[start : start + length] = (second * (length // len(second) + 1))[:length]
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(RATE)
        writer.writeframes(bytes(sound))
    return file.getvalue()


def describe(call: Call) -> dict[str, Any] | None:
    """`recording` of the report, None when nothing was recorded."""
    if not call.recorded or not call.duration or call.ended_at is None:
        return None
    data = wav_bytes(call)
    return {
        "url": f"{call.base}/calls/{call.id}/recording",
        "format": "wav",
        "channels": call.assistant.channels,
        "seconds": min(call.duration, LONGEST_SECONDS),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "expires_at": iso(call.ended_at + timedelta(hours=24)),
    }


@functools.cache
def _tone(role: str, channels: int) -> bytes:
    """One second; whole waves, so that repeats join without a click."""
    side = 0 if role == "assistant" else 1
    frames = []
    for index in range(RATE):
        value = round(LOUDNESS * math.sin(2 * math.pi * TONES[role] * index / RATE))
        frames.append((value,) if channels == 1 else (value, 0) if side == 0 else (0, value))
    return b"".join(struct.pack(f"<{channels}h", *frame) for frame in frames)
