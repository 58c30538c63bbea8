"""Features: computed once, the same from any crop, within their bound; and the way back from a full GPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.backend import Backend
from Sli2VolSlicerLib.engine.devices import Device, choose_device
from Sli2VolSlicerLib.engine.errors import DeviceError
from Sli2VolSlicerLib.engine.features import FeatureCache
from Sli2VolSlicerLib.engine.methods.correspondence import CorrespondenceCarrier
from Sli2VolSlicerLib.engine.network import DEFAULT_SETTINGS, PAPER_SETTINGS, CorrespondenceNetwork, NetworkSettings
from Sli2VolSlicerLib.engine.protocol import Reference, Region
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.engine.working_grid import WorkingGrid

CPU = Device("cpu", torch.float32)
WHOLE = Region(0, 140, 0, 131)
PART = Region(61, 80, 57, 70)


def stack() -> SliceStack:
    return SliceStack(np.random.default_rng(0).normal(size=(3, 140, 131)))


def backend(settings: NetworkSettings = DEFAULT_SETTINGS, device: Device = CPU) -> Backend:
    torch.manual_seed(0)
    return Backend(CorrespondenceNetwork(settings), device)


@pytest.mark.parametrize("settings", [DEFAULT_SETTINGS, PAPER_SETTINGS], ids=["ours", "paper"])
def test_a_crop_has_the_features_of_the_whole_slice(settings: NetworkSettings) -> None:
    network = backend(settings)
    whole = FeatureCache(stack(), network, 512).features(1, WHOLE)
    part = FeatureCache(stack(), network, 512).features(1, PART)
    np.testing.assert_allclose(part.numpy(), whole[..., 61:80, 57:70].numpy(), atol=2e-5)


def test_folding_the_normalisation_changes_nothing() -> None:
    torch.manual_seed(0)
    network = CorrespondenceNetwork(DEFAULT_SETTINGS).eval()
    slices = torch.rand((1, 1, 32, 32))
    with torch.no_grad():
        plain = network(slices)
    np.testing.assert_allclose(backend().features(slices).numpy(), plain.numpy(), atol=1e-4)


def test_a_slice_is_computed_once_and_again_only_for_more_of_it() -> None:
    cache = FeatureCache(stack(), backend(), 512)
    first = cache.features(1, PART)
    assert torch.equal(cache.features(1, PART.grown(4, (140, 131)))[..., 4:-4, 4:-4], first)
    assert cache.slices_computed == 1
    cache.features(1, WHOLE)
    assert cache.slices_computed == 2


def test_the_oldest_features_are_forgotten_beyond_the_bound() -> None:
    source = SliceStack(np.random.default_rng(0).normal(size=(12, 64, 64)))
    cache = FeatureCache(source, backend(), bound_mb=3.0)
    for index in range(12):
        cache.features(index, Region(0, 64, 0, 64))
    assert cache.megabytes <= 3.0
    cache.features(11, Region(0, 64, 0, 64))
    assert cache.slices_computed == 12


def test_a_slice_asked_for_more_of_is_not_the_one_forgotten() -> None:
    source = SliceStack(np.random.default_rng(0).normal(size=(8, 140, 131)))
    unbounded, little, more = FeatureCache(source, backend(), 512), PART, PART.grown(40, (140, 131))
    for index in range(8):
        unbounded.features(index, little)
    full = FeatureCache(source, backend(), bound_mb=unbounded.megabytes)
    for index in range(8):
        full.features(index, little)
    assert full.features(0, more).shape[-2:] == more.shape
    assert full.megabytes <= unbounded.megabytes


def test_a_slice_larger_than_all_that_is_kept_is_served_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("Sli2VolSlicerLib.engine.working_grid._KEPT_MB", 0.01)
    grid = WorkingGrid(stack(), 0.5)
    assert grid.intensity(0).shape == grid.intensity(1).shape == grid.shape


class FullGpu(Backend):
    """A backend that says it is on a GPU, and whose GPU has no memory left."""

    def features(self, slices: torch.Tensor) -> torch.Tensor:
        if self.device.kind != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().features(slices)

    def _move(self) -> None:
        if self.device.kind == "cpu":
            super()._move()


def test_a_full_gpu_gives_way_to_the_cpu_and_says_so() -> None:
    torch.manual_seed(0)
    full = FullGpu(CorrespondenceNetwork(DEFAULT_SETTINGS), Device("cuda", torch.float32))
    soft = np.zeros((1, 140, 131), np.float32)
    soft[0, 60:80, 55:75] = 1
    carried = CorrespondenceCarrier(stack(), full, 512).carry([Reference(0, soft)], 1, PART)
    assert carried.shape == (1, 19, 13)
    assert full.device.kind == "cpu"
    assert full.notes == ("The device cuda ran out of memory; went on on the CPU.",)


def test_another_error_on_the_gpu_is_not_swallowed() -> None:
    class Broken(FullGpu):
        def features(self, slices: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("device-side assert")

    broken = Broken(CorrespondenceNetwork(DEFAULT_SETTINGS), Device("cuda", torch.float32))
    with pytest.raises(RuntimeError, match="device-side assert"):
        CorrespondenceCarrier(stack(), broken, 512).carry([Reference(0, np.ones((1, 140, 131)))], 1, PART)


def test_an_unknown_device_is_refused_and_auto_finds_one() -> None:
    with pytest.raises(DeviceError, match="'tpu'"):
        choose_device("tpu")
    assert choose_device("auto").kind in ("cpu", "cuda", "mps")


@pytest.mark.parametrize(
    "precision, is_wanted, expected",
    [
        (torch.bfloat16, True, torch.bfloat16),
        (torch.bfloat16, False, torch.float32),
        (torch.float32, True, torch.float32),
    ],
)
def test_bfloat16_is_computed_in_only_where_the_device_has_it(
    precision: torch.dtype, is_wanted: bool, expected: torch.dtype
) -> None:
    with Device("cpu", precision).autocast(is_wanted=is_wanted):
        assert torch.nn.functional.linear(torch.ones(1, 2), torch.ones(1, 2)).dtype == expected


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 60), st.integers(1, 60))
def test_a_snapped_region_holds_the_region_and_ends_at_multiples_or_the_border(
    row: int, rows: int, column: int, columns: int
) -> None:
    region = Region(row, row + rows, column, column + columns)
    snapped = region.snapped(32, (120, 125))
    assert snapped.contains(region)
    assert snapped.row_start % 32 == 0 and (snapped.row_stop % 32 == 0 or snapped.row_stop == 120)
    assert snapped.column_start % 32 == 0 and (snapped.column_stop % 32 == 0 or snapped.column_stop == 125)
