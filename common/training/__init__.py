"""GRPO training: policy, configuration, trainer, event log, health checks and the proof of learning.

The only room that imports torch, transformers or trl. This file imports nothing, and `fields` only reads
TRL's source, so that a typing mistake in a configuration is answered before those slow imports.
"""
