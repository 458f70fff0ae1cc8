"""A trained policy, a local Fireworks gateway in front of it, and a code sandbox, until Ctrl-C.

python -m proving_ground.services --policy outputs/math_example/train/policy
"""

import argparse
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from proving_ground.config import FireworksConfig
from proving_ground.errors import CannotRunError
from proving_ground.events import emit, say

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a polite kill, and a terminal that closes."""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Serve until Ctrl-C, and exit."""
    from proving_ground.services.loopback import run_command

    run_command(_serve, argv)


def _serve(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m proving_ground.services",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--policy", type=Path, required=True, metavar="DIR", help="the folder of a saved policy"
    )
    parser.add_argument(
        "--model", default=FireworksConfig().model, metavar="ID", help="model id that it answers to"
    )
    parser.add_argument("--device", default="cpu", help="where the policy runs (default cpu)")
    parser.add_argument("--port", type=int, default=8371, help="the gateway's port (default 8371; 0: any)")
    parser.add_argument("--journal", type=Path, default=Path("outputs/services/journal.jsonl"))
    parser.add_argument("--faults", type=Path, metavar="FILE", help="scripted faults, a JSON list")
    parser.add_argument("--example", default="math_example", help="the example that the printed command runs")
    options = parser.parse_args(argv)
    from proving_ground.services.servers import serve_code_sandbox, serve_gateway, serve_policy

    given = os.environ.get("FIREWORKS_API_KEY", "").strip()
    for number in STOPS:
        signal.signal(number, _stop)
    say(f"starting transformers serve on {options.policy} (some ten seconds) ...")
    with (
        serve_code_sandbox() as code_sandbox,
        serve_policy(options.policy, options.model, device=options.device) as upstream,
        serve_gateway(
            upstream,
            journal=options.journal,
            faults=options.faults,
            key=given or "local",
            port=options.port,
            model=options.model,
            evaluator_network=True,
        ) as gateway,
    ):
        variables = {**gateway.environment, **({"FIREWORKS_API_KEY": "$FIREWORKS_API_KEY"} if given else {})}
        prefix = " ".join(f"{name}={value}" for name, value in variables.items())
        script = f"examples/{options.example}/fireworks_regenerate.py"
        emit(
            "ready",
            url=gateway.url,
            upstream=upstream,
            code_sandbox=code_sandbox,
            journal=str(gateway.journal),
        )
        say(f"base_url: {gateway.url}")
        say(f"programs: --sandbox.backend api --sandbox.base_url {code_sandbox}")
        say(f'openai:   OpenAI(base_url="{gateway.url}/inference/v1", api_key=...)  # the key in "try it"')
        say(f"try it:   {prefix} python {script} --fireworks.base_url {gateway.url}")
        gateway.process.wait()
        raise CannotRunError("the gateway ended by itself; its own error stands above")


def _stop(*_: Any) -> NoReturn:
    """Stop once: a second signal, as an impatient parent sends it, must not end the stopping."""
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
