"""The Fireworks APIs: a client that retries within a deadline, chat completions, evaluator preview.

No module here falls back to a simulation: without a key, a server or a valid answer it raises.
"""
