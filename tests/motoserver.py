"""AWS's Secrets Manager on loopback: moto's server, and an environment that leads there."""

import logging
from contextlib import contextmanager


@contextmanager
def moto_server():
    """Serve AWS, and yield the address."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def variables(address):
    """What an environment needs to reach it."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "throwaway",
        "AWS_SECRET_ACCESS_KEY": "throwaway",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
