"""The five steps of an example. Each module has ``main(TASK, __doc__)``; ``run`` is what they share.

Importing this package imports none of them: a data preparation must not pay for a trainer.
"""
