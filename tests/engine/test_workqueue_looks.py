"""The work queue in virtual time: which looks at a key are one."""

import asyncio

import pytest

from serinus.shell.workqueue import Priority, WorkQueue
from tests.engine.test_workqueue import Work, virtually


def test_echoes_of_a_run_share_one_look_and_a_person_waits_for_none() -> None:
    work = Work(seconds=1)

    async def story(queue: WorkQueue[str]) -> None:
        for key in ("echoed", "changed"):
            queue.add(key)
        await asyncio.sleep(0.5)
        queue.add("echoed", Priority.RESYNC)
        queue.add_after("echoed", 0.52)
        queue.add("changed", Priority.RESYNC)
        queue.add("changed", Priority.USER)
        await asyncio.sleep(20)

    virtually(2, work, story)
    assert (work.times("echoed"), work.times("changed")) == ([0, pytest.approx(1.02)], [0, 1])


def test_run_takes_the_place_of_the_looks_that_were_to_come() -> None:
    """What was to be seen then is seen now, and the run itself says when to look again."""
    work = Work()

    async def story(queue: WorkQueue[str]) -> None:
        work.then["a"] = lambda: 7.0 if len(work.runs) == 1 else None
        queue.add_after("a", 10)
        queue.add("a")
        await asyncio.sleep(20)

    virtually(1, work, story)
    assert work.times("a") == [0, 7]
