"""The work queue in virtual time: order, exclusion, backoff, pace; and its laws under random histories."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.shell.workqueue import Pacing, Priority, WorkQueue
from tests.engine.virtual import now, run_virtual
from tests.engine.waiting import running


class Work:
    """A handler that notes its runs; each takes `seconds`, and what it does then may be set for each key."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.runs: list[tuple[str, float]] = []
        self.active: Counter[str] = Counter()
        self.most = 0
        self.twice: list[str] = []
        self.then: dict[str, Callable[[], float | None]] = {}

    async def __call__(self, key: str) -> float | None:
        self.runs.append((key, now()))
        self.active[key] += 1
        if self.active[key] > 1:
            self.twice.append(key)
        self.most = max(self.most, self.active.total())
        try:
            await asyncio.sleep(self.seconds)
            return self.then.get(key, lambda: None)()
        finally:
            self.active[key] -= 1

    def order(self) -> list[str]:
        return [key for key, _ in self.runs]

    def times(self, key: str) -> list[float]:
        return [when for found, when in self.runs if found == key]


def virtually(workers: int, work: Work, story: Callable[[WorkQueue[str]], Awaitable[None]], **more: object) -> None:
    """Run a story beside a queue that works."""

    async def play() -> None:
        queue: WorkQueue[str] = WorkQueue(workers, jitter=lambda: 0.0, **more)  # type: ignore[arg-type]
        async with running(queue.run(work)):
            await story(queue)

    run_virtual(play())


def failing() -> float | None:
    raise RuntimeError("broken on purpose")


def test_key_that_is_added_twice_runs_once() -> None:
    work = Work()

    async def story(queue: WorkQueue[str]) -> None:
        queue.add("a")
        queue.add("a")
        await asyncio.sleep(10)

    virtually(2, work, story)
    assert work.order() == ["a"]


def test_change_during_a_run_makes_one_more_run_after_it_and_never_beside_it() -> None:
    work = Work(seconds=5)

    async def story(queue: WorkQueue[str]) -> None:
        queue.add("a")
        await asyncio.sleep(1)
        queue.add("a")
        queue.add("a")
        await asyncio.sleep(20)

    virtually(4, work, story)
    assert work.times("a") == [0, 5]
    assert work.twice == []


def test_person_s_change_goes_before_a_thousand_resyncs() -> None:
    work = Work(seconds=1)

    async def story(queue: WorkQueue[str]) -> None:
        for index in range(1000):
            queue.add(f"resync-{index}", Priority.RESYNC)
        await asyncio.sleep(3.5)
        queue.add("new")
        await asyncio.sleep(2)

    virtually(1, work, story)
    assert work.times("new")[0] - 3.5 <= 1.0


def test_waiting_resync_becomes_urgent_when_a_person_changes_it() -> None:
    work = Work(seconds=1)

    async def story(queue: WorkQueue[str]) -> None:
        for key in ("a", "b", "c"):
            queue.add(key, Priority.RESYNC)
        queue.add("c", Priority.USER)
        await asyncio.sleep(5)

    virtually(1, work, story)
    assert work.order() == ["c", "a", "b"]


def test_resyncs_do_not_starve_under_a_stream_of_changes() -> None:
    work = Work(seconds=1)

    async def story(queue: WorkQueue[str]) -> None:
        queue.add("resync", Priority.RESYNC)
        for index in range(50):
            queue.add(f"user-{index}")
        await asyncio.sleep(20)

    virtually(1, work, story)
    assert work.times("resync")[0] <= 8


def test_failures_back_off_exponentially_to_five_minutes_and_success_forgets_them() -> None:
    work = Work()
    work.then["a"] = failing

    async def story(queue: WorkQueue[str]) -> None:
        queue.add("a")
        await asyncio.sleep(2000)
        times = work.times("a")
        gaps = [round(later - earlier, 3) for earlier, later in pairwise(times)]
        assert gaps[:10] == [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256]
        assert set(gaps[10:]) == {300}
        work.then["a"] = lambda: None
        queue.add("a")
        await asyncio.sleep(1)
        assert queue.failures("a") == 0

    virtually(1, work, story)


@given(failures=st.integers(1, 1000), jitter=st.floats(0, 1, exclude_max=True))
def test_backoff_stays_between_half_of_and_its_bound(failures: int, jitter: float) -> None:
    pacing = Pacing()
    delay = pacing.backoff(failures, jitter)
    whole = min(pacing.longest, pacing.first * 2.0 ** min(failures - 1, 40))
    assert whole / 2 <= delay <= whole


def test_person_s_change_does_not_wait_for_the_backoff() -> None:
    work = Work()
    work.then["a"] = failing

    async def story(queue: WorkQueue[str]) -> None:
        queue.add("a")
        await asyncio.sleep(100)
        before = len(work.runs)
        queue.add("a")
        await asyncio.sleep(0.01)
        assert len(work.runs) == before + 1

    virtually(1, work, story)


def test_delay_that_the_server_asked_for_is_kept() -> None:
    class Throttled(Exception):
        retry_after = 42.0

    def throttled() -> float | None:
        raise Throttled

    work = Work()
    work.then["a"] = throttled

    async def story(queue: WorkQueue[str]) -> None:
        queue.add("a")
        await asyncio.sleep(50)

    virtually(1, work, story)
    assert work.times("a") == [0, 42]


def test_failing_key_does_not_hold_up_the_others() -> None:
    work = Work(seconds=0.1)
    work.then |= {f"bad-{index}": failing for index in range(4)}

    async def story(queue: WorkQueue[str]) -> None:
        for index in range(4):
            queue.add(f"bad-{index}")
        await asyncio.sleep(10)
        queue.add("good")
        await asyncio.sleep(0.5)

    virtually(1, work, story)
    assert work.times("good")[0] - 10 <= 0.5


