"""Servers for this machine: a trained policy behind ``transformers serve``, and in front of it a gateway that
speaks the Fireworks APIs, so that every Fireworks script runs unchanged against ``--fireworks.base_url``.

Needs the extras ``services`` and ``sandbox``'s bubblewrap; serving a policy needs ``serve``, too.
"""
