"""The crash proof in small: real processes, one worker killed, an engine that can only be listed."""

from __future__ import annotations

import pytest

from tests.proof.crash import prove_crash


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_a_killed_worker_rings_nobody_twice_and_forgets_nobody() -> None:
    passed, said = prove_crash("B", leads=40, least_kills=1)
    print(said)
    assert passed, said
