"""Data that can be trusted: streamed, filtered with reasons, covered by quota, reproduced to the byte."""

from proving_ground.preparation.declare import Column, Coverage, Filter, HubSource, Preparation, Row
from proving_ground.preparation.prepare import FILES, MANIFEST, Prepared, Wanted, prepare
from proving_ground.preparation.text import content_id

__all__ = [
    "FILES",
    "MANIFEST",
    "Column",
    "Coverage",
    "Filter",
    "HubSource",
    "Preparation",
    "Prepared",
    "Row",
    "Wanted",
    "content_id",
    "prepare",
]
