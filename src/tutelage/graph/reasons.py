"""Why two nodes are linked, in a few words."""

from collections.abc import Callable, Mapping, Sequence

from tutelage.graph.model import Facts


def reason(
    link_kind: str, weight: float, facts: Facts, source_label: str, target_label: str
) -> str:
    """Return why a link is there, for people; it begins small and ends without a full stop.

    Of a derived link `facts` hold ``count`` and ``strength``, see `tutelage.graph.derive`; of
    ``taught`` they are better those that `lesson` makes of the runs between its ends.

    >>> reason("authorship", 1.0, {"position": 2, "authors": 5}, "Quan Cui", "DKD")
    'author 2 of 5'
    >>> reason("related_context", 3.1, {"count": 214, "strength": 3.1}, "Logits", "Features")
    'both on 214 works; 3.1 times chance'
    >>> reason("co_authorship", 0.5, {"count": 2}, "Quan Cui", "Borui Zhao")
    '2 papers together'
    """
    return _REASONS[link_kind](weight, facts, source_label, target_label)


def lesson(runs: Sequence[Facts]) -> Facts:
    """Return the facts of a link ``taught``, of the facts of the runs between its two ends.

    These are ``count``, and of the run that ended with the greatest accuracy ``method``, ``data``
    and ``gain``: the student's accuracy less the teacher's, on the same split.
    """
    measured = [
        run
        for run in runs
        if isinstance(run.get("accuracy"), float) and isinstance(run.get("accuracy_teacher"), float)
    ]
    told = max(measured, key=lambda run: _number(run, "accuracy"), default=None)
    gain = {"gain": _number(told, "accuracy") - _number(told, "accuracy_teacher")} if told else {}
    best = told or (runs[0] if runs else {})
    named = {name: best[name] for name in ("method", "data") if name in best}
    return {"count": len(runs), **named, **gain}


def _authorship(weight: float, facts: Facts, source: str, target: str) -> str:
    if "position" not in facts:
        return "an author"
    of = f" of {facts['authors']}" if "authors" in facts else ""
    return f"author {facts['position']}{of}"


def _topic_signal(weight: float, facts: Facts, source: str, target: str) -> str:
    return "assigned by its source" if weight == 1 else f"assigned with a score of {weight:.2f}"


def _co_authorship(weight: float, facts: Facts, source: str, target: str) -> str:
    return f"{_counted(facts, 'paper')} together"


def _works_on(weight: float, facts: Facts, source: str, target: str) -> str:
    if facts.get("basis") == "profile":
        chosen = f" ({facts['chosen']})" if "chosen" in facts else ""
        return f"stated by the source{chosen}"
    return f"{_counted(facts, 'paper')} on it; {weight:.0%} of the researcher's topic signal"


def _related_context(weight: float, facts: Facts, source: str, target: str) -> str:
    return f"both on {_counted(facts, 'work')}; {_number(facts, 'strength'):.3g} times chance"


def _taught(weight: float, facts: Facts, source: str, target: str) -> str:
    if "method" not in facts:
        return f"through {_counted(facts, 'run')}"
    how = f"{facts['method']} on {facts['data']}" if "data" in facts else f"{facts['method']}"
    if "gain" in facts:
        how += f": {100 * _number(facts, 'gain'):+.1f} points over its teacher"
    return how if facts.get("count") == 1 else f"{how}; best of {_counted(facts, 'run')}"


def _said(text: str) -> Callable[[float, Facts, str, str], str]:
    return lambda weight, facts, source, target: text.format(source=source, target=target)


_REASONS: Mapping[str, Callable[[float, Facts, str, str], str]] = {
    "authorship": _authorship,
    "topic_signal": _topic_signal,
    "cites": _said("in its list of references"),
    "co_authorship": _co_authorship,
    "works_on": _works_on,
    "related_context": _related_context,
    "describes": _said("the paper that {target} implements"),
    "builds_on": _said("{source} changes or extends {target}"),
    "teaches": _said("the teacher of this run"),
    "uses": _said("taught by {target}"),
    "trains_on": _said("trained on {target}"),
    "produces": _said("the student after the last epoch"),
    "taught": _taught,
}


def _counted(facts: Facts, noun: str) -> str:
    count = int(_number(facts, "count"))
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _number(facts: Facts, name: str) -> float:
    value = facts.get(name, 0)
    return float(value) if isinstance(value, int | float) else 0.0
