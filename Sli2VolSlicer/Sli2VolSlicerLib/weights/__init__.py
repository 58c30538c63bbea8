"""The catalogue of pretrained weights: find, fetch, verify, remove."""

from .catalogue import Catalogue, find_weights
from .entry import WeightsEntry, sha256_of
from .errand import Errand, ErrandReport
from .fetch import fetch_file, remove_file, take_file
from .locations import fetched_folder, shipped_folder
from .own_file import OwnFile, describe_own_file
from .remote import FetchCancelled, FetchError, FetchProgress, IsCancelled, RemoteFile
from .source import address_of
from .states import WeightsState, Whereabouts, state_of, states_read_anew

__all__ = [
    "Catalogue",
    "Errand",
    "ErrandReport",
    "FetchCancelled",
    "FetchError",
    "FetchProgress",
    "IsCancelled",
    "OwnFile",
    "RemoteFile",
    "WeightsEntry",
    "WeightsState",
    "Whereabouts",
    "address_of",
    "describe_own_file",
    "fetch_file",
    "fetched_folder",
    "find_weights",
    "remove_file",
    "sha256_of",
    "shipped_folder",
    "state_of",
    "states_read_anew",
    "take_file",
]
