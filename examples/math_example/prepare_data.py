"""Step 0: GSM8K rows become dataset.jsonl, held_out.jsonl and warm_start.jsonl.

Proves that every row is accounted for (kept, or dropped by a named filter), that the kept ones cover
what the task declares, and that preparing again gives the same bytes (--check compares them with the
committed dataset.manifest.json and writes nothing).

    python examples/math_example/prepare_data.py
    python examples/math_example/prepare_data.py --check
    python examples/math_example/prepare_data.py --source hub
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("prepare", __file__, __doc__)
