"""A volume for the demo: one given, else a real one at hand, else Slicer's sample, else one made up."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from Sli2VolSlicerLib.commands.progress_bar import byte_bar
from Sli2VolSlicerLib.engine.annotation import painted_slices
from Sli2VolSlicerLib.engine.errors import AnnotationError
from Sli2VolSlicerLib.files.volume_files import Grid, VolumeFile, read_label_map, read_volume
from Sli2VolSlicerLib.weights import FetchError, RemoteFile, fetch_file, fetched_folder

# "CTChest" of Slicer's own Sample Data module, where the address and the SHA-256 are from.
SAMPLE_SHA256 = "4507b664690840abb6cb9af2d919377ffc4ef75b167cb6fd0f747befdb12e38e"
SAMPLE = RemoteFile(
    f"https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/{SAMPLE_SHA256}",
    "CT-chest.nrrd",
    None,
    SAMPLE_SHA256,
)
AIR_BELOW_HU = -500

# Volumes with a licence under which pictures of them may be shown, the nicest first.
PREFERRED = (
    ("eval/stsGTV_MR_T1_014", 1, "soft tissue sarcoma, T1 MR (Soft-tissue-Sarcoma, TCIA, CC BY 3.0)"),
    ("eval/spleenCT_8", 1, "spleen, CT (Medical Segmentation Decathlon, CC BY-SA 4.0)"),
)


@dataclass(frozen=True, eq=False)
class DemoVolume:
    """What the demo works on.

    Attributes:
        words: where it is from and what is drawn.
        image: the volume.
        painted: bool, (k, j, i): one slice drawn along `axis`.
        axis: numpy axis.
        truth: bool, (k, j, i), or None when it is not known.
    """

    words: str
    image: VolumeFile
    painted: np.ndarray
    axis: int
    truth: np.ndarray | None


def find_volume(image: Path | None, annotation: Path | None, label: int | None, is_offline: bool) -> DemoVolume:
    """The volume given, or else the best there is; says on stderr what it looked for.

    Raises:
        Sli2VolError: what was given cannot be used.
    """
    if image is not None:
        return given_volume(image, annotation, label)
    named = os.environ.get("SLI2VOL_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    for name, number, words in PREFERRED:
        path = folder / f"{name}_img.nii.gz"
        if path.is_file():
            return with_truth(read_volume(path), folder / f"{name}_label.nii.gz", number, words)
    if is_offline:
        return synthetic_volume("there is no real volume at hand, and fetching was not wanted.")
    try:
        print("Fetching Slicer's sample volume CTChest ...", file=sys.stderr)
        with byte_bar(True) as progress:
            path = fetch_file(SAMPLE, fetched_folder().parent / "samples", progress=progress)
    except FetchError as error:
        return synthetic_volume(f"the sample volume could not be fetched. {error}")
    return sample_volume(path)


def given_volume(path: Path, annotation: Path | None, label: int | None) -> DemoVolume:
    """The user's volume; without an annotation a bright compact thing in the middle is drawn."""
    image = read_volume(path)
    if annotation is not None:
        return with_truth(image, annotation, label, f"{path.name} with {annotation.name}")
    middle = image.array.shape[0] // 2
    pixels = ndimage.gaussian_filter(image.array[middle].astype(np.float32), 1)
    seed = _compact_component(pixels > np.percentile(pixels, 85))
    return DemoVolume(
        f"{path.name}; drawn: a bright region of slice {middle}", image, _on(image, middle, seed), 0, None
    )


def with_truth(image: VolumeFile, annotation: Path, label: int | None, words: str) -> DemoVolume:
    """A label drawn on one slice is taken as it is; of a whole structure the largest slice is drawn."""
    labels = read_label_map(annotation, image.grid).array
    if label is None:
        counts = np.bincount(labels[labels > 0].ravel(), minlength=2)
        label = int(counts.argmax())
    whole = labels == label
    if not whole.any():
        msg = f"{annotation} holds no label {label}."
        raise AnnotationError(msg)
    counts_along = [painted_slices(whole, axis).size for axis in range(3)]
    if min(counts_along) == 1:
        return DemoVolume(words, image, whole, int(np.argmin(counts_along)), None)
    largest = int(whole.sum(axis=(1, 2)).argmax())
    return DemoVolume(words, image, _on(image, largest, whole[largest]), 0, whole)


def sample_volume(path: Path) -> DemoVolume:
    """Slicer's CTChest with a lung drawn by thresholding."""
    image = read_volume(path)
    middle = image.array.shape[0] // 2
    lung = _compact_component(image.array[middle] < AIR_BELOW_HU)
    words = f"Slicer's sample volume CTChest; drawn: a lung on slice {middle}, by thresholding at {AIR_BELOW_HU} HU"
    return DemoVolume(words, image, _on(image, middle, lung), 0, None)


def synthetic_volume(why: str) -> DemoVolume:
    """A bent, tapering thing in textured surroundings; proves that it runs, not that it is good."""
    print(f"A synthetic volume is used: {why}", file=sys.stderr)
    generator = np.random.default_rng(7)
    shape = (48, 112, 128)
    k, j, i = np.mgrid[: shape[0], : shape[1], : shape[2]].astype(np.float32)
    height = (k - 24) / 18
    inside = ((j - 56 - 8 * height**2) / 24) ** 2 + ((i - 60 - 10 * height) / 30) ** 2 + height**2 < 1
    texture = sum(ndimage.gaussian_filter(generator.normal(size=shape), s) * s**1.5 for s in (1.0, 2.0, 4.0))
    body = ((j - 56) / 50) ** 2 + ((i - 64) / 58) ** 2 < 1
    voxels = np.where(inside, 110, np.where(body, 40, -900)) + 12 * texture
    grid = Grid(shape[::-1], (1.5, 1.5, 3.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    image = VolumeFile(Path("synthetic"), voxels.astype(np.int16), grid, {})
    return DemoVolume(
        "a SYNTHETIC volume (it proves that this runs, not that it is good)",
        image,
        _on(image, 24, inside[24]),
        0,
        inside,
    )


def _on(image: VolumeFile, index: int, mask: np.ndarray) -> np.ndarray:
    painted = np.zeros(image.array.shape, dtype=bool)
    painted[index] = mask
    return painted


def _compact_component(mask: np.ndarray) -> np.ndarray:
    """The largest component (2D) that does not touch the border; the largest at all if every one does."""
    opened = ndimage.binary_opening(mask, iterations=2)
    components, count = ndimage.label(opened)
    if count == 0:
        msg = "Nothing could be drawn on the middle slice by thresholding; give an annotation."
        raise AnnotationError(msg)
    areas = np.bincount(components.ravel())
    areas[0] = 0
    border = np.concatenate([components[0], components[-1], components[:, 0], components[:, -1]])
    inner = areas.copy()
    inner[np.unique(border)] = 0
    chosen = int((inner if inner.any() else areas).argmax())
    return ndimage.binary_fill_holes(components == chosen)
