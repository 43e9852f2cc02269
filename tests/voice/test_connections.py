"""Which connection carries whose calls, and what is known of it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import DatabaseError, transaction
from django.test import override_settings

from apps.core.errors import Unavailable
from apps.core.scope import Scope, acting
from apps.voice import services
from apps.voice.client import EngineTrouble
from apps.voice.models import Connection
from apps.voice.tasks import check_connection, check_connections, check_installation
from tests.cases import TenantCase
from tests.engine import Sandbox, free_port
from tests.factories import NOW
from tests.receivers import Receiver, Reply


def connect(organization: object = None, **fields: object) -> Connection:
    owner = (organization.pk,) if organization else ()  # type: ignore[attr-defined]
    with acting(Scope(owner)):
        values = {"name": "Engine", "base_url": "http://127.0.0.1:9", "api_key": "k", "hook_secret": "whsec_x"}
        return Connection.objects.create(organization=organization, **(values | fields))


class ChoiceTest(TenantCase):
    def test_own_then_the_agencys_then_the_installations(self) -> None:
        with self.acting_for(self.client_org), pytest.raises(Unavailable):
            services.connection_for(self.client_org)
        everybodys = connect()
        with self.acting_for(self.client_org):
            assert services.connection_for(self.client_org) == everybodys
        parents = connect(self.agency)
        with self.acting_for(self.client_org):
            assert services.connection_for(self.client_org) == parents
        own = connect(self.client_org)
        with self.acting_for(self.client_org):
            assert services.connection_for(self.client_org) == own
        with self.acting_for(self.agency):
            assert services.connection_for(self.agency) == parents
        with self.acting_for(self.stranger):
            assert services.connection_for(self.stranger) == everybodys

    def test_an_inactive_connection_is_passed_over(self) -> None:
        connect(self.agency, is_active=False)
        everybodys = connect()
        with self.acting_for(self.agency):
            assert services.connection_for(self.agency) == everybodys

    def test_a_simulated_engine_needs_the_setting(self) -> None:
        connect(engine={"kind": "sandbox", "simulated": True}, engine_read_at=NOW)
        with self.acting_for(self.agency):
            assert services.connection_for(self.agency)
            with override_settings(SANDBOX=False), pytest.raises(Unavailable):
                services.connection_for(self.agency)

    def test_only_one_is_active(self) -> None:
        connect()
        with acting(Scope(())), pytest.raises(DatabaseError), transaction.atomic():
            connect()

    def test_others_connections_are_invisible(self) -> None:
        theirs, everybodys = connect(self.stranger), connect()
        with self.acting_for(self.client_org):
            assert list(Connection.objects.all()) == [everybodys]
            assert Connection.objects.filter(pk=theirs.pk).update(name="Taken") == 0
            with pytest.raises(DatabaseError), transaction.atomic():
                Connection.objects.create(organization=self.stranger, name="Planted", base_url="http://x")

    def test_the_key_is_stored_sealed(self) -> None:
        row = connect(self.agency, api_key="top-secret")
        with self.acting_for(self.agency):
            assert Connection.objects.get(pk=row.pk).api_key == "top-secret"
        assert b"top-secret" not in bytes(row.__dict__["api_key"].sealed)


class SandboxConnectionTest(TenantCase):
    def test_it_is_made_once_and_follows_its_settings(self) -> None:
        with acting(Scope(operator=True)):
            with override_settings(SANDBOX=True, SANDBOX_URL="http://127.0.0.1:7001", SANDBOX_KEY="a"):
                first = services.sandbox_connection(NOW)
                first.change(NOW, engine={"kind": "sandbox"}, engine_read_at=NOW)
                assert services.sandbox_connection(NOW) == first
                assert Connection.objects.get().engine_read_at == NOW
            with override_settings(SANDBOX=True, SANDBOX_URL="http://127.0.0.1:7002", SANDBOX_KEY="b"):
                services.sandbox_connection(NOW)
            row = Connection.objects.get()
        assert (row.base_url, row.api_key, row.engine_read_at, row.hook_secret) == (
            "http://127.0.0.1:7002", "b", None, first.hook_secret,
        )  # fmt: skip

    def test_an_operators_engine_stays(self) -> None:
        connect(name="Hosted", base_url="https://api.example.org")
        with acting(Scope(operator=True)), override_settings(SANDBOX=True, SANDBOX_URL="http://x", SANDBOX_KEY="b"):
            assert services.sandbox_connection(NOW).base_url == "https://api.example.org"

    def test_without_the_setting_there_is_none(self) -> None:
        with acting(Scope(operator=True)), override_settings(SANDBOX=False), pytest.raises(Unavailable):
            services.sandbox_connection(NOW)


class CapabilitiesTest(TenantCase):
    def test_asked_once_a_minute(self) -> None:
        with (
            Receiver(Reply(body={"kind": "worker", "features": ["reference"]})) as engine,
            self.acting_for(self.agency),
        ):
            row = connect(base_url=engine.url)
            assert services.capabilities(row, NOW).has("reference")
            services.capabilities(row, NOW + dt.timedelta(seconds=59))
            assert len(engine.received) == 1
            services.capabilities(row, NOW + dt.timedelta(seconds=61))
            assert [each.path for each in engine.received] == ["/engine", "/engine"]
            assert engine.received[0].headers["authorization"] == "Bearer k"

    def test_404_is_the_base_wire(self) -> None:
        with Receiver(Reply(404)) as engine, self.acting_for(self.agency):
            row = connect(base_url=engine.url)
            assert services.capabilities(row, NOW).kind == "base"
            assert row.engine_read_at == NOW

    def test_trouble_is_never_the_base_wire(self) -> None:
        for reply in (Reply(401), Reply(500), Reply(body=b"<html>"), Reply(cut=True)):
            with Receiver(reply) as engine, self.acting_for(self.agency):
                row = connect(self.agency, base_url=engine.url)
                with pytest.raises(EngineTrouble):
                    services.capabilities(row, NOW)
                assert services.is_down(row)
                row.delete()

    def test_what_was_known_outlives_an_outage(self) -> None:
        with self.acting_for(self.agency):
            known = {"kind": "worker", "features": ["reference"]}
            row = connect(base_url=f"http://127.0.0.1:{free_port()}", engine=known, engine_read_at=NOW)
            later = NOW + dt.timedelta(minutes=5)
            assert services.capabilities(row, later).has("reference")
            assert (row.failing_since, row.last_error) == (later, "refused")
            services.note_success(row, later)
            assert not services.is_down(Connection.objects.get(pk=row.pk))

    def test_a_customers_engine_must_be_on_the_internet(self) -> None:
        with override_settings(WEBHOOK_ALLOWED_NETWORKS=[]), Receiver() as engine, self.acting_for(self.agency):
            row = connect(self.agency, base_url=engine.url)
            with pytest.raises(EngineTrouble):
                services.capabilities(row, NOW)
            assert (engine.received, row.last_error) == ([], "blocked")


class HealthTest(TenantCase):
    def test_the_sandbox_learns_where_its_events_go_once(self) -> None:
        row = Sandbox.shared().connection(engine={})
        check_installation(str(row.pk))
        with self.acting_for(self.agency):
            first = Connection.objects.get(pk=row.pk)
            assert first.engine["kind"] == "sandbox"
            assert first.receiver_set_for
            assert services.ensure_receiver(first) is False
            with override_settings(BASE_URL="http://localhost:1"):
                assert services.ensure_receiver(first) is True

    def test_a_new_instance_is_told_again(self) -> None:
        instances = iter("aabb")
        with Receiver(
            lambda got: Reply(
                body={"kind": "worker", "features": ["receiver"], "instance": next(instances)}
                if got.method == "GET"
                else {}
            )
        ) as engine:
            row = connect(self.agency, base_url=engine.url)
            for _count in range(3):
                check_connection(str(self.agency.pk), str(row.pk))
        told = [each.json for each in engine.received if each.method == "PUT"]
        assert len(told) == 2
        assert told[0] == {"url": services.hook_url(row), "secret": "whsec_x", "events": list(services.EVENTS)}

    def test_failures_are_noted_and_end(self) -> None:
        with Receiver(Reply(503)) as engine:
            row = connect(self.agency, base_url=engine.url)
            check_connection(str(self.agency.pk), str(row.pk))
            with self.acting_for(self.agency):
                since = Connection.objects.get(pk=row.pk).failing_since
                assert since
            check_connection(str(self.agency.pk), str(row.pk))
            with self.acting_for(self.agency):
                assert Connection.objects.get(pk=row.pk).failing_since == since
            engine.reply = Reply(404)
            check_connection(str(self.agency.pk), str(row.pk))
            with self.acting_for(self.agency):
                assert Connection.objects.get(pk=row.pk).failing_since is None

    def test_one_task_per_active_connection(self) -> None:
        ours, everybodys = connect(self.agency), connect()
        connect(self.stranger, is_active=False)
        sent: list[tuple[str, ...]] = []
        for task in (check_connection, check_installation):
            task.apply_async = lambda args, expires, name=task.name: sent.append((name.rpartition(".")[2], *args))  # type: ignore[method-assign]
            self.addCleanup(delattr, task, "apply_async")
        check_connections()
        assert sorted(sent) == [
            ("check_connection", str(self.agency.pk), str(ours.pk)), ("check_installation", str(everybodys.pk)),
        ]  # fmt: skip
