"""What judges, embeddings and rules say together: no score, set aside, decided already, sets, metrics."""

from collections.abc import Sequence
from typing import Any

import pytest

from serinus.core.probe import Assertion, Probe
from serinus.probes.exchange import encode
from serinus.probes.outcome import Ask, NoScore, Outcome
from serinus.probes.ports import Inquiry, NoVerdict, Ruling
from serinus.probes.settle import Opinions, Score, settle

YES, NO = Outcome(passed=True, score=1.0), Outcome(passed=False, score=0.0, reason="no")
ASK = Ask(criteria=("is it blue?",), text="It is.")
RULE = Assertion(type="contains", value="x")
RUBRIC = Assertion(type="llm-rubric", value="is it blue?")


class Says:
    """A judge with one ruling, or none; it counts what it is asked."""

    def __init__(self, ruling: Ruling | NoVerdict) -> None:
        self.asked: list[Inquiry] = []
        self._ruling = ruling

    async def rule(self, inquiry: Inquiry) -> Ruling:
        """Rule."""
        self.asked.append(inquiry)
        if isinstance(self._ruling, NoVerdict):
            raise self._ruling
        return self._ruling

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Vectors of different lengths."""
        return [[1.0] * (i + 1) for i, _ in enumerate(texts)]


PASS, FAIL = Ruling(passed=True, score=1.0), Ruling(passed=False, score=0.0, reason="it is red")
SILENT, RULES = NoVerdict("it talked"), NoVerdict("it speaks to the judge", by_rules=True)


async def settled(
    assertions: tuple[Assertion, ...], found: list[Outcome | Ask | NoScore], says: Says, **fields: Any
) -> Score:
    graded = bool(fields.pop("graded", False))
    probe = Probe(id="p", prompt="q", assertions=assertions, **fields)
    flat = [c for a in assertions for c in (a.children or (a,))]
    opinions = Opinions(judge=says, embeddings=says, graded=graded)
    return await settle(probe, "q", [encode(f) for f in found], [a.metric for a in flat], opinions)


@pytest.mark.parametrize(
    ("rule", "ruling", "threshold", "passed", "asked"),
    [
        (YES, PASS, None, True, 1),
        (YES, FAIL, None, False, 1),
        (YES, SILENT, None, None, 1),
        (YES, RULES, None, True, 1),
        (NO, PASS, None, False, 0),
        (NO, SILENT, None, False, 0),
        (NO, PASS, 0.5, True, 1),
        (NO, SILENT, 0.5, None, 1),
        (NO, RULES, 0.5, False, 1),
    ],
)
async def test_judge_is_asked_only_where_no_rule_has_decided_and_its_silence_is_no_score(
    rule: Outcome, ruling: Ruling | NoVerdict, threshold: float | None, passed: bool | None, asked: int
) -> None:
    says = Says(ruling)
    score = await settled((RULE, RUBRIC), [rule, ASK], says, threshold=threshold)
    assert (score.passed, len(says.asked)) == (passed, asked)
    assert bool(score.reason) is (passed is not True)


async def test_scores_that_count_ask_the_judge_even_where_a_rule_has_failed() -> None:
    says = Says(PASS)
    score = await settled((RULE, RUBRIC), [NO, ASK], says, graded=True)
    assert (score.passed, score.score, len(says.asked)) == (False, 0.5, 1)


async def test_answer_that_speaks_to_the_judge_has_no_score_where_no_rule_remains() -> None:
    score = await settled((RUBRIC,), [ASK], Says(RULES))
    assert score.passed is None
    assert "speaks to the judge" in score.reason


async def test_judge_hears_the_question_and_the_answer_and_never_a_threshold() -> None:
    says = Says(PASS)
    await settled((RUBRIC,), [ASK], says)
    (inquiry,) = says.asked
    assert (inquiry.criterion, inquiry.question, inquiry.answer) == ("is it blue?", "q", "It is.")


async def test_what_a_server_does_not_tell_is_no_score_and_of_weight_zero_nothing() -> None:
    cost = Assertion(type="cost", threshold=1.0)
    assert (await settled((RULE, cost), [YES, NoScore("unknown")], Says(PASS))).passed is None
    free = Assertion(type="cost", threshold=1.0, weight=0.0)
    assert (await settled((RULE, free), [YES, NoScore("unknown")], Says(PASS))).passed is True


@pytest.mark.parametrize(("threshold", "passed"), [(None, False), (0.5, True), (0.6, False)])
async def test_set_is_joined_as_a_test_is(threshold: float | None, passed: bool) -> None:
    children = (RULE, RUBRIC)
    group = Assertion(type="assert-set", children=children, threshold=threshold)
    score = await settled((group,), [YES, ASK], Says(FAIL))
    assert score.passed is passed
    assert [a["type"] for a in score.assertions] == ["assert-set"]


async def test_rule_in_a_set_that_forgives_does_not_keep_the_judge_from_being_asked() -> None:
    group = Assertion(type="assert-set", children=(RULE, RUBRIC), threshold=0.5)
    says = Says(PASS)
    assert (await settled((group,), [NO, ASK], says)).passed is True
    assert len(says.asked) == 1


async def test_metrics_are_weighted_means_under_their_names() -> None:
    named = (Assertion(type="contains", metric="m", weight=3.0), Assertion(type="contains", metric="m"), RULE)
    score = await settled(named, [YES, NO, YES], Says(PASS), threshold=0.1)
    assert score.metrics == {"m": 0.75}


async def test_missing_helpers_and_vectors_that_differ_in_length_are_no_score() -> None:
    similar = Assertion(type="similar", value="x")
    assert (await settled((similar,), [ASK], Says(PASS))).passed is None
    probe = Probe(id="p", prompt="q", assertions=(RUBRIC, similar))
    score = await settle(probe, "q", [encode(ASK), encode(ASK)], ["", ""], Opinions())
    assert score.passed is None
    assert "no judge" in score.reason
