"""Metrics of calls, for Prometheus. Job processes write them, the worker's process serves them."""

from prometheus_client import Counter, Histogram

from .turn import Turn

_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 5.0)

_turns = Counter("earshot_turns", "Turns answered", ["interrupted"])
_tools = Counter("earshot_tool_calls", "Tools that ran", ["tool"])
_stages = Histogram(
    "earshot_turn_stage_seconds",
    "Stages of a turn; they overlap and do not add up",
    ["stage"],
    buckets=_BUCKETS,
)


def count_turn(turn: Turn) -> None:
    """Counts a turn that has been answered."""
    _turns.labels(interrupted=str(turn.interrupted).lower()).inc()
    for tool in turn.tools:
        _tools.labels(tool=tool.name).inc()
    for stage, value_ms in turn.to_dict()["latency_ms"].items():
        if value_ms is not None:
            _stages.labels(stage=stage).observe(value_ms / 1000)
