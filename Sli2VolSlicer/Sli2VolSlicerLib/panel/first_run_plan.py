"""Which Python packages are missing, and in which words to ask for them; without Qt and without Slicer."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..engine.errors import Sli2VolError
from ..scene.translation import tr as _

TORCH = "torch"

InstalledVersion = Callable[[str], str | None]
"""Name of a package to its version here; None if it is not installed."""


class InstallationError(Sli2VolError):
    """A Python package could not be installed; the message says what to do."""


@dataclass(frozen=True)
class Package:
    """A Python package that the engine imports.

    Attributes:
        name: as the package index knows it.
        least_version: the oldest version that will do.
        import_name: as Python imports it.
        methods: the methods that need it; empty when all do.
    """

    name: str
    least_version: str
    import_name: str
    methods: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        """As pip understands it."""
        return f"{self.name}>={self.least_version}"

    def accepts(self, version: str | None) -> bool:
        """Whether this version will do; None stands for none."""
        return version is not None and _release(version) >= _release(self.least_version)


PACKAGES = (
    Package(TORCH, "2.4", "torch"),
    Package("numpy", "1.26", "numpy"),
    Package("scipy", "1.11", "scipy"),
    Package("safetensors", "0.4", "safetensors"),
    Package("scikit-image", "0.22", "skimage", methods=("optical-flow",)),
)
"""What propagating needs; the first is installed by Slicer's PyTorch extension."""

KEPT_AS_THEY_ARE = ("numpy", "scipy", "SimpleITK")
"""Packages of Slicer's own that must not change their version under its feet."""


@dataclass(frozen=True)
class Missing:
    """A package that is not here, or too old.

    Attributes:
        package: which.
        installed: the version that is here, or None.
    """

    package: Package
    installed: str | None

    @property
    def description(self) -> str:
        """For the user."""
        wanted = _("{name} {version} or newer").format(name=self.package.name, version=self.package.least_version)
        if self.installed is None:
            return wanted
        return wanted + " " + _("(here: {installed})").format(installed=self.installed)


def installed_version(name: str) -> str | None:
    """The version of an installed package, found without importing it."""
    importlib.invalidate_caches()
    try:
        # A damaged installation has no version in its metadata: reported as None too.
        return importlib.metadata.version(name) or None
    except importlib.metadata.PackageNotFoundError:
        return None


def missing_packages(method: str, version_of: InstalledVersion = installed_version) -> tuple[Missing, ...]:
    """What has to be installed before `method` can propagate."""
    found = [(p, version_of(p.name)) for p in PACKAGES if not p.methods or method in p.methods]
    return tuple(Missing(package, version) for package, version in found if not package.accepts(version))


def pins(missing: Iterable[Missing], version_of: InstalledVersion = installed_version) -> tuple[str, ...]:
    """Constraints that keep Slicer's own packages at their versions, except those that are too old."""
    changing = {each.package.name for each in missing}
    versions = [(name, version_of(name)) for name in KEPT_AS_THEY_ARE if name not in changing]
    return tuple(f"{name}=={version}" for name, version in versions if version is not None)


def wheels_missing_from(folder: Path, missing: Iterable[Missing]) -> tuple[Missing, ...]:
    """Those of `missing` for which a folder holds no wheel that is new enough.

    Raises:
        InstallationError: there is no such folder.
    """
    if not folder.is_dir():
        msg = _("There is no folder {folder}. Choose the folder with the wheels again.").format(folder=folder)
        raise InstallationError(msg)
    wheels = [path.name.split("-") for path in folder.glob("*.whl")]
    held = [(_normal(parts[0]), parts[1]) for parts in wheels if len(parts) >= 5]
    return tuple(
        each
        for each in missing
        if not any(name == _normal(each.package.name) and each.package.accepts(version) for name, version in held)
    )


def offline_arguments(folder: Path, missing: Iterable[Missing], constraints: Path) -> list[str]:
    """What pip is told, to install from a folder and never ask a server."""
    requirements = [each.package.requirement for each in missing]
    return ["--no-index", "--find-links", str(folder), "-c", str(constraints), *requirements]


def download_command(missing: Iterable[Missing], python: tuple[int, int], platform: str) -> str:
    """The command that fetches the wheels on another computer.

    Args:
        missing: what is needed.
        python: major and minor version of the Python that they are for.
        platform: that computer's platform, as sysconfig.get_platform() tells it.
    """
    plain = platform.replace("-", "_").replace(".", "_")
    tags = [plain.replace("linux", f"manylinux{libc}") for libc in ("_2_28", "2014")] if "linux" in plain else [plain]
    options = [f"--platform {tag}" for tag in tags]
    requirements = [f'"{each.package.requirement}"' for each in missing]
    version = f"--python-version {python[0]}.{python[1]}"
    return " ".join(["pip download --dest wheels --only-binary=:all:", version, *options, *requirements])


def consent_text(missing: Sequence[Missing], wheel_folder: Path | None) -> str:
    """What the user is asked before anything is installed."""
    names = "\n".join(f"   {each.description}" for each in missing)
    if wheel_folder is not None:
        source = _("They are taken from the folder {folder}; no server is asked.").format(folder=wheel_folder)
    else:
        source = _(
            "They are fetched from the public Python package servers; for PyTorch that can take several minutes. "
            "Nothing about you or your images is sent."
        )
    return _(
        "Sli2Vol computes with Python packages that this Slicer does not have yet:\n\n{names}\n\n{source}\n\n"
        "They become part of this Slicer's Python. Install them now?"
    ).format(names=names, source=source)


def setup_text(missing: Sequence[Missing]) -> str:
    """What the panel shows as long as something is missing."""
    names = ", ".join(each.description for each in missing)
    return _("Before the first Propagate, Python packages have to be installed: {names}.").format(names=names)


def no_torch_installer_text() -> str:
    """What to do when Slicer's PyTorch extension is not there."""
    return _(
        "Sli2Vol computes with PyTorch, which Slicer's extension 'PyTorch' installs, and that extension is not here. "
        "Open the Extensions Manager, install 'PyTorch', restart Slicer and come back. Without internet, choose a "
        "folder with wheels instead."
    )


def missing_wheels_text(folder: Path, missing: Sequence[Missing], command: str) -> str:
    """What to do when wheels are not in the folder."""
    names = ", ".join(each.description for each in missing)
    return _(
        "The folder {folder} holds no wheel of: {names}. On a computer with internet, run\n{command}\n"
        "and copy the folder 'wheels' here."
    ).format(folder=folder, names=names, command=command)


def _release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: (2, 4, 1) of '2.4.1+cu121', without zeros at the end."""
    found = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(number) for number in found.group().split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
