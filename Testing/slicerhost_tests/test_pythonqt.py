"""PySide6 in PythonQt's manner."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def qt(desktop: Any) -> Any:
    return desktop.qt


def test_properties_are_attributes_and_setters_stay(qt: Any) -> None:
    button = qt.QPushButton("a")
    assert (button.text, button.enabled, button.objectName) == ("a", True, "")
    button.text, button.enabled, button.name = "b", False, "it"
    assert (button.text, button.isEnabled(), button.objectName) == ("b", False, "it")
    button.setText("c")
    assert button.text == "c"


def test_a_property_refuses_what_is_not_of_its_kind(qt: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="text"):
        qt.QLabel().text = None


@pytest.mark.parametrize("name", ["enable", "clicked", "setText"])
def test_an_attribute_that_c_plus_plus_does_not_have_can_not_be_made(qt: Any, name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        setattr(qt.QPushButton(), name, True)


def test_a_class_of_python_may_have_attributes_of_its_own(qt: Any) -> None:
    class Strip(qt.QWidget):
        def __init__(self) -> None:
            super().__init__()
            self.shown = 3

    strip = Strip()
    assert strip.shown == 3
    with pytest.raises(AttributeError, match="update"):
        strip.update = 1


def test_signals_are_connected_by_signature(qt: Any) -> None:
    seen: list[Any] = []
    button, box = qt.QPushButton(), qt.QSpinBox()
    button.connect("clicked()", lambda: seen.append("click"))
    button.connect("clicked(bool)", seen.append)
    box.connect("valueChanged(int)", seen.append)
    button.click()
    box.value = 7
    assert seen == ["click", False, 7]
    assert box.disconnect("valueChanged(int)", seen.append)
    assert not box.disconnect("valueChanged(int)", seen.append)
    box.value = 8
    assert seen[-1] == 7
    with pytest.raises(ValueError, match=r"no signal 'pressed\(int\)'"):
        button.connect("pressed(int)", seen.append)


def test_what_is_connected_is_kept_alive_as_long_as_the_sender(qt: Any) -> None:
    class Receiver:
        def __init__(self, seen: list[str]) -> None:
            self.seen = seen

        def slot(self) -> None:
            self.seen.append("alive")

    seen: list[str] = []
    button = qt.QPushButton()
    button.connect("clicked()", Receiver(seen).slot)
    button.click()
    assert seen == ["alive"]


def test_an_override_of_a_virtual_function_is_called(desktop: Any, qt: Any) -> None:
    class Strip(qt.QWidget):
        painted = 0

        def sizeHint(self) -> Any:
            return qt.QSize(30, 40)

        def paintEvent(self, event: Any) -> None:
            self.painted += 1

    strip = Strip()
    strip.show()
    desktop.app.processEvents()
    assert strip.painted == 1
    assert strip.height == 40


def test_what_a_slot_raises_is_collected(desktop: Any, qt: Any) -> None:
    button = qt.QPushButton()
    button.connect("clicked()", lambda: 1 / 0)
    button.click()
    assert len(desktop.errors) == 1
    assert "ZeroDivisionError" in desktop.errors.pop()
