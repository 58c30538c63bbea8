"""A stand-in for desktop Slicer: what the application has, slicer-core lacks, and this module needs.

The scene, its nodes and logics are Slicer's own (slicer-core); the widgets are real ones of Qt (PySide6, offscreen), so
that tests press real keys and mouse buttons and take real pictures. `fixtures.py` is for conftest.py files, `host.py`
starts everything, `api.json` lists what the panel may use. No more than what is used is here: what is missing fails.
"""
