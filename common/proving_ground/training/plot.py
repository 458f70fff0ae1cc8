"""The training curve: what a run looked like, in one picture."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proving_ground.training.proof import Proof

BLUE, ORANGE, GREY = "#2a6f97", "#d9822b", "#8d99ae"
PART_COLORS = (ORANGE, GREY, "#6a994e", "#9b5de5")


def draw_curve(path: Path, history: Sequence[Mapping[str, Any]], title: str, proof: Proof | None) -> None:
    """Draw the logged steps (``trainer.state.log_history``) into ``path``: reward with the spread inside
    groups, each of several rewards, pass@1 before and after, entropy and KL per token, completion length.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    steps = [entry for entry in history if "loss" in entry]
    figure, axes = pyplot.subplots(2, 2, figsize=(10, 6.5), layout="constrained")
    try:
        figure.suptitle(title)
        _reward(axes[0][0], steps)
        _accuracy(axes[0][1], proof)
        per_token = {"entropy": "entropy", "kl": "KL to the reference model"}
        _per_step(axes[1][0], steps, "Per token, in nats", per_token)
        length = {"completions/mean_length": "mean", "completions/max_length": "longest"}
        _per_step(axes[1][1], steps, "Completion length, in tokens", length)
        for axis in (axes[0][0], axes[1][0], axes[1][1]):
            axis.set_xlabel("optimizer step")
            axis.grid(alpha=0.3)
        figure.savefig(path, dpi=110)
    finally:
        pyplot.close(figure)


def _line(axis: Any, steps: Sequence[Mapping[str, Any]], key: str, color: str, label: str) -> None:
    points = [(entry["step"], entry[key]) for entry in steps if entry.get(key) is not None]
    if points:
        marker = "o" if len(points) < 3 else None
        axis.plot(*zip(*points, strict=True), color=color, label=label, marker=marker)


def _reward(axis: Any, steps: Sequence[Mapping[str, Any]]) -> None:
    _line(axis, steps, "reward", BLUE, "mean")
    # TRL logs None for the spread of a single completion that was scored.
    points = [entry for entry in steps if None not in (entry.get("reward"), entry.get("reward_std"))]
    axis.fill_between(
        [entry["step"] for entry in points],
        [max(0.0, entry["reward"] - entry["reward_std"]) for entry in points],
        [min(1.0, entry["reward"] + entry["reward_std"]) for entry in points],
        color=BLUE,
        alpha=0.18,
        label="± standard deviation",
    )
    for index, name in enumerate(several_rewards(steps)):
        _line(axis, steps, f"rewards/{name}/mean", PART_COLORS[index % len(PART_COLORS)], name)
    axis.set(title="Reward of training completions", ylim=(-0.03, 1.03))
    axis.legend(loc="lower right")


def several_rewards(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the reward functions that TRL logged; none where a single one is the reward."""
    names = {
        key.split("/")[1]: None for entry in steps for key in entry if re.fullmatch("rewards/.*/mean", key)
    }
    return [*names] if len(names) > 1 else []


def _accuracy(axis: Any, proof: Proof | None) -> None:
    axis.set(title="pass@1 on held-out prompts", ylim=(0, 1.1))
    if proof is None:
        axis.text(0.5, 0.55, "not measured", ha="center", color=GREY)
        axis.set_xticks([])
        return
    bars = axis.bar(["before", "after"], [proof.before, proof.after], color=[GREY, BLUE], width=0.55)
    axis.bar_label(bars, fmt="%.3f", padding=3)
    axis.set_xlabel(
        f"improvement {proof.improvement:+.3f} on {proof.prompts} prompts,\n"
        f"{proof.confidence:.0%} interval [{proof.low:+.3f}, {proof.high:+.3f}]"
    )


def _per_step(axis: Any, steps: Sequence[Mapping[str, Any]], title: str, lines: Mapping[str, str]) -> None:
    for (key, label), color in zip(lines.items(), (BLUE, ORANGE), strict=True):
        _line(axis, steps, key, color, label)
    axis.set(title=title)
    axis.set_ylim(bottom=0)
    axis.legend(loc="best")
