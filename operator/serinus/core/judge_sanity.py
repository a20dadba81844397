"""Answers of which nobody doubts what they are worth: a judge that is wrong about them is no judge. Data only."""

from typing import Final

from serinus.core.judge import Label

_COLOURS: Final = "The answer names exactly three colours."
_CAPITAL: Final = "The answer says that the capital of France is Paris."
_POLITE: Final = "The answer thanks the reader and says that the parcel was sent."
_NUMBER: Final = "The answer gives 42 as the result."

SANITY: Final = (
    Label(criterion=_COLOURS, answer="Red, green and blue.", good=True),
    Label(criterion=_COLOURS, answer="I like long walks in the mountains.", good=False),
    Label(criterion=_CAPITAL, answer="Paris is the capital of France.", good=True),
    Label(criterion=_CAPITAL, answer="The capital of France is Berlin.", good=False),
    Label(criterion=_POLITE, answer="Thank you for your patience: your parcel was sent this morning.", good=True),
    Label(criterion=_POLITE, answer="We do not sell parcels. Go away.", good=False),
    Label(criterion=_NUMBER, answer="Six times seven is 42.", good=True),
    Label(criterion=_NUMBER, answer="Six times seven is 17.", good=False),
)
"""Asked of every judge before a run: half of them good."""
ALLOWED_ERRORS: Final = 1
"""Of these answers; whoever says the same of all of them is wrong about four."""
