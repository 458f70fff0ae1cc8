"""What the findings come to: policy, verdict, report, table and badge."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from proving_ground.errors import CannotRunError
from proving_ground.validation import LEVELS
from proving_ground.validation.checks import Finding

Decision: TypeAlias = Literal["pass", "warn", "fail", "error"]
EXIT_CODES: Mapping[Decision, int] = {"pass": 0, "warn": 0, "fail": 1, "error": 3}
COLOURS: Mapping[Decision, str] = {
    "pass": "#2e7d32",
    "warn": "#b26a00",
    "fail": "#c62828",
    "error": "#555555",
}
REPORT_SCHEMA_VERSION = "1"


@dataclass(frozen=True)
class Policy:
    """Severity of each check, and thresholds with the reason for each (``policy-v1.json``)."""

    version: str
    severities: Mapping[str, str]
    thresholds: Mapping[str, float]


@cache
def policy() -> Policy:
    """The policy that comes with the package."""
    read = json.loads(Path(__file__).with_name("policy-v1.json").read_text(encoding="utf-8"))
    thresholds = {name: float(value) for name, (value, _) in read["thresholds"].items()}
    return Policy(read["policy_version"], read["severities"], thresholds)


def decide(findings: Sequence[Finding], chosen: Policy) -> Decision:
    """``fail`` for a failed check of that severity, ``error`` for one that broke, ``warn``, or ``pass``."""
    failed = {chosen.severities[each.check_id] for each in findings if each.status == "fail"}
    if any(each.status == "error" for each in findings):
        return "error"
    return "fail" if "fail" in failed else "warn" if "warn" in failed else "pass"


def report(
    target: str, form: str, level: str, seed: int, findings: Sequence[Finding], *, timing: bool = True
) -> dict[str, Any]:
    """The report in RFC 008's schema. Without ``timing`` it is the same for the same code, rows and seed."""
    chosen = policy()
    results = []
    for each in findings:
        result = {
            "check_id": each.check_id,
            "status": each.status,
            "severity": chosen.severities[each.check_id],
            "measured": dict(each.measured),
            "evidence": [dict(piece) for piece in each.evidence],
            "remediation": each.remediation,
        }
        if timing and each.timing:
            result["timing"] = dict(each.timing)
        results.append(result)
    return {
        "report_schema_version": REPORT_SCHEMA_VERSION,
        "target": target,
        "policy_version": chosen.version,
        "lane": "local",
        "level": level,
        "seed": seed,
        "reward_form": form,
        "results": results,
        "verdict": decide(findings, chosen),
    }


def read_report(path: Path) -> dict[str, Any]:
    """The level of a committed report, and ``(status, measured)`` of its checks, for ``differences``."""
    try:
        read = json.loads(path.read_text("utf-8"))
        checks = {each["check_id"]: (each["status"], each["measured"]) for each in read["results"]}
        return {"level": LEVELS.index(read["level"]), "checks": checks}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotRunError(f"{path}: no verdict can be read there ({error})") from error


