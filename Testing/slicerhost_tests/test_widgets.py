"""The stand-in's widgets on the real scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def selector(desktop: Any, scene: Any) -> Any:
    import slicer

    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    box.noneEnabled = True
    box.setMRMLScene(scene)
    return box


def test_a_node_combo_box_follows_the_scene(selector: Any, scene: Any) -> None:
    assert selector.nodeCount() == 0
    one = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "One")
    scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Other kind")
    assert (selector.nodeCount(), selector.currentNode()) == (1, None)
    selector.setCurrentNode(one)
    assert selector.currentNodeID == one.GetID()
    scene.RemoveNode(one)
    assert selector.currentNode() is None


def test_a_node_combo_box_tells_what_is_chosen(selector: Any, scene: Any) -> None:
    seen: list[Any] = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", seen.append)
    selector.connect("currentNodeChanged(bool)", seen.append)
    one = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "One")
    selector.setCurrentNode(one)
    selector.setCurrentNode(one)
    scene.Clear(0)
    assert seen == [one, True, None, False]


def test_a_node_combo_box_without_none_takes_the_first_node(selector: Any, scene: Any) -> None:
    selector.noneEnabled = False
    one = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "One")
    assert selector.currentNode() is one


def test_a_ui_file_is_loaded_with_slicers_widgets_and_its_connections_made(
    desktop: Any, scene: Any, tmp_path: Path
) -> None:
    import slicer

    path = tmp_path / "some.ui"
    path.write_text(
        """<?xml version="1.0" encoding="UTF-8"?><ui version="4.0"><class>Top</class>
        <widget class="qMRMLWidget" name="Top"><layout class="QVBoxLayout" name="rows">
        <item><widget class="qMRMLNodeComboBox" name="selector"><property name="nodeTypes"><stringlist>
        <string>vtkMRMLScalarVolumeNode</string></stringlist></property></widget></item>
        <item><widget class="ctkCollapsibleButton" name="section"><property name="collapsed"><bool>true</bool>
        </property><layout class="QVBoxLayout" name="inside"><item><widget class="QLabel" name="label"/></item>
        </layout></widget></item></layout></widget>
        <connections><connection><sender>Top</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
        <receiver>selector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections></ui>"""
    )
    top = slicer.util.loadUI(str(path))
    ui = slicer.util.childWidgetVariables(top)
    top.setMRMLScene(scene)
    assert ui.selector.mrmlScene() is scene
    top.show()
    assert not ui.label.visible
    ui.section.collapsed = False
    assert ui.label.visible


def test_a_module_is_left_when_another_is_chosen_and_cleaned_up_at_the_end(desktop: Any, tmp_path: Path) -> None:
    import slicer

    path = tmp_path / "Calling.py"
    path.write_text(
        "from slicer.ScriptedLoadableModule import *\nCALLS = []\n"
        "class Calling(ScriptedLoadableModule):\n    pass\n"
        "class CallingWidget(ScriptedLoadableModuleWidget):\n"
        + "".join(f"    def {n}(self):\n        CALLS.append('{n}')\n" for n in ("setup", "enter", "exit", "cleanup"))
    )
    module = desktop.load_module(path)
    assert slicer.util.modulePath("Calling") == str(path)
    desktop.select_module("Calling")
    calls = __import__("Calling").CALLS
    desktop.select_module("Data")
    desktop.app.moduleManager().unload("Calling")
    assert calls == ["setup", "enter", "exit", "cleanup"]
    assert module.name == "Calling"
