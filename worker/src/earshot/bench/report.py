"""Rows -> a Markdown table, JSON and a plot."""

from pathlib import Path

from .row import Row


def markdown(rows: list[Row]) -> str:
    """The rows as a table."""
    out = ["| stage | model | ours | stock | ratio | target |", "|---|---|---|---|---|---|"]
    for r in rows:
        stock = "" if r.stock_ms is None else f"{r.stock_ms:.1f} {r.unit}"
        ratio = "" if r.ratio is None else f"**{r.ratio:.2f}**"
        target = (
            "" if r.target is None else f"{r.target:g}" if r.ratio else f"{r.target:g} {r.unit}"
        )
        missed = " (missed)" if r.met is False else ""
        ours = f"{r.ours_ms:.1f} {r.unit}"
        out.append(f"| {r.stage} | {r.model} | {ours} | {stock} | {ratio}{missed} | {target} |")
    return "\n".join(out)


def plot(rows: list[Row], path: Path) -> None:
    """Ours beside stock: a pair of bars for each row that has a rival."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    pairs = [r for r in rows if r.stock_ms is not None and r.unit == "ms"]
    if not pairs:
        return
    figure, axis = plt.subplots(figsize=(9, 0.7 * len(pairs) + 1.2))
    for i, row in enumerate(pairs):
        assert row.stock_ms is not None and row.ratio is not None
        axis.barh(i - 0.2, row.stock_ms, 0.36, color="#b8bec8", label="stock" if i == 0 else None)
        axis.barh(i + 0.2, row.ours_ms, 0.36, color="#1f6feb", label="Earshot" if i == 0 else None)
        axis.text(row.stock_ms, i - 0.2, f" {row.stock_ms:.0f} ms", va="center", fontsize=8)
        axis.text(
            row.ours_ms, i + 0.2, f" {row.ours_ms:.0f} ms ({row.ratio:.2f}×)",
            va="center", fontsize=8,
        )  # fmt: skip
    axis.set_yticks(range(len(pairs)), [f"{r.stage}\n{r.model}" for r in pairs], fontsize=8)
    axis.invert_yaxis()
    axis.set_xscale("log")
    axis.set_xlabel("milliseconds (each line is ten times the one before), less is better")
    axis.grid(axis="x", alpha=0.3)
    axis.set_xlim(1, max(r.stock_ms or 0 for r in pairs) * 4)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncol=2, frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)
