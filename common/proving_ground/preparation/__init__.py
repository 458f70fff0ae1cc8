"""Data that can be trusted: streamed, filtered with reasons, drawn by stratum, reproduced to the byte."""

from proving_ground.preparation.declare import Filter, Generator, HubSource, Preparation, Row
from proving_ground.preparation.duplicates import content_id
from proving_ground.preparation.prepare import FILES, SPLITS, Prepared, prepare

__all__ = [
    "FILES",
    "SPLITS",
    "Filter",
    "Generator",
    "HubSource",
    "Preparation",
    "Prepared",
    "Row",
    "content_id",
    "prepare",
]
