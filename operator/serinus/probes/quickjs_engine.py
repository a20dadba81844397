"""The JavaScript engine: quickjs-ng, with limits of time, memory and stack. It hands nothing of Python to a script.

Endless scripts and regular expressions are interrupted by the engine; a few native loops are not, which is why answers
are scored in a process of their own that can be ended (`scoring.py`).
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import quickjs

from serinus.core.probe import Json
from serinus.probes.pure_script import is_pure
from serinus.probes.script import Graded, Script, ScriptFailed
from serinus.probes.shared_context import SharedContext

MEMORY_BYTES: Final = 16 * 1024 * 1024
SECONDS: Final = 1.0
_STACK_BYTES: Final = 512 * 1024
_MAX_JOBS: Final = 1000
_MAX_REASON: Final = 300

_PRELUDE: Final = """
(() => {
  const q = () => undefined;
  globalThis.console = { log: q, info: q, warn: q, error: q, debug: q };
  globalThis.__run = (make, raw) => {
    let kept;
    try {
      const input = JSON.parse(raw), made = make(input);
      if (input.output === undefined) return true;
      const found = made(input.output, input.context, undefined);
      if (!input.raw && (typeof found === "boolean" || typeof found === "number")) return found;
      kept = [found];
    } catch (e) { kept = [undefined, e]; }
    globalThis.__kept = kept;
    return null;
  };
})()
"""
"""Small on purpose: it is compiled for every call. What most scripts do not need is in _MODULE and _EXPLAIN."""

_INLINE: Final = """
(raw) => __run((i) => new Function("output", "context", "process", i.source), raw)
"""

_MODULE: Final = """
(() => {
  const load = (source, name) => {
    const module = { exports: {} };
    const require = () => { throw new Error("require is not available"); };
    new Function("module", "exports", "require", "process", source)(module, module.exports, require, undefined);
    const found = module.exports;
    const chosen = [name && found[name], found, found && found.default].find((f) => typeof f === "function");
    if (!chosen) throw new Error("the module must export a function");
    return chosen;
  };
  return (raw) => __run((i) => load(i.source, i.name), raw);
})()
"""

_EXPLAIN: Final = """
(() => {
  const { stringify } = JSON, text = String;
  const describe = (e) => {
    try { return text(e !== null && typeof e === "object" && "message" in e ? e.message : e); } catch { return "?"; }
  };
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
  const plain = (r) => {
    const found = r === undefined || r === null ? undefined : stringify(r);
    return found === undefined ? stringify(["error", "it must return a value"]) : stringify(["value", found]);
  };
  const failed = (e) => stringify(["error", describe(e)]);
  return (raw) => {
    const write = raw ? plain : encode;
    try {
      const kept = globalThis.__kept, found = kept[0];
      if (kept.length > 1) return failed(kept[1]);
      if (found === null || typeof found !== "object" || typeof found.then !== "function") return write(found);
      const settle = (encoded) => { globalThis.__late = encoded; };
      Promise.resolve(found).then((r) => settle(write(r)), (e) => settle(failed(e)));
      return "";
    } catch (e) { return failed(e); }
  };
})()
"""

_MATCH: Final = """
((raw) => {
  const [pattern, flags, subject] = JSON.parse(raw);
  let expression;
  try { expression = new RegExp(pattern, flags); } catch (e) { return String(e.message) || "?"; }
  return expression.test(subject);
})
"""


class QuickJs:
    """An engine on quickjs-ng. No answer changes another's score: a script has a fresh context, or changes nothing."""

    def __init__(self) -> None:
        self._match = _limited().eval(_MATCH)
        self._shared = SharedContext(_limited)
        self._checked: set[Script] = set()

    def check(self, script: Script) -> None:
        """Raise ScriptFailed unless the script compiles (a module: unless it loads and exports its function)."""
        if script in self._checked:
            return
        if not (_is_pure(script) and self._shared.compiles(script.source)):
            _run(_input(script))
        self._checked.add(script)

    def call(self, script: Script, output: Json, context: Mapping[str, Any]) -> float | Graded:
        """Call the script; raises ScriptFailed."""
        if _is_pure(script):
            found = _bounded(lambda: self._shared.call(script.source, output, context))
            if isinstance(found, bool | int | float):
                return found
        return _run({**_input(script), "output": output, "context": context})

    def transform(self, script: Script, output: Json, context: Mapping[str, Any]) -> Json:
        """What the script makes of an output; raises ScriptFailed, also when that is nothing."""
        request = {**_input(script), "output": output, "context": context, "raw": True}
        try:
            kind, text = json.loads(str(_explained(_begun(request)[0], raw=True)))
            if kind == "value":
                return json.loads(text)
        except (ValueError, TypeError) as e:
            raise ScriptFailed("the script tampered with its own result") from e
        raise ScriptFailed(_why(str(text)))

    def close(self) -> None:
        """Nothing runs between calls."""

    def check_pattern(self, pattern: str, flags: str = "") -> None:
        """Raise ScriptFailed unless this is a regular expression."""
        self.matches(pattern, "", flags)

    def matches(self, pattern: str, text: str, flags: str = "") -> bool:
        """Whether a regular expression is found anywhere in a text; raises ScriptFailed."""
        try:
            found = _bounded(lambda: self._match(json.dumps([pattern, flags, text])))
        except ScriptFailed:
            self._match = _limited().eval(_MATCH)
            raise
        if not isinstance(found, bool):
            raise ScriptFailed(f"invalid regular expression: {found}"[:_MAX_REASON])
        return found


