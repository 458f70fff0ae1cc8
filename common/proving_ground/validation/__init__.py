"""``prove``: is this reward learnable, and can it be gamed? For any reward function and any rows.

``inputs`` reads the reward and its rows, ``canaries`` makes completions that must and must not be rewarded,
``checks`` runs what needs no model, ``statistics`` what needs a policy, ``verdict`` says what it comes to.
Check ids, statuses and the report are those of OpenEnv's RFC 008.
"""

LEVELS = ("runtime", "semantic", "statistical")
"""Each takes in those before it."""
