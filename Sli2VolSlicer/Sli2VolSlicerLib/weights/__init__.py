"""The catalogue of pretrained weights: find, fetch, verify, remove."""

from .catalogue import Catalogue, find_weights
from .entry import WeightsEntry, sha256_of
from .fetch import FetchCancelled, FetchError, RemoteFile, fetch_file, remove_file
from .locations import fetched_folder, shipped_folder

__all__ = [
    "Catalogue",
    "FetchCancelled",
    "FetchError",
    "RemoteFile",
    "WeightsEntry",
    "fetch_file",
    "fetched_folder",
    "find_weights",
    "remove_file",
    "sha256_of",
    "shipped_folder",
]
