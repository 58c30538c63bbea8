"""Where the gateway and a session's process find each other's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PORT_FILE = "port"
UPLOADS = "uploads"
OUT = "out"
TEMPORARY = "tmp"
LOG = "log"


@dataclass(frozen=True)
class SessionFolder:
    """A session's own folder, deleted with all that is in it when the session ends.

    Attributes:
        root: the folder; uploads are named relative to it, as in "uploads/1/liver.nii.gz".
    """

    root: Path

    @property
    def port_file(self) -> Path:
        """Written by the session's process once it is ready: its port on the loopback interface."""
        return self.root / PORT_FILE

    @property
    def uploads(self) -> Path:
        """What the user uploaded: a numbered folder per upload."""
        return self.root / UPLOADS

    @property
    def out(self) -> Path:
        """What the user may download."""
        return self.root / OUT

    @property
    def temporary(self) -> Path:
        """Temporary files of the session's process."""
        return self.root / TEMPORARY

    @property
    def log(self) -> Path:
        """What the session's process prints."""
        return self.root / LOG

    def make(self) -> None:
        """Make the folders within."""
        for folder in (self.uploads, self.out, self.temporary):
            folder.mkdir(parents=True, exist_ok=True)

    def announce(self, port: int) -> None:
        """Write the port file, whole or not at all."""
        beside = self.port_file.with_suffix(".new")
        beside.write_text(f"{port}\n", encoding="ascii")
        beside.replace(self.port_file)

    def announced_port(self) -> int | None:
        """The port, or None as long as the process is not ready."""
        try:
            text = self.port_file.read_text(encoding="ascii").strip()
        except OSError:
            return None
        return int(text) if text.isdecimal() and 0 < int(text) < 65536 else None
