"""Times on the page in a real browser: `.venv-browser/bin/python Testing/measure_browser.py DATA`.

The liver of sabsCT_01 is painted on its largest slice by mouse, propagated, corrected on the recommended slice, and
propagated again. Meanwhile the page asks its session's process for an answer again and again.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from browser.chromium import chromium, served
from browser.page_by_mouse import PageByMouse, strokes_over
from browser.processes import children_of, cpu_seconds, memory_mb

LIVER = 6
_WATCH = """
const pictures = () => Array.from(document.querySelectorAll("main img.image-display-area")).map((e) => e.src).join();
const watch = { clicked: null, ran: false, ended: null, painted: null, gap: 0, answers: 0, over: false };
window.sli2volWatch = watch;
document.querySelector("#sli2vol-propagate").addEventListener(
  "click", () => (watch.clicked = performance.now()), { once: true, capture: true });
let last_pictures = "";
const look = () => {
  const running = trame.state.get("is_running");
  if (watch.clicked && running) watch.ran = true;
  if (watch.ended !== null && watch.painted === null && pictures() !== last_pictures) watch.painted = performance.now();
  if (watch.ran && !running && watch.ended === null) {
    watch.ended = performance.now();
    last_pictures = pictures();
  }
  if (!watch.over) requestAnimationFrame(look);
};
look();
(async () => {
  let last = performance.now();
  while (!watch.over) {
    await trame.trigger("sli2vol_key", ["nothing"]);
    const now = performance.now();
    if (watch.clicked && watch.painted === null) {
      watch.gap = Math.max(watch.gap, now - last);
      watch.answers += 1;
    }
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
})();
"""


@dataclass(frozen=True)
class Times:
    """Of one propagation.

    Attributes:
        painted_s: from the click until the page draws the result.
        gap_ms: the longest time between two answers of the session's process meanwhile.
        answers: how many there were.
    """

    painted_s: float
    gap_ms: float
    answers: int

    def __str__(self) -> str:
        return (
            f"{self.painted_s:.2f} s from click to picture; longest gap {self.gap_ms:.0f} ms of {self.answers} answers"
        )


def watched_propagation(page: PageByMouse) -> Times:
    """Click Propagate and look on, in the page itself."""
    page.driver.execute_script(_WATCH)
    page.press("Propagate")
    page.until(lambda: page.driver.execute_script("return window.sli2volWatch.painted !== null"), 120)
    watch = page.driver.execute_script("sli2volWatch.over = true; return sli2volWatch")
    return Times((watch["painted"] - watch["clicked"]) / 1000, watch["gap"], watch["answers"])


def corrected(page: PageByMouse, truth: np.ndarray, spacing: tuple[float, ...]) -> None:
    """Go to the recommended slice and erase there what is beyond the liver, or a part of it."""
    page.until(lambda: page["timeline"].get("recommended", -1) >= 0)
    page.key("n")
    page.until(lambda: page.shown_slice() == page["timeline"]["recommended"])
    # While a user looks the correction is rehearsed.
    page.rest(3.0)
    screen = page.screen(truth.shape[1:], spacing[1::-1])
    page.press("Erase")
    row, column = np.argwhere(truth[page.shown_slice()]).mean(axis=0)
    page.strokes([[screen.point(row - 8, column - 8), screen.point(row + 8, column + 8)]])


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the volumes, as for sli2vol benchmark")
    volume = parser.parse_args().data / "eval" / "sabsCT_01_img.nii.gz"
    image = sitk.ReadImage(str(volume))
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(volume).replace("_img", "_label"))) == LIVER
    index, spacing = int(truth.sum(axis=(1, 2)).argmax()), image.GetSpacing()
    with tempfile.TemporaryDirectory() as folder:
        shared = Path(folder) / "shared"
        shared.mkdir()
        shutil.copy(volume, shared / "abdomen.nii.gz")
        with served("--folder", str(shared)) as (server, address), chromium(Path(folder) / "chromium") as driver:
            # The server has a process ready when somebody comes.
            time.sleep(10)
            page = PageByMouse(driver)
            began = time.monotonic()
            page.open(address)
            page.until(lambda: page["volume_name"])
            print(f"Page and volume open: {time.monotonic() - began:.1f} s")
            screen = page.screen(truth.shape[1:], spacing[1::-1])
            page.scroll_to(index, screen)
            page.press("Paint")
            page.strokes(strokes_over(truth[index], 15 / spacing[0], screen))
            page.rest(3.0)
            print(f"First propagation: {watched_propagation(page)}; the engine {page['numbers'].splitlines()[-1]}")
            corrected(page, truth, spacing)
            page.rest(3.0)
            print(f"Second propagation: {watched_propagation(page)}; the engine {page['numbers'].splitlines()[-1]}")
            session = max(children_of(server), key=cpu_seconds)
            print(f"Memory: the session {memory_mb(session):.0f} MB, the server {memory_mb(server):.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
