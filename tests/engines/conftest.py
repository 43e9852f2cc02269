"""One instant sandbox for each test module; tests that restart it or need another clock start their own."""

from collections.abc import Iterator

import pytest

from tests.engines.stage import Receiver, Sandbox, playing


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Receiver]]:
    with playing(tmp_path_factory.mktemp("sandbox")) as parts:
        yield parts


@pytest.fixture
def sandbox(stage: tuple[Sandbox, Receiver]) -> Iterator[Sandbox]:
    yield stage[0]
    stage[0].faults()


@pytest.fixture
def receiver(stage: tuple[Sandbox, Receiver]) -> Iterator[Receiver]:
    yield stage[1]
    stage[1].answers.clear()
