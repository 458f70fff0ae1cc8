"""Step 0: rows in BFCL's shape become dataset.jsonl, held_out.jsonl and warm_start.jsonl.

Proves that every row is accounted for, that each kept call is one that its own tool would take (its
arguments are valid under the tool's JSON Schema), that the kept rows cover kinds of call, argument types
and domains, and that preparing again gives the same bytes (--check).

    python examples/function_calling_example/prepare_data.py
    python examples/function_calling_example/prepare_data.py --check
    python examples/function_calling_example/prepare_data.py --source rows.jsonl --output-dir outputs/prepared
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("prepare", __file__, __doc__)
