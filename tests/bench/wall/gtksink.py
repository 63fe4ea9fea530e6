"""Shows RTSP streams by GStreamer's own `gtksink`, each in a window of a given size: what the wall is compared with.

Call: gtksink.py USER PASSWORD WIDTH HEIGHT URL...
"""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("Gtk", "3.0")
from gi.repository import GLib, Gst, Gtk  # noqa: E402

user, password, width, height, *addresses = sys.argv[1:]
width, height = int(width), int(height)
Gst.init(None)
pipelines = []
for number, address in enumerate(addresses):
    pipeline = Gst.parse_launch(
        "rtspsrc name=camera protocols=tcp latency=0 ! rtph264depay ! h264parse ! avdec_h264 ! videoconvert ! videoscale"
        f" ! video/x-raw,format=BGRx,width={width},height={height} ! gtksink name=sink sync=false"
    )
    camera = pipeline.get_by_name("camera")
    camera.set_property("location", address)
    camera.set_property("user-id", user)
    camera.set_property("user-pw", password)
    window = Gtk.Window(type=Gtk.WindowType.POPUP)
    window.set_default_size(width, height)
    window.add(pipeline.get_by_name("sink").get_property("widget"))
    window.show_all()
    columns = max(1, 1440 // width)
    window.move(number % columns * width, number // columns * height)
    pipeline.set_state(Gst.State.PLAYING)
    pipelines.append(pipeline)
GLib.MainLoop().run()
