"""The form of a builtin problem.

Tests are assertions on literals, as public sets write them. ``candidate`` is the function that the problem
asks for; a problem of topic ``stdio`` asks for a whole program, and ``run(stdin)`` is what that prints.
"""

import ast
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """A problem with its reference solution and the assertions that test it."""

    topic: str
    difficulty: str
    prompt: str
    solution: str
    tests: str

    def row(self, number: int) -> dict[str, str]:
        """The problem in the raw schema; ``entry_point`` is empty where a whole program is asked for."""
        functions = [node.name for node in ast.parse(self.solution).body if isinstance(node, ast.FunctionDef)]
        stdio = self.topic == "stdio"
        asserts = "".join(f"    {line}\n" for line in self.tests.strip().splitlines())
        return {
            "task_id": f"builtin/{number}",
            "prompt": self.prompt,
            "entry_point": "" if stdio else functions[-1],
            "canonical_solution": self.solution.strip() + "\n",
            "test": f"def check({'run' if stdio else 'candidate'}):\n{asserts}",
            "topic": self.topic,
            "difficulty": self.difficulty,
        }