def differences(before: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Where a report differs from a committed one: in a status, or below the statistical level in a number.

    What a policy measures differs a little from machine to machine, so that of it the status alone counts.
    Checks of a level that only one of the two has are left out; any other check must be in both.
    """
    ran, committed = LEVELS[: 1 + min(before["level"], LEVELS.index(found["level"]))], before["checks"]
    now = {each["check_id"]: (each["status"], each["measured"]) for each in found["results"]}
    changed = []
    for name in [*now, *sorted(committed.keys() - now)]:
        place = name.partition(".")[0]
        if (place if place in LEVELS else "semantic") not in ran:  # checks of our own need no model
            continue
        if name not in committed or name not in now:
            changed.append(f"{name} is {'no longer checked' if name in committed else 'not in it'}")
        elif now[name][0] != committed[name][0]:
            changed.append(f"{name} was {committed[name][0]} and is {now[name][0]}")
        elif not name.startswith("statistical.") and now[name] != committed[name]:
            changed.append(f"{name} measured {committed[name][1]} and now {now[name][1]}")
    return changed


def summary_of(finding: Finding) -> str:
    """What was measured, in a few words."""
    words = []
    for name, value in finding.measured.items():
        if isinstance(value, Mapping):
            first = ", ".join(f"{key} {each}" for key, each in [*value.items()][:3])
            words += [f"{name}: {first}{' ...' * (len(value) > 3)}"] if value else []
        elif isinstance(value, list):
            if value:
                words.append(f"{name}: {', '.join(map(str, value[:4]))}")
        else:
            words.append(f"{name} {value}")
    return "; ".join(words)


def not_met(findings: Sequence[Finding]) -> list[str]:
    """The checks that broke or failed, advisory ones left out."""
    severities = policy().severities
    return [
        each.check_id
        for each in findings
        if each.status == "error" or (each.status == "fail" and severities[each.check_id] != "advisory")
    ]


def headline(decision: Decision, findings: Sequence[Finding]) -> str:
    """The verdict in one line: what failed by a check that counts, how many kinds of canary were paid, and
    how many checks could not be made."""
    failed, skipped = not_met(findings), sum(each.status == "skip" for each in findings)
    canary = next((each.measured for each in findings if each.check_id == "semantic.canary_floor"), {})
    said = [f"won: {len(canary['won'])} of {canary['canaries']} kinds of canary"] if "won" in canary else []
    said += [f"not met: {', '.join(failed)}"] if failed else []
    said += [f"skipped: {skipped} of {len(findings)} checks"] if skipped else []
    return "; ".join([decision.upper(), *said])


def show(target: str, decision: Decision, findings: Sequence[Finding], seconds: float) -> None:
    """For the person at the terminal (stderr): the verdict, the table, the evidence of what failed."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(stderr=True, highlight=False, emoji=False)
    line = f"prove: {target}: {headline(decision, findings)} ({seconds:.1f} s)"
    console.print(f"[bold {COLOURS[decision]}]{escape(line)}[/]", soft_wrap=True)
    table = Table(show_lines=False)
    table.add_column("check", no_wrap=True)
    table.add_column("status")
    table.add_column("measured", overflow="fold")
    chosen = policy()
    styles = {"pass": "green", "skip": "dim", "error": "magenta"}
    before: Mapping[str, Any] = {}
    for each in findings:
        severity = chosen.severities[each.check_id]
        said = severity if each.status == "fail" else each.status
        style = styles.get(each.status) or ("red" if severity == "fail" else "yellow")
        measured = "as above" if each.measured == before else escape(summary_of(each))
        table.add_row(each.check_id, f"[{style}]{said}[/]", measured)
        before = each.measured
    console.print(table)
    for each in findings:
        if each.status not in ("fail", "error"):
            continue
        console.print(f"\n[bold]{each.check_id}[/]: {escape(each.remediation)}", soft_wrap=True)
        for piece in each.evidence[: 1 if chosen.severities[each.check_id] == "advisory" else 3]:
            said = ", ".join(f"{name}: {value}" for name, value in piece.items() if name != "completion")
            console.print(f"  {escape(said)}", soft_wrap=True)
            if "completion" in piece:
                console.print(f"    {escape(repr(piece['completion'][:160]))}", soft_wrap=True)


def badge(decision: Decision) -> str:
    """A small picture of the verdict (SVG), for a README."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="94" height="20" role="img" '
        f'aria-label="prove: {decision}">'
        '<rect width="50" height="20" rx="3" fill="#444"/>'
        f'<rect x="46" width="48" height="20" rx="3" fill="{COLOURS[decision]}"/>'
        '<g fill="#fff" font-family="Verdana,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="24" y="14">prove</text><text x="70" y="14">{decision}</text></g></svg>\n'
    )
