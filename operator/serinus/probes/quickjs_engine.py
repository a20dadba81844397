"""The JavaScript engine: quickjs-ng, with limits of time, memory and stack. It hands nothing of Python to a script.

Endless scripts and regular expressions are interrupted by the engine; a few native loops are not, which is why answers
are scored in a process of their own that can be ended (`scoring.py`).
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import quickjs

from serinus.probes.script import Graded, Script, ScriptFailed

MEMORY_BYTES: Final = 16 * 1024 * 1024
SECONDS: Final = 1.0
_STACK_BYTES: Final = 512 * 1024
_MAX_JOBS: Final = 1000
_MAX_REASON: Final = 300

_PRELUDE: Final = """
(() => {
  const { parse, stringify } = JSON, text = String, describe = (e) => {
    try { return text(e !== null && typeof e === "object" && "message" in e ? e.message : e); } catch { return "?"; }
  };
  const quiet = () => undefined;
  globalThis.console = { log: quiet, info: quiet, warn: quiet, error: quiet, debug: quiet };
  const kinds = (value, kind) => value === undefined || typeof value === kind;
  const graded = (r) => typeof r === "object" && r !== null
    && typeof r.pass === "boolean" && typeof r.score === "number" && typeof r.reason === "string"
    && kinds(r.namedScores, "object") && kinds(r.namedScoreWeights, "object") && kinds(r.tokensUsed, "object")
    && (r.componentResults === undefined || Array.isArray(r.componentResults))
    && kinds(r.assertion, "object") && kinds(r.comment, "string");
  const encode = (r) => {
    if (typeof r === "boolean") return stringify(["boolean", r]);
    if (typeof r === "number") return stringify(["number", text(r)]);
    if (graded(r)) return stringify(["graded", r.pass, text(r.score), r.reason]);
    return stringify(["error", "it must return a boolean, a number or {pass, score, reason}; found " + typeof r]);
  };
  const failed = (e) => stringify(["error", describe(e)]);
  const require = () => { throw new Error("require is not available"); };
  const load = (source, name) => {
    const module = { exports: {} };
    new Function("module", "exports", "require", "process", source)(module, module.exports, require, undefined);
    const found = module.exports;
    const chosen = [name && found[name], found, found && found.default].find((f) => typeof f === "function");
    if (!chosen) throw new Error("the module must export a function");
    return chosen;
  };
  const make = (input) => input.module ? load(input.source, input.name)
    : new Function("output", "context", "process", input.source);
  globalThis.__check = (raw) => { try { make(parse(raw)); return ""; } catch (e) { return describe(e) || "?"; } };
  globalThis.__run = (raw) => {
    try {
      const input = parse(raw);
      const result = make(input)(input.output, input.context, undefined);
      if (result === null || typeof result !== "object" || typeof result.then !== "function") return encode(result);
      const settle = (encoded) => { globalThis.__late = encoded; };
      Promise.resolve(result).then((r) => settle(encode(r)), (e) => settle(failed(e)));
      return "";
    } catch (e) { return failed(e); }
  };
  globalThis.__match = (raw) => {
    const [pattern, flags, subject] = parse(raw);
    let expression;
    try { expression = new RegExp(pattern, flags); } catch (e) { return describe(e) || "?"; }
    return expression.test(subject);
  };
})()
"""


class QuickJs:
    """An engine on quickjs-ng. Every script has a fresh context, so that no answer can change how another is scored."""

    def __init__(self) -> None:
        self._patterns = _context()

    def check(self, script: Script) -> None:
        """Raise ScriptFailed unless the script compiles (a module: unless it loads and exports its function)."""
        problem = _bounded(_context(), "__check", json.dumps(_input(script)))
        if problem:
            raise ScriptFailed(str(problem)[:_MAX_REASON])

    def call(self, script: Script, output: str, context: Mapping[str, Any]) -> bool | float | Graded:
        """Call the script; raises ScriptFailed."""
        engine = _context()
        raw = _bounded(engine, "__run", json.dumps({**_input(script), "output": output, "context": context}))
        return _result(json.loads(str(raw or _await(engine))))

    def check_pattern(self, pattern: str, flags: str = "") -> None:
        """Raise ScriptFailed unless this is a regular expression."""
        self.matches(pattern, "", flags)

    def matches(self, pattern: str, text: str, flags: str = "") -> bool:
        """Whether a regular expression is found anywhere in a text; raises ScriptFailed."""
        try:
            found = _bounded(self._patterns, "__match", json.dumps([pattern, flags, text]))
        except ScriptFailed:
            self._patterns = _context()
            raise
        if not isinstance(found, bool):
            raise ScriptFailed(f"invalid regular expression: {found}"[:_MAX_REASON])
        return found


def _context() -> Any:
    engine = quickjs.Context()
    engine.set_memory_limit(MEMORY_BYTES)
    engine.set_time_limit(SECONDS)
    engine.set_max_stack_size(_STACK_BYTES)
    engine.eval(_PRELUDE)
    return engine


def _input(script: Script) -> dict[str, Any]:
    if not script.module:
        return {"source": script.source, "module": False}
    return {"source": script.source, "module": True, "name": script.module.partition(":")[2]}


def _bounded(engine: Any, function: str, argument: str) -> Any:
    try:
        return engine.get(function)(argument)
    except (quickjs.JSException, quickjs.StackOverflow) as e:
        raise ScriptFailed(_why(str(e))) from e


def _await(engine: Any) -> Any:
    """Run the jobs of a promise until it is settled."""
    try:
        for _ in range(_MAX_JOBS):
            if not engine.execute_pending_job():
                break
    except (quickjs.JSException, quickjs.StackOverflow) as e:
        raise ScriptFailed(_why(str(e))) from e
    found = engine.get("__late")
    if found is None:
        raise ScriptFailed("the promise that it returned was never settled")
    return found


def _why(message: str) -> str:
    first = message.splitlines()[0] if message else "the engine stopped it"
    if "interrupted" in first:
        return f"it took longer than {SECONDS:g} s"
    if "out of memory" in first or first == "null":
        return f"it used more than {MEMORY_BYTES // 2**20} MiB"
    return first[:_MAX_REASON]


def _result(found: list[Any]) -> bool | float | Graded:
    match found:
        case ["boolean", bool(value)]:
            return value
        case ["number", str(value)]:
            return _number(value)
        case ["graded", bool(passed), str(score), str(reason)]:
            return Graded(passed=passed, score=_number(score), reason=reason[:_MAX_REASON])
        case [_, message]:
            raise ScriptFailed(str(message)[:_MAX_REASON])
        case _:
            raise ScriptFailed("the script tampered with its own result")


def _number(text: str) -> float:
    return math.nan if text == "NaN" else float(text.replace("Infinity", "inf"))