def _limited() -> Any:
    engine = quickjs.Context()
    engine.set_memory_limit(MEMORY_BYTES)
    engine.set_time_limit(SECONDS)
    engine.set_max_stack_size(_STACK_BYTES)
    return engine


def _is_pure(script: Script) -> bool:
    return not script.module and is_pure(script.source)


def _input(script: Script) -> dict[str, Any]:
    if not script.module:
        return {"source": script.source, "module": False}
    return {"source": script.source, "module": True, "name": script.module.partition(":")[2]}


def _run(request: Mapping[str, Any]) -> float | Graded:
    engine, found = _begun(request)
    if isinstance(found, bool | int | float):
        return found
    try:
        return _result(json.loads(str(_explained(engine, raw=False))))
    except ValueError as e:
        raise ScriptFailed("the script tampered with its own result") from e


def _begun(request: Mapping[str, Any]) -> tuple[Any, Any]:
    """A fresh context and what a request gives in it: a value, or None where it has to be explained."""
    engine, raw = _limited(), json.dumps(request)
    engine.eval(_PRELUDE)
    run = engine.eval(_MODULE if request["module"] else _INLINE)
    return engine, _bounded(lambda: run(raw))


def _explained(engine: Any, *, raw: bool) -> Any:
    """The kept result of a script as JSON, after its promise is settled."""
    return _bounded(lambda: engine.eval(_EXPLAIN)(raw)) or _await(engine)


def _bounded(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (quickjs.JSException, quickjs.StackOverflow) as e:
        raise ScriptFailed(_why(str(e))) from e


def _await(engine: Any) -> Any:
    """Run the jobs of a promise until it is settled."""
    for _ in range(_MAX_JOBS):
        if not _bounded(engine.execute_pending_job):
            break
    found = engine.get("__late")
    if found is None:
        raise ScriptFailed("the promise that it returned was never settled")
    return found


def _why(message: str) -> str:
    first = message.splitlines()[0] if message else "the engine stopped it"
    if "interrupted" in first:
        return f"it took longer than {SECONDS:g} s"
    if "out of memory" in first or first == "null":
        return f"it used more than {MEMORY_BYTES // 2**20} MiB of memory"
    return first[:_MAX_REASON]


def _result(found: Any) -> float | Graded:
    match found:
        case ["boolean", bool(value)]:
            return value
        case ["number", str(value)]:
            return _number(value)
        case ["graded", bool(passed), str(score), str(reason)]:
            return Graded(passed=passed, score=_number(score), reason=reason[:_MAX_REASON])
        case [_, message]:
            raise ScriptFailed(_why(str(message)))
        case _:
            raise ScriptFailed("the script tampered with its own result")


def _number(text: str) -> float:
    return math.nan if text == "NaN" else float(text.replace("Infinity", "inf"))
