"""The list of weights under the stand-in for Slicer: real widgets, real clicks, a server on this computer."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel.made_up_dialogs import MadeUpDialogs, MadeUpStore
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from weights.loopback import Loopback, serving

from Sli2VolSlicerLib.weights import Catalogue, WeightsEntry

LONG_S = 20.0
CONTENT = np.random.default_rng(1).bytes(1_500_000)
ENTRY = WeightsEntry(
    name="made-up",
    version="1",
    method="sli2vol",
    file="made-up.safetensors",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    bytes=len(CONTENT),
    url="",
    licence="Apache-2.0",
    card="made-up.md",
)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serving(CONTENT) as loopback:
        yield loopback


@dataclass
class WeightsList:
    """A section, and everything around it."""

    section: Any
    catalogue: Catalogue
    dialogs: MadeUpDialogs
    store: MadeUpStore
    server: Loopback
    desktop: Any
    own_files: list[Any] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)

    @property
    def row(self) -> list[str]:
        return [self.section.view.table.item(0, column).text() for column in range(3)]

    @property
    def message(self) -> str:
        return str(self.section.view.message.text)

    def click(self, button: Any) -> None:
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def fetch(self) -> None:
        self.click(self.section.view.fetch_button)

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + LONG_S
        while not is_so():
            assert time.monotonic() < end
            self.desktop.app.processEvents()

    def wait(self) -> None:
        self.wait_for(lambda: not self.section.is_busy)


@pytest.fixture
def weights(desktop: Any, server: Loopback, tmp_path: Path) -> Iterator[WeightsList]:
    from Sli2VolSlicerLib.panel.settings import PanelSettings
    from Sli2VolSlicerLib.panel.weights_section import WeightsSection

    entry = WeightsEntry(**{**ENTRY.__dict__, "url": server.url})
    catalogue = Catalogue([entry], tmp_path / "shipped", tmp_path / "fetched")
    dialogs, store = MadeUpDialogs(), MadeUpStore()
    made = WeightsList(None, catalogue, dialogs, store, server, desktop)
    made.section = WeightsSection(
        catalogue, PanelSettings(store), dialogs, made.own_files.append, lambda: made.changes.append("changed")
    )
    made.section.widget.resize(440, 320)
    made.section.widget.show()
    yield made
    made.section.close()
    made.section.widget.close()


def test_missing_weights_are_fetched_after_asking(weights: WeightsList) -> None:
    assert weights.row == ["made-up 1", "1.5 MB", "can be fetched"]
    weights.fetch()
    weights.wait()
    assert weights.row[2] == "here (fetched)"
    assert weights.server.url in weights.dialogs.asked[0]
    assert (weights.message, weights.changes) == ("Fetched 'made-up'.", ["changed"])
    assert not weights.section.view.fetch_button.enabled


def test_without_consent_no_server_is_asked(weights: WeightsList) -> None:
    weights.dialogs.agrees = False
    weights.fetch()
    assert not weights.section.is_busy
    assert weights.server.ranges == []


def test_progress_is_shown_and_the_main_loop_goes_on(weights: WeightsList) -> None:
    weights.server.pause_s = 0.01
    ticks: list[float] = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    timer.start(5)
    shown: set[int] = set()
    weights.fetch()
    while weights.section.is_busy:
        weights.desktop.app.processEvents()
        shown.add(weights.section.view.progress_bar.value)
    timer.stop()
    assert len(shown) > 3
    assert max(np.diff(ticks)) < 0.2
    assert not weights.section.view.progress_bar.visible


def test_cancel_ends_the_fetch_and_the_next_one_goes_on_from_there(weights: WeightsList) -> None:
    weights.server.pause_s = 0.02
    weights.fetch()
    assert weights.section.view.fetch_button.text == "Cancel"
    weights.wait_for(lambda: weights.section.view.progress_bar.value > 100)
    weights.fetch()
    weights.wait()
    assert "was cancelled" in weights.message
    assert weights.row[2].startswith("begun: ")
    assert weights.section.view.fetch_button.text == "Go on fetching ..."
    weights.server.pause_s = 0.0
    weights.fetch()
    weights.wait()
    assert weights.row[2] == "here (fetched)"
    assert weights.server.ranges[1] is not None


def test_a_server_that_stops_half_way_is_told(weights: WeightsList) -> None:
    weights.server.stop_after = 600_000
    weights.fetch()
    weights.wait()
    assert "stopped half way after 600000 of 1500000 bytes" in weights.message
    assert (weights.row[2], weights.changes) == ("begun: 40 %", [])


def test_another_file_than_promised_is_told_and_thrown_away(weights: WeightsList) -> None:
    weights.server.content = CONTENT[:-1] + b"!"
    weights.fetch()
    weights.wait()
    assert "is not the file that was asked for, and was thrown away" in weights.message
    assert weights.row[2] == "can be fetched"


def test_no_network_is_told(weights: WeightsList) -> None:
    weights.store["Sli2VolSlicer/WeightsSource"] = "http://127.0.0.1:9"
    weights.section.view.source_edit.text = "http://127.0.0.1:9"
    weights.fetch()
    weights.wait()
    assert "Cannot reach 127.0.0.1:9" in weights.message


def test_verifying_finds_a_file_that_changed_and_it_is_fetched_again(weights: WeightsList) -> None:
    path = weights.catalogue.fetch("made-up")
    path.write_bytes(CONTENT[:-1] + b"!")
    weights.section.refresh()
    assert weights.row[2] == "here (fetched)"
    weights.click(weights.section.view.verify_button)
    weights.wait()
    assert weights.row[2] == "damaged"
    assert "SHA-256" in weights.message
    weights.fetch()
    assert "Remove the damaged file and fetch it again?" in weights.dialogs.asked[0]
    weights.wait()
    assert path.read_bytes() == CONTENT
    weights.click(weights.section.view.verify_button)
    weights.wait()
    assert weights.message.startswith("Verified: 1 files are whole")


def test_fetched_weights_are_removed_after_asking(weights: WeightsList) -> None:
    weights.catalogue.fetch("made-up")
    weights.section.refresh()
    weights.section.view.table.selectRow(0)
    assert weights.section.view.remove_button.enabled
    weights.dialogs.agrees = False
    weights.click(weights.section.view.remove_button)
    assert weights.row[2] == "here (fetched)"
    weights.dialogs.agrees = True
    weights.click(weights.section.view.remove_button)
    assert (weights.row[2], weights.message) == ("can be fetched", "Removed 'made-up'.")
    assert list(weights.catalogue.fetched.iterdir()) == []


def test_a_folder_is_kept_in_the_settings_and_fetched_from(weights: WeightsList, tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / ENTRY.file).write_bytes(CONTENT)
    weights.dialogs.folder = tmp_path / "stick"
    weights.click(weights.section.view.source_button)
    assert weights.store["Sli2VolSlicer/WeightsSource"] == str(tmp_path / "stick")
    weights.fetch()
    weights.wait()
    assert weights.row[2] == "here (fetched)"
    assert weights.server.ranges == []


def test_a_mirror_with_a_log_in_is_refused_before_asking(weights: WeightsList) -> None:
    weights.section.view.source_edit.text = "https://me:secret@mirror.example"
    weights.fetch()
    assert "must not hold a log-in" in weights.message
    assert weights.dialogs.asked == []


def test_a_file_of_the_users_own_is_used_until_it_is_cleared(weights: WeightsList) -> None:
    shipped = Catalogue.open()
    weights.dialogs.file = shipped.verify(shipped.find("sli2vol-paper"))
    weights.click(weights.section.view.own_button)
    assert [own.method for own in weights.own_files] == ["sli2vol-paper"]
    assert weights.section.view.own_edit.text == str(weights.dialogs.file)
    weights.click(weights.section.view.own_clear_button)
    assert weights.own_files[1:] == [None]
    assert weights.section.own_file is None


def test_a_file_of_the_users_own_that_is_cut_short_changes_nothing(weights: WeightsList, tmp_path: Path) -> None:
    shipped = Catalogue.open()
    weights.dialogs.file = tmp_path / "half.safetensors"
    weights.dialogs.file.write_bytes(shipped.verify(shipped.find("sli2vol")).read_bytes()[:-9])
    weights.click(weights.section.view.own_button)
    assert "is cut short" in weights.message
    assert weights.own_files == []
    assert weights.section.own_file is None


def test_closing_while_fetching_leaves_no_file_and_nothing_running(weights: WeightsList) -> None:
    weights.server.pause_s = 0.02
    weights.fetch()
    weights.wait_for(lambda: weights.section.view.progress_bar.value > 0)
    weights.section.close()
    assert not weights.section.is_busy
    QTest.qWait(100)
    assert not (weights.catalogue.fetched / ENTRY.file).exists()
    weights.server.pause_s = 0.0
    assert weights.catalogue.fetch("made-up").read_bytes() == CONTENT
