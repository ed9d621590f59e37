"""Scenes on both databases: a plan of a few rows, with contacts of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ntm_workflow.appendix.model import Plan
from ntm_workflow.runtime import Runtime
from tests import imap_server, smtp_sink
from tests.imap_server import Imap
from tests.scene import Scene, only
from tests.smtp_sink import Sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    with smtp_sink.running() as server:
        yield server


@pytest.fixture(scope="module")
def server() -> Iterator[Imap]:
    with imap_server.running() as found:
        yield found


@pytest.fixture
def imap(server: Imap) -> Imap:
    """The mailbox that answers come to, empty."""
    server.empty()
    return server


@pytest.fixture
def stage(
    make_runtime: Callable[..., Runtime], database_url: str, plan: Plan, sink: Sink
) -> Callable[..., Scene]:
    """Make a scene of a few rows: stage("III.1"). Mail goes to `sink`."""

    def make(*rows: str, **changes: object) -> Scene:
        changes.setdefault("mail_url", sink.url)
        return Scene(make_runtime(database_url, plan=only(plan, *rows), **changes))

    return make
