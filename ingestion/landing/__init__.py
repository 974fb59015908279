"""The landing engine: one append-only load package per source and resource."""

from ingestion.landing.engine import REFERENCE, land, land_all
from ingestion.landing.results import LandOptions, ResourceResult, SourceResult

__all__ = ["REFERENCE", "LandOptions", "ResourceResult", "SourceResult", "land", "land_all"]
