"""Whether the answers of the serving revision get worse: a CUSUM over the answers of continuous runs. Pure arithmetic.

Source: Page's CUSUM on the log-likelihood ratio of "passes `good - margin`" against "passes `good`" (E. S. Page, 1954).
The mean number of answers between two false alarms is at least e^9, about 8,100, at the limit (G. Lorden, 1971); at
95 % against 90 % simulations see one in 1.6 % of 10,000 answers, and find the drop after about 400 of them.
"""

import math
from typing import Final

LIMIT: Final = 9.0
"""At this value the answers have got worse."""
MOST: Final = 2 * LIMIT
"""A value is not remembered beyond this, so that answers that are good again show within a few runs."""
USUAL_GOOD: Final = 0.95
BEST_GOOD: Final = 0.99


def good_rate(passed: int, failed: int, *, floor: float) -> float:
    """The pass rate that a revision is held to: what it showed in its gates less one standard error, or 95 %.

    Never under its floor, and never so near to 1 that one wrong answer would be an alarm.
    """
    answers = passed + failed
    if answers == 0:
        return max(USUAL_GOOD, floor) if floor < BEST_GOOD else BEST_GOOD
    rate = passed / answers
    return min(BEST_GOOD, max(floor, rate - math.sqrt(rate * (1 - rate) / answers)))


def advance(cusum: float, passed: int, failed: int, *, good: float, margin: float) -> float:
    """The CUSUM after one more run: up with each failed answer, down with each passed one, in [0, MOST].

    `good` is in (0, 1) and `margin`, the loss that matters, in (0, good); both are ratios.
    """
    bad = good - margin
    up, down = math.log((1 - bad) / (1 - good)), math.log(bad / good)
    return min(MOST, max(0.0, cusum + failed * up + passed * down))