def test_requeue_after_is_a_timer_and_no_waiting_worker() -> None:
    work = Work()
    work.then |= {f"bake-{index}": lambda: 300.0 for index in range(100)}

    async def story(queue: WorkQueue[str]) -> None:
        for index in range(100):
            queue.add(f"bake-{index}")
        await asyncio.sleep(1)
        assert (queue.depth(), queue.delayed(), queue.oldest_age()) == (0, 100, 0.0)
        queue.add("new")
        await asyncio.sleep(0.01)
        assert work.order()[-1] == "new"
        await asyncio.sleep(300)

    virtually(1, work, story)
    assert work.times("bake-7") == [0, 300]


def test_of_two_delays_the_sooner_one_counts() -> None:
    work = Work()

    async def story(queue: WorkQueue[str]) -> None:
        queue.add_after("a", 60)
        queue.add_after("a", 10)
        queue.add_after("a", 30)
        await asyncio.sleep(100)

    virtually(1, work, story)
    assert work.times("a") == [10]


def test_forgotten_key_runs_no_more_whatever_its_run_returns() -> None:
    work = Work(seconds=5)
    work.then["running"] = lambda: 1.0

    async def story(queue: WorkQueue[str]) -> None:
        queue.add("running")
        queue.add_after("timed", 10)
        await asyncio.sleep(1)
        queue.add("waiting")
        for key in ("running", "timed", "waiting", "unknown"):
            queue.forget(key)
        await asyncio.sleep(100)

    virtually(1, work, story)
    assert work.order() == ["running"]


def test_key_that_comes_back_while_its_forgotten_run_goes_on_runs_again() -> None:
    work = Work(seconds=5)
    work.then["a"] = lambda: 10.0

    async def story(queue: WorkQueue[str]) -> None:
        queue.add("a")
        await asyncio.sleep(1)
        queue.forget("a")
        queue.add("a")
        await asyncio.sleep(20)

    virtually(2, work, story)
    assert work.times("a") == [0, 5, 20]


def test_loop_of_its_own_making_is_held_to_a_pace() -> None:
    """The defect of kopf's handlers: 380 runs in 5 s."""
    queues: list[WorkQueue[str]] = []
    work = Work(seconds=0.001)

    def again() -> float | None:
        queues[0].add("a")
        return None

    work.then["a"] = again

    async def story(queue: WorkQueue[str]) -> None:
        queues.append(queue)
        queue.add("a")
        await asyncio.sleep(60)

    virtually(4, work, story, pacing=Pacing(burst=30, interval=1.0))
    assert 60 <= len(work.runs) <= 92


def test_age_of_the_oldest_counts_waiting_and_hanging_keys() -> None:
    work = Work(seconds=1000)

    async def story(queue: WorkQueue[str]) -> None:
        queue.add("hangs")
        await asyncio.sleep(100)
        queue.add("waits")
        await asyncio.sleep(50)
        assert (queue.depth(), queue.oldest_age()) == (1, 150)

    virtually(1, work, story)


def test_seconds_and_outcome_of_every_run_are_told() -> None:
    told: list[tuple[float, str]] = []
    work = Work(seconds=2)
    work.then["bad"] = failing

    async def story(queue: WorkQueue[str]) -> None:
        queue.add("good")
        queue.add("bad")
        await asyncio.sleep(2.1)

    virtually(2, work, story, on_run=lambda seconds, outcome: told.append((seconds, outcome)))
    assert sorted(told) == [(2.0, "error"), (2.0, "ok")]


def test_what_is_no_ordinary_exception_ends_the_queue() -> None:
    class Fatal(BaseException):
        pass

    async def handler(_key: str) -> float | None:
        raise Fatal

    async def play() -> None:
        queue: WorkQueue[str] = WorkQueue(1)
        queue.add("a")
        await queue.run(handler)

    with pytest.raises(BaseExceptionGroup, match="unhandled errors"):
        run_virtual(play())


KEYS = st.sampled_from("abcd")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), KEYS, st.sampled_from(Priority)),
        st.tuples(st.just("after"), KEYS, st.integers(0, 20)),
        st.tuples(st.just("fail"), KEYS, st.integers(1, 3)),
        st.tuples(st.just("wait"), KEYS, st.integers(1, 5)),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, workers=st.integers(1, 3), seconds=st.sampled_from([0.0, 0.5, 3.0]))
def test_laws_of_the_queue_hold_in_every_history(
    steps: list[tuple[str, str, int]], workers: int, seconds: float
) -> None:
    """Never the same key twice at once, never more than the workers, and whatever is added runs after it was added."""
    work = Work(seconds)
    last: dict[str, float] = {}
    failures: Counter[str] = Counter()

    def outcome(key: str) -> float | None:
        if failures[key] > 0:
            failures[key] -= 1
            raise RuntimeError("broken on purpose")
        return None

    work.then = {key: (lambda key=key: outcome(key)) for key in "abcd"}  # type: ignore[misc]

    async def story(queue: WorkQueue[str]) -> None:
        for verb, key, value in steps:
            match verb:
                case "add":
                    queue.add(key, Priority(value))
                    last[key] = now()
                case "after":
                    queue.add_after(key, value)
                    last[key] = now()
                case "fail":
                    failures[key] = value
                case _:
                    await asyncio.sleep(value)
        await asyncio.sleep(500)
        assert (queue.depth(), queue.delayed(), queue.oldest_age()) == (0, 0, 0.0)

    virtually(workers, work, story)
    assert work.twice == []
    assert work.most <= workers
    for key, when in last.items():
        assert work.times(key)[-1] >= when
