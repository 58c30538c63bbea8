"""`sli2vol models`, and the command as a whole."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from weights.loopback import serving

from Sli2VolSlicerLib.commands import models
from Sli2VolSlicerLib.commands.main import main
from Sli2VolSlicerLib.weights import Catalogue

CONTENT = b"made-up weights" * 1000


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """A catalogue of one made-up entry, with nothing on this computer."""
    entry = {
        "name": "made-up",
        "version": "1.0",
        "method": "sli2vol",
        "file": "made-up.safetensors",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "bytes": len(CONTENT),
        "url": "http://127.0.0.1:9/nobody",
        "licence": "Apache-2.0",
        "card": "made-up.md",
    }
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "catalogue.json").write_text(json.dumps([entry]))
    opened = Catalogue.open(shipped, tmp_path / "fetched")

    class Fixed:
        @staticmethod
        def open() -> Catalogue:
            return opened

    monkeypatch.setattr(models, "Catalogue", Fixed)
    return opened


def test_the_list_says_where_weights_are(catalogue: Catalogue, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list"]) == 0
    assert "to be fetched" in capsys.readouterr().out
    (catalogue.shipped / "made-up.safetensors").write_bytes(CONTENT)
    assert main(["models", "list"]) == 0
    assert str(catalogue.shipped) in capsys.readouterr().out


def test_verify_tells_good_from_damaged(catalogue: Catalogue, capsys: pytest.CaptureFixture[str]) -> None:
    path = catalogue.shipped / "made-up.safetensors"
    path.write_bytes(CONTENT)
    assert main(["models", "verify"]) == 0
    assert "made-up: good" in capsys.readouterr().out
    path.write_bytes(CONTENT[:-1])
    assert main(["models", "verify"]) == 2
    assert "is damaged" in capsys.readouterr().err


def test_verify_minds_missing_weights_only_when_they_are_named(
    catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "verify"]) == 0
    assert main(["models", "verify", "made-up"]) == 2
    assert "sli2vol models fetch made-up" in capsys.readouterr().err


def test_weights_are_fetched_and_removed(catalogue: Catalogue, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(CONTENT) as server:
        object.__setattr__(catalogue.entries[0], "url", server.url)
        assert main(["models", "fetch", "made-up"]) == 0
    assert capsys.readouterr().out.strip().endswith("made-up.safetensors")
    assert main(["models", "remove", "made-up"]) == 0
    assert list(catalogue.fetched.iterdir()) == []


def test_weights_are_taken_from_a_folder(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "made-up.safetensors").write_bytes(CONTENT)
    assert main(["models", "fetch", "made-up", "--from", str(tmp_path)]) == 0
    assert (catalogue.fetched / "made-up.safetensors").read_bytes() == CONTENT


def test_a_fetch_without_network_is_one_line(catalogue: Catalogue, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "fetch", "made-up"]) == 2
    assert "Cannot reach 127.0.0.1:9" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("arguments", [["--help"], ["propagate", "--help"], ["train", "--help"], ["models", "--help"]])
def test_help_imports_no_pytorch(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from Sli2VolSlicerLib.commands.main import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    library = str(Path(models.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env={"PYTHONPATH": library}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "usage: " in done.stdout


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["paint"])
    assert end.value.code == 2
    assert "paint" in capsys.readouterr().err
