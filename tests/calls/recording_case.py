"""A call whose engine has a recording of it, for the tests of recordings."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from apps.calls.models import Call, Recording
from apps.calls.services import fetching
from apps.core import db
from tests.calls.support import FEATURES, apply, make_connection, post, running_call, scope_of, talk
from tests.cases import TenantCase
from tests.recordings import FileEngine, OwnFiles

SOUND = b"RIFF" + bytes(range(256)) * 40
DIGEST = hashlib.sha256(SOUND).hexdigest()


class RecordingCase(TenantCase):
    features = [*FEATURES, "recordings"]

    def setUp(self) -> None:
        self.folder = self.enterContext(OwnFiles())
        self.engine = self.enterContext(FileEngine())
        self.connection = make_connection(features=self.features, base_url=self.engine.url)
        self.enterContext(scope_of(self.client_org))
        self.client_org.change(db.now(), records_calls=True)

    def told(self, call: Call | None = None, **told: Any) -> Call:
        """A call whose report tells of a recording; `told` is the report's `recording`."""
        call = call or running_call(self.client_org, self.connection)
        path = f"/calls/{call.ref}/recording"
        self.engine.files[path] = SOUND
        for message in talk(call):
            if message["type"] == "end-of-call-report":
                message |= {"recording": {"url": self.engine.url + path, "format": "wav", "sha256": DIGEST, **told}}
            post(self.connection, message)
        apply(call)
        return call

    def fetch(self, call: Call) -> bool | None:
        return fetching.fetch_recording(organization_id=call.organization_id, recording_id=Recording.objects.get(call=call).pk)

    def again(self, call: Call) -> bool | None:
        """The next attempt, as if its pause were over."""
        Recording.objects.filter(call=call).update(next_attempt_at=db.now())
        return self.fetch(call)

    def stored(self) -> Call:
        call = self.told()
        self.assertIs(self.fetch(call), True)
        call.refresh_from_db()
        return call

    def link(self, call: Call) -> str:
        link: str = self.api(self.client_org).get(f"/calls/{call.public_id}").json()["recording_url"]
        return link.partition("/recordings/")[1] + link.partition("/recordings/")[2]

    def files(self) -> list[Path]:
        return sorted(each for each in self.folder.rglob("*") if each.is_file())
