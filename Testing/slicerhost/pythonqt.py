"""`qt` as Slicer's Python has it (PythonQt), made of PySide6.

PythonQt shows every Qt property as an attribute (`button.enabled = False`, `label.text`), connects by a signal's
signature (`button.connect("clicked()", slot)`), keeps what is connected alive, and refuses attributes that a C++ object
does not have. PySide6's own `true_property` feature takes the setters away, which PythonQt keeps, and has to be asked
for by every importing module; so the classes of PySide6 are given PythonQt's ways here, once per process.
"""

from __future__ import annotations

import contextlib
import ctypes
import dis
import functools
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator
from types import CodeType, MethodType, ModuleType
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import shiboken6
from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

LIBRARIES = (QtCore, QtGui, QtWidgets, QtUiTools)

UNDER_TEST = "Sli2VolSlicerLib.panel"
"""The modules whose uses of Qt are noted."""

_ATTRIBUTE_INSTRUCTIONS = {dis.opmap[n] for n in ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR") if n in dis.opmap}

STAY_METHODS = frozenset({"sizeHint", "minimumSizeHint", "duration", "totalDuration"})
"""Properties that are virtual functions too: PySide6 would look for the override in the property, without end."""

_get_property = QtCore.QObject.property
_set_property = QtCore.QObject.setProperty
_plain_getattr = QtCore.QObject.__getattribute__

# object.__setattr__ refuses classes with a C setter of their own, which PySide6's all have.
_plain_setattr = ctypes.pythonapi.PyObject_GenericSetAttr
_plain_setattr.argtypes = [ctypes.py_object, ctypes.py_object, ctypes.py_object]
_plain_setattr.restype = ctypes.c_int


class QtProperty:
    """One Q_PROPERTY as an attribute."""

    def __init__(self, name: str, of_the_class: Any = None) -> None:
        self.name = name
        self._of_the_class = of_the_class
        """What the class has under this name: QTimer.singleShot is a static function, too."""

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self._of_the_class if instance is None else _get_property(instance, self.name)

    def __set__(self, instance: Any, value: Any) -> None:
        if value is None or not self._write(instance, value):
            msg = f"Property '{self.name}' of {type(instance).__name__} does not take {value!r} or is not writable"
            raise ValueError(msg)

    def _write(self, instance: Any, value: Any) -> bool:
        setter = getattr(instance, f"set{self.name[0].upper()}{self.name[1:]}", None)
        if setter is not None:
            with contextlib.suppress(TypeError):
                setter(value)
                return True
        return bool(_set_property(instance, self.name, value))


class ObjectName(QtProperty):
    """PythonQt's short name for `objectName`."""

    def __init__(self) -> None:
        super().__init__("objectName")


def is_native(kind: type) -> bool:
    """Whether a class stands for one of C++ (PySide6's, or the stand-in's for CTK and Slicer)."""
    return kind.__module__.startswith("PySide6.") or getattr(kind, "STANDS_FOR_CPP", None) == kind.__name__


uses: set[tuple[type, str]] = set()
"""What the module under test has asked of C++ objects in this process: class and attribute."""


@functools.cache
def _instructions(code: CodeType) -> bytes:
    return code.co_code


def _note_use(self: Any, name: str) -> None:
    frame = sys._getframe(2)
    if not frame.f_globals.get("__name__", "").startswith(UNDER_TEST):
        return
    # During calls PySide6 looks for overrides of virtual functions: nobody has written those.
    if _instructions(frame.f_code)[frame.f_lasti] not in _ATTRIBUTE_INSTRUCTIONS:
        return
    owner = next((c for c in type(self).__mro__ if name in vars(c)), None)
    if owner is None or is_native(owner):
        uses.add((type(self), name))


def _set_attribute(self: Any, name: str, value: Any) -> None:
    _note_use(self, name)
    kind = type(self)
    found = inspect.getattr_static(kind, name, None)
    if isinstance(found, QtCore.Property):
        found.fset(self, value)
        return
    if hasattr(type(found), "__set__") or isinstance(value, QtCore.SignalInstance):
        # PySide6 keeps a signal with several signatures in the object when it is first asked for.
        _plain_setattr(self, name, value)
        return
    base = next(c for c in kind.__mro__ if is_native(c))
    if inspect.getattr_static(base, name, None) is not None and not name.startswith("_"):
        msg = f"'{name}' can not be overwritten on {kind.__name__} object"
        raise AttributeError(msg)
    # A child can be had as an attribute there too; PySide6 sets them when it loads a .ui file.
    is_child = isinstance(value, QtCore.QObject) and _get_property(value, "objectName") == name
    declared = is_child or any(name in vars(c).get("__annotations__", ()) for c in kind.__mro__)
    if is_native(kind) and not declared and not name.startswith("_"):
        msg = f"{kind.__name__} has no attribute '{name}', and new ones can not be made on C++ objects"
        raise AttributeError(msg)
    _plain_setattr(self, name, value)


def _get_attribute(plain: Any) -> Any:
    """`__getattribute__` of a class that has one of its own, `plain`."""

    def get(self: Any, name: str) -> Any:
        _note_use(self, name)
        # PySide6 finds these two before it looks into the classes.
        if name == "connect":
            return MethodType(_connect, self)
        if name == "disconnect":
            return MethodType(_disconnect, self)
        return plain(self, name)

    return get


class Connections:
    """What is connected by signature, so that it can be found again; lives as long as the sender."""

    def __init__(self) -> None:
        self._made: list[tuple[Any, str, Callable[..., Any], Callable[..., None]]] = []

    def connect(self, sender: Any, signature: str, slot: Callable[..., Any]) -> bool:
        """Connect, keeping `slot` alive.

        Raises:
            ValueError: the sender has no such signal (PythonQt only warns).
        """
        relay = _relay(slot, signature)
        signal_of(sender, signature).connect(relay)
        self.forget_the_dead()
        self._made.append((sender, _normalized(signature), slot, relay))
        return True

    def disconnect(self, sender: Any, signature: str, slot: Callable[..., Any] | None = None) -> bool:
        """Take a connection back; False if there is none."""
        self.forget_the_dead()
        key = _normalized(signature)
        found = [m for m in self._made if m[0] is sender and m[1] == key and (slot is None or m[2] == slot)]
        for each in found:
            signal_of(sender, signature).disconnect(each[3])
            self._made.remove(each)
        return bool(found)

    def of(self, sender: Any) -> list[tuple[str, Callable[..., Any]]]:
        """Signature and slot of every connection of a sender."""
        self.forget_the_dead()
        return [(m[1], m[2]) for m in self._made if m[0] is sender]

    def forget_the_dead(self) -> None:
        """Let go of what was connected to objects that are destroyed."""
        self._made = [m for m in self._made if shiboken6.isValid(m[0])]


connections = Connections()
"""All connections by signature of this process, as Qt itself has them."""


def signal_of(sender: Any, signature: str) -> Any:
    """The bound signal that has a signature like "valueChanged(int)".

    Raises:
        ValueError: there is none.
    """
    key = _normalized(signature)
    for kind in type(sender).__mro__:
        own = kind.__dict__.get("SIGNALS", {})
        if key in own:
            return getattr(sender, own[key])
    # Not sender.metaObject(): PySide6 would take the class's own one away when the sender is destroyed.
    if type(sender).staticMetaObject.indexOfSignal(key) < 0:
        msg = f"{type(sender).__name__} has no signal '{signature}'"
        raise ValueError(msg)
    name, *arguments = _parts(key)
    bound = getattr(sender, name)
    try:
        return bound[",".join(arguments)] if arguments else bound
    except (IndexError, KeyError, TypeError):
        return bound


def _parts(signature: str) -> list[str]:
    """Name and types of a signature's values."""
    name, arguments = _normalized(signature)[:-1].split("(", 1)
    return [name, *filter(None, arguments.split(","))]


def _relay(slot: Callable[..., Any], signature: str) -> Callable[..., None]:
    """Calls `slot` with as many of a signal's values as it takes."""
    sent, taken = len(_parts(signature)) - 1, _most_arguments(slot)
    most = sent if taken is None else min(sent, taken)

    def relay(*values: Any) -> None:
        slot(*values[:most])

    return relay


def _most_arguments(slot: Callable[..., Any]) -> int | None:
    try:
        parameters = inspect.signature(slot).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def _normalized(signature: str) -> str:
    text = QtCore.QMetaObject.normalizedSignature(signature)
    return bytes(text).decode() if not isinstance(text, str) else text


def _connect(self: Any, *arguments: Any) -> bool:
    if isinstance(arguments[0], QtCore.QObject):  # PySide6 itself, for QTimer.singleShot
        return bool(_plain_getattr(self, "connect")(*arguments))
    signature, slot = _signature_and_slot(*arguments)
    return connections.connect(self, signature, slot)


def _disconnect(self: Any, *arguments: Any) -> bool:
    signature, slot = _signature_and_slot(*arguments)
    return connections.disconnect(self, signature, slot)


def _signature_and_slot(signature: str, receiver: Any = None, slot: str | None = None) -> tuple[str, Any]:
    """From ("clicked()", callable) or ("clicked()", object, "slot()")."""
    return signature, receiver if slot is None else getattr(receiver, slot.split("(", 1)[0])


def _class_name(self: Any) -> str:
    return str(type(self).staticMetaObject.className())


def _find_children(self: Any, kind: Any = "QObject", name: str = "") -> list[Any]:
    found = []
    for child in self.children():
        fits = child.inherits(kind) if isinstance(kind, str) else isinstance(child, kind)
        if fits and (not name or _get_property(child, "objectName") == name):
            found.append(child)
        found += _find_children(child, kind, name)
    return found


def _find_first(self: Any, kind: Any = "QObject", name: str = "") -> Any:
    return next(iter(_find_children(self, kind, name)), None)


def _first_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """Without the values that C++ gives back through pointers: PythonQt leaves them out."""
    return lambda *arguments: function(*arguments)[0]


def _names() -> Iterator[tuple[str, Any]]:
    """What the libraries hold; a class is made when it is first asked for by name."""
    for library in LIBRARIES:
        for name in dir(library):
            if re.match(r"Q|Signal$|Slot$|Property$", name):
                yield name, getattr(library, name)


def _classes() -> list[type]:
    found = [kind for _, kind in _names() if isinstance(kind, type) and issubclass(kind, QtCore.QObject)]
    return sorted(set(found), key=lambda kind: len(kind.__mro__))


def _properties_to_change(kind: Any) -> list[str]:
    """Those that a class declares, and those of its bases whose getter it has again."""
    meta = kind.staticMetaObject
    names = [meta.property(i).name() for i in range(meta.propertyCount())]
    return [n for i, n in enumerate(names) if i >= meta.propertyOffset() or n in vars(kind)]


def _change_pyside() -> None:
    if isinstance(inspect.getattr_static(QtCore.QObject, "objectName"), QtProperty):
        return
    for kind in _classes():
        for name in _properties_to_change(kind):
            if name not in STAY_METHODS:
                setattr(kind, name, QtProperty(name, getattr(kind, name, None)))
        if "exec" in vars(kind):
            kind.exec_ = kind.exec  # type: ignore[attr-defined]
        kind.__setattr__ = _set_attribute  # type: ignore[method-assign,assignment]
        if "__getattribute__" in vars(kind):
            kind.__getattribute__ = _get_attribute(vars(kind)["__getattribute__"])  # type: ignore[method-assign]
    base: Any = QtCore.QObject
    base.name = ObjectName()
    base.className = _class_name
    base.findChild = _find_first
    base.findChildren = _find_children
    base.delete = shiboken6.delete
    # Deprecated in Qt 6; what PythonQt on Qt 5 has.
    QtGui.QMouseEvent.pos = lambda event: event.position().toPoint()  # type: ignore[method-assign]
    for name in ("getOpenFileName", "getSaveFileName"):
        setattr(QtWidgets.QFileDialog, name, staticmethod(_first_of(getattr(QtWidgets.QFileDialog, name))))


def make_qt() -> ModuleType:
    """The flat module `qt`; PySide6's classes have PythonQt's ways from now on, in this process."""
    _change_pyside()
    qt = ModuleType("qt")
    for name, value in _names():
        setattr(qt, name, value)
    return qt
