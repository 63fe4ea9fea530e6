"""A camera that is not ours: PyPI's ipycam (ONVIF and RTSP of its own), fed with a picture in which something moves.

Waits until this network has an address, since the namespace is made first and the cable plugged in afterwards. Prints one
line of JSON when it answers.
"""

import json
import socket
import sys
import tempfile
import time

import numpy as np
from ipycam import CameraConfig, IPCamera

FPS = 15


def own_address(wanted: str) -> str:
    """Returns `wanted` once multicast leaves from it."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("239.255.255.250", 3702))
                if probe.getsockname()[0] == wanted:
                    return wanted
            except OSError:
                pass
        time.sleep(0.05)
    sys.exit(f"no interface has {wanted}")


def picture(number: int, width: int, height: int) -> np.ndarray:
    """A grey street with a bright block that crosses it once in four seconds."""
    frame = np.full((height, width, 3), 70, dtype=np.uint8)
    frame[height // 2 :, :, :] = (60, 80, 60)
    left = (number * width // (FPS * 4)) % width
    frame[height // 3 : height // 3 * 2, left : left + width // 8] = (40, 180, 230)
    return frame


def main() -> None:
    address, user, password = sys.argv[1:4]
    config = CameraConfig(
        name="Foreign",
        local_ip=own_address(address),
        main_width=1280,
        main_height=720,
        main_fps=FPS,
        main_bitrate="2M",
        sub_fps=FPS,
        username=user,
        password=password,
        hw_accel="cpu",
        recording_path=tempfile.gettempdir(),
    )
    camera = IPCamera(config)
    if not camera.start():
        sys.exit("ipycam did not start")
    print(json.dumps({"http": config.onvif_url, "rtsp": config.main_stream_rtsp}), flush=True)
    number = 0
    due = time.monotonic()
    while True:
        camera.stream(picture(number, config.main_width, config.main_height))
        number += 1
        due += 1 / FPS
        time.sleep(max(0.0, due - time.monotonic()))


main()
