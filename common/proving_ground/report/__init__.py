"""One static page of what the last runs left, outputs/report/index.html: ``python -m proving_ground.report``.

Made from each step's ``summary.json`` and each example's manifest. It needs no network and runs no script,
and it says what was not run: a page that shows only what passed would look the same when nothing was tried.
"""
