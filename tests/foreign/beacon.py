"""Announces a camera that does not exist with PyPI's WSDiscovery, another implementation of WS-Discovery than ours.

Says Hello at once, answers Probe and Resolve, and says Bye when its input ends. Prints one line when it listens.
"""

import socket
import sys
import time

from wsdiscovery import QName, Scope
from wsdiscovery.publishing import ThreadedWSPublishing


def wait_for_address(wanted: str) -> None:
    """Returns once multicast leaves from `wanted`."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("239.255.255.250", 3702))
                if probe.getsockname()[0] == wanted:
                    return
            except OSError:
                pass
        time.sleep(0.05)
    sys.exit(f"no interface has {wanted}")


def main() -> None:
    address = sys.argv[1]
    wait_for_address(address)
    announcing = ThreadedWSPublishing()
    announcing.start()
    announcing.publishService(
        types=[QName("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter")],
        scopes=[Scope("onvif://www.onvif.org/name/Beacon"), Scope("onvif://www.onvif.org/hardware/X1")],
        xAddrs=[f"http://{address}:8081/onvif/device_service"],
    )
    print("listening", flush=True)
    sys.stdin.read()
    announcing.clearLocalServices()
    announcing.stop()


main()
