"""Recordings in processes of their own: a worker that is killed, and the real servers."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from django.test import Client

from apps.calls import recordings as links
from apps.calls.models import Call, Recording
from apps.calls.services import fetching
from apps.core import db
from tests import factories
from tests.calls.recording_case import DIGEST, SOUND
from tests.calls.support import FEATURES, make_connection, running_call, scope_of
from tests.cases import CommittedCase
from tests.recordings import Dripping, FileEngine, OwnFiles
from tests.web import Web, _test_database


class KilledWorkerTest(CommittedCase):
    """A worker process that dies in the middle of a download: no half file is a recording, and the next attempt is whole."""

    def test_kill_nine_in_the_middle(self) -> None:
        folder = self.enterContext(OwnFiles())
        engine = self.enterContext(FileEngine())
        connection = make_connection(features=[*FEATURES, "recordings"], base_url=engine.url)
        self.enterContext(scope_of(self.client_org))
        call = running_call(self.client_org, connection)
        Call.objects.filter(pk=call.pk).update(recording_url=f"{engine.url}/x")
        row = Recording.objects.create(organization=self.client_org, call=call, next_attempt_at=db.now())
        path = f"/calls/{call.ref}/recording"
        with Dripping(SOUND) as slow:
            type(connection).objects.filter(pk=connection.pk).update(base_url=slow.url)
            process = subprocess.Popen([sys.executable, "-c", WORKER, str(self.client_org.pk), str(row.pk), str(folder)], env=_environment())
            self.addCleanup(process.kill)
            slow.half.wait(40)
            self.assertTrue(slow.half.is_set())
            time.sleep(0.2)
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        row.refresh_from_db()
        self.assertEqual((row.status, row.attempts), ("waiting", 1))
        link = links.signed_link(self.client_org.brand, self.client_org.pk, call.pk)
        self.assertEqual(Client().get("/recordings/" + link.rpartition("/")[2]).status_code, 503)
        self.assertFalse((folder / "recordings").exists())
        engine.files[path] = SOUND
        type(connection).objects.filter(pk=connection.pk).update(base_url=engine.url)
        self.assertIsNone(fetching.fetch_recording(organization_id=self.client_org.pk, recording_id=row.pk))
        Recording.objects.update(lease_until=db.now())
        self.assertIs(fetching.fetch_recording(organization_id=self.client_org.pk, recording_id=row.pk), True)
        self.assertEqual([each.read_bytes() for each in folder.rglob("*") if each.is_file()], [SOUND])


class ServerTest(CommittedCase):
    """The real servers, as in `make run` and as in production: ranges and a whole file that no process holds at once."""

    def test_both_servers_hand_out_parts(self) -> None:
        folder = self.enterContext(OwnFiles())
        self.enterContext(scope_of(self.client_org))
        call = factories.make_call(self.client_org, recording_url="https://engine.example.org/r.wav")
        name, sound = fetching.files.new_name(self.client_org.pk), os.urandom(1 << 20) * 96
        (folder / "sound").write_bytes(sound)
        fetching.files.put(name, folder / "sound")
        Recording.objects.create(
            organization=self.client_org, call=call, status="stored", name=name, size=len(sound), media_type="audio/wav", sha256=DIGEST
        )
        path = "/recordings/" + links.signed_link(self.client_org.brand, self.client_org.pk, call.pk).rpartition("/")[2]
        for interface in ("asginl", "wsgi"):
            web = Web(interface=interface, workers=1, DATA_DIR=str(folder))
            web.start()
            self.addCleanup(web.close)
            part = web.send("GET", path, headers={"Range": "bytes=1048570-1048580"})
            self.assertEqual((part.status, part.body), (206, sound[1048570:1048581]), interface)
            before = _memory(web)
            whole = web.send("GET", path)
            self.assertEqual((whole.status, hashlib.sha256(whole.body).digest()), (200, hashlib.sha256(sound).digest()), interface)
            grown = _memory(web) - before
            print(f"\n{interface}: {len(sound) >> 20} MB handed out, the server's peak grew by {grown >> 20} MB")
            self.assertLess(grown, len(sound) // 3, interface)
            self.assertEqual(web.send("GET", path, headers={"Range": f"bytes={len(sound)}-"}).status, 416)
            web.close()


WORKER = """
import sys, os
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from pathlib import Path
from uuid import UUID
from django.conf import settings
settings.DATA_DIR = Path(sys.argv[3])
from apps.core.scope import Scope, acting
from apps.calls.services.fetching import fetch_recording
with acting(Scope((UUID(sys.argv[1]),))):
    fetch_recording(organization_id=sys.argv[1], recording_id=sys.argv[2])
"""


def _memory(web: Web) -> int:
    """The most bytes that any process of a server ever held."""
    assert web._process is not None
    found, pids = 0, [web._process.pid]
    while pids:
        pid = pids.pop()
        status = Path(f"/proc/{pid}/status").read_text()
        found = max(found, int(status.partition("VmHWM:")[2].split()[0]) * 1024)
        pids += [int(each) for task in Path(f"/proc/{pid}/task").iterdir() for each in (task / "children").read_text().split()]
    return found


def _environment() -> dict[str, str]:
    """The settings of this run, with its test database."""
    return {**os.environ, "DATABASE_URL": _test_database(), "DATABASE_POOL": "0"}
