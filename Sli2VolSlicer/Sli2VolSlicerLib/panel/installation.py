"""Installing what is missing, once and with consent; what Slicer does for it is handed in."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..scene.translation import tr as _
from .first_run_plan import (
    TORCH,
    InstallationError,
    InstalledVersion,
    Missing,
    consent_text,
    download_command,
    installed_version,
    missing_packages,
    missing_wheels_text,
    no_torch_installer_text,
    offline_arguments,
    pins,
    wheels_missing_from,
)


class PackageHost(Protocol):
    """What Slicer does for it; always on the main thread."""

    def confirm(self, text: str) -> bool:
        """Ask the user."""
        ...

    def is_testing(self) -> bool:
        """Whether Slicer runs its tests: then nothing may be installed."""
        ...

    def has_torch_installer(self) -> bool:
        """Whether the PyTorch extension is here."""
        ...

    def install_torch(self, version: str) -> None:
        """Through the PyTorch extension; `version` as in '>=2.4'."""
        ...

    def ensure(self, requirements: Sequence[str], constraints: Path) -> None:
        """From the package index, without asking again."""
        ...

    def install(self, arguments: list[str]) -> None:
        """With these arguments for pip."""
        ...


@dataclass(frozen=True)
class Installed:
    """How it ended.

    Attributes:
        is_ready: whether everything is there and can be imported now.
        restart_due: whether Slicer has to be restarted first.
        message: for the user; empty when nothing had to be done.
    """

    is_ready: bool
    restart_due: bool
    message: str


class Installation:
    """Finds what is missing for a method and installs it.

    Args:
        host: what Slicer does.
        version_of: tells which version of a package is here.
    """

    def __init__(self, host: PackageHost, version_of: InstalledVersion = installed_version) -> None:
        self._host = host
        self._version_of = version_of

    def missing(self, method: str) -> tuple[Missing, ...]:
        """What has to be installed before `method` can propagate; nothing is imported for it."""
        return missing_packages(method, self._version_of)

    def run(self, method: str, wheel_folder: Path | None = None) -> Installed:
        """Install what is missing for `method`, after asking.

        Args:
            method: name of a method.
            wheel_folder: take everything from this folder and ask no server.

        Raises:
            InstallationError: it could not be installed; the message says what to do.
        """
        missing = self.missing(method)
        if not missing:
            return Installed(True, False, "")
        self._check_way(missing, wheel_folder)
        if self._host.is_testing():
            return Installed(False, False, _("Nothing is installed while Slicer runs tests."))
        if not self._host.confirm(consent_text(missing, wheel_folder)):
            return Installed(False, False, _("Nothing was installed."))
        in_use = self._in_use(missing)
        try:
            self._install(missing, wheel_folder)
        except (subprocess.CalledProcessError, RuntimeError, OSError, ImportError) as error:
            # pip, the PyTorch extension and the first import of a damaged package fail in these ways.
            raise InstallationError(self._failed_text(error)) from error
        return self._outcome(method, in_use)

    def _check_way(self, missing: Sequence[Missing], wheel_folder: Path | None) -> None:
        """See before asking whether it can succeed."""
        if wheel_folder is None:
            if _needs_torch(missing) and not self._host.has_torch_installer():
                raise InstallationError(no_torch_installer_text())
            return
        lacking = wheels_missing_from(wheel_folder, missing)
        if lacking:
            command = download_command(missing, sys.version_info[:2], sysconfig.get_platform())
            raise InstallationError(missing_wheels_text(wheel_folder, lacking, command))

    def _install(self, missing: Sequence[Missing], wheel_folder: Path | None) -> None:
        with _constraints_file(pins(missing, self._version_of)) as constraints:
            if wheel_folder is not None:
                self._host.install(offline_arguments(wheel_folder, missing, constraints))
                return
            others = [each.package.requirement for each in missing if each.package.name != TORCH]
            for each in missing:
                if each.package.name == TORCH:
                    self._host.install_torch(f">={each.package.least_version}")
            if others:
                self._host.ensure(others, constraints)

    def _in_use(self, missing: Sequence[Missing]) -> list[str]:
        """Packages that are loaded in their old version: the new one is seen only after a restart."""
        return [each.package.name for each in missing if each.package.import_name in sys.modules]

    def _outcome(self, method: str, in_use: Sequence[str]) -> Installed:
        still = self.missing(method)
        if still:
            names = ", ".join(each.description for each in still)
            msg = _("Still missing after the installation: {names}. The Python console says why.").format(names=names)
            raise InstallationError(msg)
        if in_use:
            names = ", ".join(in_use)
            text = _("Installed. Restart Slicer: an older version of {names} is in use.").format(names=names)
            return Installed(False, True, text)
        return Installed(True, False, _("Everything is installed."))

    def _failed_text(self, error: Exception) -> str:
        return _(
            "The installation failed ({error}). Check the network and the disk, and see the Python console; without "
            "internet, choose a folder with wheels."
        ).format(error=error)


def _needs_torch(missing: Sequence[Missing]) -> bool:
    return any(each.package.name == TORCH for each in missing)


@contextmanager
def _constraints_file(lines: Sequence[str]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sli2vol") as folder:
        path = Path(folder) / "constraints.txt"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        yield path
