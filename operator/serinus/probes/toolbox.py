"""The tools that assertions work with, put together: engines of scripts, checks of texts. It scores nothing."""

from serinus.probes.python_runner import NoPython, PythonRunner
from serinus.probes.quickjs_engine import QuickJs
from serinus.probes.script import Tools
from serinus.probes.text_checks import TEXT_CHECKS


def make_tools(*, python: bool = True) -> Tools:
    """Tools for one process; without `python` every Python script is refused."""
    return Tools(engine=QuickJs(), python=PythonRunner() if python else NoPython(), texts=TEXT_CHECKS)
