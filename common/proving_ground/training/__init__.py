"""GRPO with TRL: the embedded policy, callbacks, health checks, checkpoints and the proof of learning.

The only package that imports torch, transformers or trl. Import its modules; this file exports nothing.
"""
