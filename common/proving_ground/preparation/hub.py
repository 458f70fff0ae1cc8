"""The real dataset from the Hugging Face hub, at its pinned revision, streamed."""

import logging
from collections.abc import Iterator, Sequence

from proving_ground.errors import CannotRunError
from proving_ground.preparation.declare import HubSource, Row


def hub_rows(hub: HubSource, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of ``hub``, reduced to ``columns``, without storing the dataset.

    Raises ``CannotRunError`` when the hub is out of reach or lacks the dataset, revision or columns.
    """
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    # Its warnings about retries would stand beside the one line that says what is wrong.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        stream = load_dataset(hub.dataset, hub.config, split=hub.split, revision=hub.revision, streaming=True)
        names = stream.column_names or []
        if missing := [name for name in columns if name not in names]:
            raise CannotRunError(f"{hub.dataset}: no column {missing[0]!r} at revision {hub.revision}")
        yield from stream.select_columns(list(columns))
    except (OSError, ValueError, DatasetsError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CannotRunError(
            f"{hub.dataset} at {hub.revision[:12]} cannot be read from the hub ({reason});"
            " check the network, or give --source builtin or a local path"
        ) from error
