"""Campaigns over a clock change, from the first call to the last, on a clock of our own.

    python -m tests.services -- python -m tests.simulator europe-spring --leads 10000 --seed 7 --kind A

Prints one line that begins with "holds" or "FAILS"; the same seed gives the same history.
"""

# ruff: noqa: E402  (the apps can be imported only after they were set up)

from __future__ import annotations

import argparse
import datetime as dt
import os
import random
import sys
import time

import django
from django.core.management import call_command

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.simulator.settings"
django.setup()

from django.db import connection

from apps.calls.services.do_not_call import refuse_number
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.services import pause_campaign, resume_campaign
from apps.core.scope import Scope, acting
from apps.organizations.scopes import overview
from apps.organizations.services import SYSTEM
from tests.simulator.clock import Clock
from tests.simulator.drive import Driver
from tests.simulator.engine import Engine, serve
from tests.simulator.judge import Judge, Stops
from tests.simulator.world import NIGHTS, World, make_world

LONGEST = dt.timedelta(days=8)


def run(night: str, *, leads: int, seed: int, kind: str) -> tuple[bool, str]:
    """One campaign from the first call to the last. Returns the verdict and its figures."""
    call_command("migrate", database="owner", verbosity=0)
    clock = Clock(NIGHTS[night])
    connection.close()
    engine = Engine(clock, seed, kind)
    world = make_world(engine, serve(engine), seed, leads)
    driver = Driver(clock, engine, world.connection.hook_id, seed)
    began = time.monotonic()
    with driver.installed():
        stops, refused = _play(world, driver, random.Random(f"people {seed}"))
    judge = Judge(world, engine.rings, stops, refused)
    problems = judge.problems()
    deaths = ", ".join(f"{count} {where}" for where, count in sorted(driver.deaths.items()))
    said = (
        f"{night}, class {kind}, seed {seed}: {judge.figures()}; {judge.doubtful()} in doubt; {len(stops)} pauses, "
        f"{len(refused)} refusals under way; workers killed: {deaths}; {(clock.now - driver.start).days} days in "
        f"{time.monotonic() - began:.0f} s; history {judge.digest()}"
    )
    if problems:
        said += "; WRONG: " + ", ".join(f"{count} {name}" for name, count in problems.items())
    return not problems, said


def _play(world: World, driver: Driver, people: random.Random) -> tuple[Stops, dict[str, dt.datetime]]:
    """People pause, go on, and refuse calls while the campaigns run; returns when they did."""
    stops: Stops = []
    refused: dict[str, dt.datetime] = {}
    paused: dict[Campaign, dt.datetime] = {}
    end, told = driver.clock.now + LONGEST, driver.clock.now
    next_pause = driver.clock.now + dt.timedelta(minutes=people.uniform(5, 60))
    while driver.clock.now < end:
        driver.step(driver.pause)
        now = driver.clock.now
        if now >= told:
            print(f"{now:%d %b %H:%M} UTC, {len(driver.engine.rings)} rings, {len(driver.queue.waiting)} tasks wait", file=sys.stderr, flush=True)
            told += dt.timedelta(hours=6)
        if now >= next_pause and not paused and not driver.is_idle:
            campaign = people.choice(world.campaigns)
            if _pause(world, campaign, now):
                paused[campaign] = driver.clock.now
            next_pause = now + dt.timedelta(minutes=people.uniform(20, 200))
        for campaign, since in [*paused.items()]:
            if now - since > dt.timedelta(seconds=people.uniform(30, 300)):
                stops.append((since, driver.clock.now, campaign.origin))
                _go_on(world, campaign, now)
                del paused[campaign]
        if people.random() < 0.002:
            _refuse(world, refused, people, now)
        if _is_over(world):
            break
    for _second in range(200):  # the last reports, and what the sweeps still find
        driver.step(10)
    return stops, refused


def _pause(world: World, campaign: Campaign, now: dt.datetime) -> bool:
    with acting(Scope((world.client.pk, world.agency.pk))):
        campaign.refresh_from_db()
        if campaign.status != Campaign.Status.SCHEDULED:
            return False
        pause_campaign(campaign=campaign, by=SYSTEM, now=now)
        return True


def _go_on(world: World, campaign: Campaign, now: dt.datetime) -> None:
    with acting(Scope((world.client.pk, world.agency.pk))):
        campaign.refresh_from_db()
        if campaign.status == Campaign.Status.PAUSED:
            resume_campaign(campaign=campaign, by=SYSTEM, now=now)


def _refuse(world: World, refused: dict[str, dt.datetime], people: random.Random, now: dt.datetime) -> None:
    with acting(Scope((world.client.pk, world.agency.pk))):
        pending = Lead.objects.for_organization(world.client).unfinished().order_by("campaign__name", "position")
        numbers = list(pending.values_list("phone_number", flat=True)[:500])
        if not numbers:
            return
        number = people.choice(numbers)
        refuse_number(organization=world.client, number=number, reason="asked", by=SYSTEM, now=now)
        refused.setdefault(number, now)


def _is_over(world: World) -> bool:
    with acting(overview("the simulator's end")):
        return not Campaign.objects.unfinished().exists()


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.simulator", description=__doc__)
    parser.add_argument("night", choices=NIGHTS)
    parser.add_argument("--leads", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=["A", "B", "C"], default="A")
    options = parser.parse_args()
    passed, said = run(options.night, leads=options.leads, seed=options.seed, kind=options.kind)
    print(f"{'holds' if passed else 'FAILS'}: {said}", flush=True)
    return 0 if passed else 1


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the same seed, the same history
        os.execve(sys.executable, [sys.executable, "-m", "tests.simulator", *sys.argv[1:]], os.environ | {"PYTHONHASHSEED": "0"})
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the engine's thread is no reason to wait
