"""The workers, the broker and the engine of the simulator: one thread, seeded, killed wherever the dice say."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from celery.app.task import Task
from django.db import connection, transaction
from django.test import Client

from apps.calls import tasks as call_tasks
from apps.calls.services import dial_many
from apps.campaigns import tasks as campaign_tasks
from apps.voice.client import Engine as EngineClient
from apps.webhooks.signing import sign
from tests.simulator.clock import Clock
from tests.simulator.engine import Engine, Ring
from tests.simulator.world import SECRET

SLOW = 15
BUSY, WAITING, IDLE = 3.0, 15.0, 240.0


class Killed(BaseException):
    """SIGKILL: no handler of ours may catch it; the open transaction goes."""


@dataclass
class Odds:
    """How often what goes wrong: per statement, per request, per message of the broker."""

    statement: float = 0.0008
    before_request: float = 0.01
    after_request: float = 0.01
    task_lost: float = 0.02
    task_twice: float = 0.04
    tick_twice: float = 0.1
    event_twice: float = 0.03
    event_late: float = 0.03


@dataclass
class Queue:
    """What the broker holds: (due in seconds since the start, serial, task, arguments)."""

    waiting: list[tuple[float, int, Any, tuple[Any, ...]]] = field(default_factory=list)
    serial: int = 0

    def put(self, due: float, task: Any, arguments: tuple[Any, ...]) -> None:
        self.serial += 1
        self.waiting.append((due, self.serial, task, arguments))

    def take(self, until: float) -> list[tuple[float, int, Any, tuple[Any, ...]]]:
        due = sorted(each for each in self.waiting if each[0] <= until)
        self.waiting = [each for each in self.waiting if each[0] > until]
        return due


class Driver:
    """Runs beat, broker, workers and engine in turns until told to stop."""

    def __init__(self, clock: Clock, engine: Engine, hook: str, seed: int, odds: Odds | None = None) -> None:
        self.clock, self.engine, self.hook = clock, engine, hook
        self.chance = random.Random(f"driver {seed}")
        self.odds = odds or Odds()
        self.queue, self.deaths = Queue(), Counter[str]()
        self.start = clock.now
        self._slow = 0.0
        self._late: list[tuple[float, Ring, dict[str, Any]]] = []
        self._mortal = False
        self._browser = Client()

    @property
    def seconds(self) -> float:
        return (self.clock.now - self.start).total_seconds()

    def step(self, seconds: float) -> None:
        """Let time pass, then everything that is due happens."""
        self.clock.advance(seconds)
        self._events()
        self._run(campaign_tasks.tick)
        if self._dice(self.odds.tick_twice):
            self._run(campaign_tasks.tick)
        self._run(call_tasks.sweep_dials)
        if self.seconds - self._slow >= SLOW:
            self._slow = self.seconds
            for each in (call_tasks.sweep_events, call_tasks.sweep_quiet_calls, campaign_tasks.sweep):
                self._run(each)
        for _round in range(6):
            due = self.queue.take(self.seconds)
            self.chance.shuffle(due)
            for _when, _serial, task, arguments in due:
                self._run(task, *arguments)
                if self._dice(self.odds.task_twice):
                    self._run(task, *arguments)

    @property
    def pause(self) -> float:
        """Seconds until it is worth looking again: few while a phone rings, many while nobody is awake."""
        if self.engine.is_quiet and not self._late:
            return IDLE if not self.queue.waiting else WAITING
        return BUSY

    @property
    def is_idle(self) -> bool:
        return self.pause == IDLE

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Tasks go to our queue, sleeping moves the clock, and every statement and request may be the worker's last."""
        send, start, sleep = Task.apply_async, EngineClient._start, time.sleep
        Task.apply_async = lambda task, args=None, kwargs=None, **options: self._enqueue(task, args or (), options)  # type: ignore[method-assign,assignment]
        EngineClient._start = self._around(start)  # type: ignore[method-assign]
        time.sleep = self._sleep
        pool, dial_many._pool = dial_many._pool, _AtOnce  # type: ignore[assignment]
        try:
            with connection.execute_wrapper(self._statement):
                yield
        finally:
            Task.apply_async, EngineClient._start, time.sleep = send, start, sleep  # type: ignore[method-assign]
            dial_many._pool = pool

    def _run(self, task: Any, *arguments: Any) -> None:
        self._mortal = True
        try:
            task(*arguments)
        except Killed as death:
            self.deaths[str(death)] += 1
            _forget_transaction()
        finally:
            self._mortal = False

    def _events(self) -> None:
        due = [(ring, message) for _when, ring, message in self._late if _when <= self.seconds]
        self._late = [each for each in self._late if each[0] > self.seconds]
        for ring, message in due + self.engine.due():
            if self._dice(self.odds.event_late):
                self._late.append((self.seconds + self.chance.uniform(5, 60), ring, message))
                continue
            self._post(ring, message)
            if self._dice(self.odds.event_twice):
                self._post(ring, message)

    def _post(self, ring: Ring, message: dict[str, Any]) -> None:
        body, stamp = json.dumps({"message": message}).encode(), str(int(self.clock.now.timestamp()))
        headers = {
            "X-Webhook-Timestamp": stamp, "X-Webhook-Signature": sign(SECRET, stamp, body),
            "X-Webhook-Id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{ring.ref}:{message['seq']}")),
        }  # fmt: skip
        answer = self._browser.post(f"/hooks/engine/{self.hook}", body, content_type="application/json", headers=headers)
        assert answer.status_code == 200, answer.content

    def _enqueue(self, task: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        if not self._dice(self.odds.task_lost):
            self.queue.put(self.seconds + options.get("countdown", 0), task, tuple(arguments))

    def _around(self, start: Callable[..., Any]) -> Callable[..., Any]:
        def request(engine: EngineClient, *args: Any, **kwargs: Any) -> Any:
            self._die(self.odds.before_request, "before the request")
            answer = start(engine, *args, **kwargs)
            self._die(self.odds.after_request, "after the request")
            return answer

        return request

    def _statement(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        self._die(self.odds.statement, "at a statement")
        return execute(sql, params, many, context)

    def _die(self, share: float, where: str) -> None:
        if self._mortal and self._dice(share):
            raise Killed(where)

    def _sleep(self, seconds: float) -> None:
        self.clock.advance(max(0.0, seconds))

    def _dice(self, share: float) -> bool:
        return self.chance.random() < share


class _AtOnce(Executor):
    """One request after the other, in the order in which they were asked for."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        answer: Future[Any] = Future()
        answer.set_result(function(*args, **kwargs))
        return answer


def _forget_transaction() -> None:
    """What a dead worker's connection leaves: nothing."""
    if connection.in_atomic_block:
        raise RuntimeError("the transaction of a killed worker is still open")
    transaction.set_autocommit(True)
