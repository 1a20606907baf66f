"""An overview as one HTML page that needs nothing else: no network, no script to be read, no font.

`page.py` is the way in. `view.py` and `timeline.py` arrange, the templates show, `engine.py` escapes.
"""
