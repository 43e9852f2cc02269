"""Events to the control plane: signed, in order per call, with retries for what must arrive."""

import asyncio
import json
import logging
import time
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx

from .calls import Call
from .channel import Channel, Delivery, client
from .clock import iso, utc_now
from .faults import Faults
from .receiver import Receiver
from .signing import sign
from .store import compact, read_json, write_json

log = logging.getLogger("sandbox")

RETRIED = ("status-update", "end-of-call-report")
PAUSES = (5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600)
SHORTEST_PAUSE = 0.5


class NoAnswer(Exception):
    """A question got no usable answer in time."""


class Events:
    def __init__(self, receiver: Receiver, faults: Faults, folder: Path, clock: float, instance: str) -> None:
        self._receiver, self._faults, self._folder, self._clock = receiver, faults, folder, clock
        self._instance = instance
        self._channels: dict[str, Channel] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._unsent: dict[str, Delivery] = {}
        self._stopping = False
        self._seen_failure = False
        # Two pools: a question during a call must not wait behind reports.
        self._reports = client(connections=16, seconds=10)
        self._questions = client(connections=100, seconds=30)
        folder.mkdir(parents=True, exist_ok=True)

    def emit(self, call: Call, event: str, **fields: Any) -> None:
        """Queue an event of a call; returns at once. Events of one call leave in this order."""
        delivery = self._delivery(call, event, fields)
        if delivery is None:
            return
        marks = self._faults.draw_event()
        if "lose_events" in marks:
            return
        if event in RETRIED:
            self._unsent[delivery.id] = delivery
        channel = self._channels.get(call.id)
        if channel is None:
            channel = self._channels[call.id] = Channel(self._send, lambda: self._channels.pop(call.id, None))
        channel.put(delivery, swap="reorder_events" in marks)
        if "duplicate_events" in marks:
            channel.put(delivery, swap=False)

    async def ask(self, call: Call, event: str, seconds: float, **fields: Any) -> Any:
        """Ask and wait for the JSON answer, at most `seconds` real seconds. Raises NoAnswer."""
        end = time.monotonic() + seconds
        delivery = self._delivery(call, event, {**fields, "deadline_ms": int(seconds * 1000)})
        if delivery is None:
            raise NoAnswer("no receiver takes this question")
        marks = self._faults.draw_event()
        channel = self._channels.get(call.id)
        if channel is not None:
            await channel.drained(2)
        await asyncio.sleep(self._faults.event_delay())
        if "lose_events" in marks:
            raise NoAnswer("the question was lost")
        if "duplicate_events" in marks:
            self.spawn(self._post(self._questions, delivery))
        try:
            async with asyncio.timeout(max(0.05, end - time.monotonic())):
                response = await self._post(self._questions, delivery)
        except TimeoutError:
            raise NoAnswer("no answer in time") from None
        if response is None or response.status_code >= 300:
            raise NoAnswer("no connection" if response is None else f"answer {response.status_code}")
        try:
            return json.loads(response.content[: 64 * 1024])
        except ValueError:
            return response.text[:2000]

    def tell(self, call: Call, event: str, **fields: Any) -> None:
        """Ask without waiting: an asynchronous tool."""
        delivery = self._delivery(call, event, fields)
        if delivery is not None:
            self.spawn(self._post(self._questions, delivery))

    async def heartbeat(self, started_at: str, calls: list[Call]) -> None:
        """One sign of life with all running calls; not retried."""
        if self._faults.settings["stop_heartbeat"] or not self._receiver.wants("engine-heartbeat"):
            return
        rows = []
        for call in calls:
            row = {"id": call.id, "status": call.status}
            if call.reference:
                row["reference"] = call.reference
            rows.append(row)
        message = {
            "type": "engine-heartbeat",
            "timestamp": iso(utc_now()),
            "engine": {"instance": self._instance, "simulated": True},
            "started_at": started_at,
            "calls": rows,
        }
        body = compact({"message": message}).decode()
        await self._post(self._reports, Delivery(str(uuid.uuid4()), "engine-heartbeat", body, "", True))

    def resume(self) -> None:
        """Send what an earlier process could not deliver."""
        for path in sorted(self._folder.glob("*.json")):
            kept = read_json(path)
            if kept is None:
                path.unlink(missing_ok=True)
                continue
            delivery = Delivery(**kept)
            self._unsent[delivery.id] = delivery
            self.spawn(self._retry(delivery))

    def erase(self, call_id: str) -> None:
        """Forget undelivered reports of a call: its content was erased."""
        for delivery in list(self._unsent.values()):
            if delivery.call_id == call_id and delivery.event == "end-of-call-report":
                self._done(delivery)

    async def close(self, seconds: float) -> None:
        """Give what is queued a moment, then keep the rest on disk for the next start."""
        end = time.monotonic() + seconds
        while self._channels and time.monotonic() < end:
            await asyncio.sleep(0.02)
        self._stopping = True
        for delivery in self._unsent.values():
            self._keep(delivery)
        for task in list(self._tasks):
            task.cancel()
        await self._reports.aclose()
        await self._questions.aclose()

    def spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _delivery(self, call: Call, event: str, fields: dict[str, Any]) -> Delivery | None:
        if not self._receiver.wants(event):
            return None
        call.seq += 1
        message: dict[str, Any] = {
            "type": event,
            "timestamp": iso(call.stamp()),
            "seq": call.seq,
            "engine": {"instance": self._instance, "simulated": True},
            "call": call.head(),
            "phone_number": {"id": None, "number": call.own, "name": None},
            "customer": {"number": call.other},
        }
        if event == "assistant-request":
            message["call"]["pipeline"] = "standard"
        else:
            message["assistant"] = {"metadata": call.assistant.metadata}
        message.update(fields)
        body = compact({"message": message}).decode()
        return Delivery(str(uuid.uuid4()), event, body, call.id, call.assistant.gdpr)

    async def _send(self, delivery: Delivery) -> None:
        """The first attempt; what must arrive and did not goes on by itself and holds nothing back."""
        await asyncio.sleep(self._faults.event_delay())
        response = await self._post(self._reports, delivery)
        if delivery.event not in RETRIED or delivery.id not in self._unsent:
            return
        if _settled(response):
            self._done(delivery)
        elif delivery.attempt == 1 and not self._stopping:
            delivery.attempt = 2
            self.spawn(self._retry(delivery))

    async def _retry(self, delivery: Delivery) -> None:
        self._keep(delivery)
        while delivery.attempt - 2 < len(PAUSES):
            await asyncio.sleep(self._pause(delivery.attempt - 2))
            if delivery.id not in self._unsent:
                return
            if _settled(await self._post(self._reports, delivery)):
                self._done(delivery)
                return
            delivery.attempt += 1
        log.warning("%s of %s given up after %d attempts", delivery.event, delivery.call_id, delivery.attempt - 1)
        self._done(delivery)

    def _pause(self, index: int) -> float:
        """Seconds before a repeat: scaled by the clock, but never a busy loop."""
        pause = PAUSES[max(0, index)]
        return max(pause * self._clock, min(pause, SHORTEST_PAUSE * 3 ** max(0, index)))

    async def _post(self, client: httpx.AsyncClient, delivery: Delivery) -> httpx.Response | None:
        if self._receiver.url is None:
            return None
        body, stamp = delivery.body.encode(), str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Webhook-Event": delivery.event,
            "X-Webhook-Timestamp": stamp,
            "X-Webhook-Signature": sign(self._receiver.secret, stamp, body),
            "X-Webhook-Id": delivery.id,
            "X-Webhook-Attempt": str(delivery.attempt),
        }
        try:
            response = await client.post(self._receiver.url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            self._complain(f"{delivery.event}: {type(problem).__name__}")
            return None
        if response.status_code >= 300:
            self._complain(f"{delivery.event}: the receiver answered {response.status_code}")
        else:
            self._seen_failure = False
        return response

    def _complain(self, text: str) -> None:
        """One line per outage, not one per event."""
        if not self._seen_failure:
            log.warning("receiver: %s", text)
        self._seen_failure = True

    def _keep(self, delivery: Delivery) -> None:
        # Content of a call in GDPR mode never touches the disk.
        if not (delivery.private and delivery.event == "end-of-call-report"):
            write_json(self._folder / f"{delivery.id}.json", asdict(delivery))

    def _done(self, delivery: Delivery) -> None:
        self._unsent.pop(delivery.id, None)
        (self._folder / f"{delivery.id}.json").unlink(missing_ok=True)


def _settled(response: httpx.Response | None) -> bool:
    """Delivered, or refused for good (410)."""
    return response is not None and (response.status_code < 300 or response.status_code == 410)
