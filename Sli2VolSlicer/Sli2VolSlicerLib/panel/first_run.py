"""The first run: what is missing, a button that installs it, and a way without internet."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import qt
import slicer

from ..scene.translation import tr as _
from .dialogs import Dialogs
from .first_run_plan import InstallationError, setup_text
from .installation import Installation
from .settings import PanelSettings

_REQUESTER = "Sli2Vol"


class SlicerPackageHost:
    """Slicer's ways to install Python packages: see installation.PackageHost.

    Args:
        dialogs: ask the user.
    """

    def __init__(self, dialogs: Dialogs) -> None:
        self._dialogs = dialogs

    def confirm(self, text: str) -> bool:
        """Ask the user."""
        return self._dialogs.confirm(text)

    def is_testing(self) -> bool:
        """Whether Slicer runs its tests."""
        return bool(slicer.app.testingEnabled())

    def has_torch_installer(self) -> bool:
        """Whether the PyTorch extension is here; nothing is imported for it."""
        return importlib.util.find_spec("PyTorchUtils") is not None

    def install_torch(self, version: str) -> None:
        """Through the PyTorch extension, which chooses the build for the graphics card."""
        import PyTorchUtils

        PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=False, torchVersionRequirement=version)

    def ensure(self, requirements: Sequence[str], constraints: Path) -> None:
        """Through slicer.packaging, or slicer.util before Slicer 5.12."""
        try:
            from slicer.packaging import pip_ensure
        except ImportError:
            slicer.util.pip_install(["-c", str(constraints), *requirements])
            return
        from packaging.requirements import Requirement

        wanted = [Requirement(requirement) for requirement in requirements]
        pip_ensure(wanted, constraints=constraints, prompt_install=False, requester=_REQUESTER)

    def install(self, arguments: list[str]) -> None:
        """With these arguments for pip."""
        slicer.util.pip_install(arguments)


class FirstRunSection:
    """A note at the top of the panel; it is seen only as long as packages are missing.

    Args:
        installation: finds and installs them.
        settings: keeps the folder of wheels.
        dialogs: ask for that folder.
        on_ready: called when everything has been installed.
    """

    def __init__(
        self,
        installation: Installation,
        settings: PanelSettings,
        dialogs: Dialogs,
        on_ready: Callable[[], None],
    ) -> None:
        self._installation = installation
        self._settings = settings
        self._dialogs = dialogs
        self._on_ready = on_ready
        self._method = ""
        self.widget = qt.QWidget()
        self.note = qt.QLabel()
        self.install_button = qt.QPushButton(_("Install ..."))
        self.folder_edit = qt.QLineEdit()
        self.folder_button = qt.QPushButton(_("Choose ..."))
        self.message = qt.QLabel()
        self._lay_out()
        self.install_button.connect("clicked()", self.install)
        self.folder_edit.connect("editingFinished()", self._keep_folder)
        self.folder_button.connect("clicked()", self._choose_folder)

    def refresh(self, method: str) -> bool:
        """Look again, and hide when nothing is missing for `method`.

        Returns:
            Whether everything is there.
        """
        self._method = method
        missing = self._installation.missing(method)
        self.note.text = setup_text(missing) if missing else ""
        self.widget.visible = bool(missing)
        return not missing

    def install(self) -> None:
        """Ask and install; takes as long as pip does, with Slicer's own progress."""
        self._keep_folder()
        self.install_button.enabled = False
        try:
            done = self._installation.run(self._method, self._settings.wheel_folder)
        except InstallationError as error:
            self._tell(str(error))
            return
        finally:
            self.install_button.enabled = True
        self._tell(done.message)
        if done.is_ready:
            self.refresh(self._method)
            self._on_ready()

    def _tell(self, text: str) -> None:
        self.message.text = text
        self.message.visible = bool(text)

    def _keep_folder(self) -> None:
        text = self.folder_edit.text.strip()
        self._settings.wheel_folder = Path(text) if text else None

    def _choose_folder(self) -> None:
        folder = self._dialogs.choose_folder(_("Folder with Python wheels"))
        if folder is not None:
            self.folder_edit.text = str(folder)
            self._keep_folder()

    def _lay_out(self) -> None:
        folder = self._settings.wheel_folder
        self.folder_edit.text = str(folder) if folder is not None else ""
        self.folder_edit.placeholderText = _("fetch from the internet")
        self.folder_edit.toolTip = _("Without internet: a folder with Python wheels. Nothing is fetched then.")
        self.install_button.toolTip = _("You are asked before anything is installed.")
        self.message.textInteractionFlags = qt.Qt.TextSelectableByMouse
        for label in (self.note, self.message):
            label.wordWrap = True
        self.message.visible = False
        layout = qt.QVBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        row = qt.QHBoxLayout()
        row.addWidget(qt.QLabel(_("Folder of wheels:")))
        row.addWidget(self.folder_edit)
        row.addWidget(self.folder_button)
        layout.addWidget(self.note)
        layout.addWidget(self.install_button)
        layout.addLayout(row)
        layout.addWidget(self.message)
