"""The desk's server: on loopback, and without a word about itself."""

import socket

import waitress

from livingreview.errors import ReviewError

HOST = "127.0.0.1"
PORT = 8642  # unassigned; any free one if it is taken and was not asked for
HIGHEST_PORT = 65535


def listen(port=None):
    """A socket that only this computer reaches.

    Parameters
    ----------
    port : int, optional
        The port; 0 is any that is free. Left out, `PORT`, or any other if that is taken.

    Raises
    ------
    ReviewError
        If the port that was named cannot be had.
    """
    if port is not None and not 0 <= port <= HIGHEST_PORT:
        raise ReviewError(f"port {port} cannot be had: allowed: 1 to {HIGHEST_PORT}, or 0 for any")
    try:
        return socket.create_server((HOST, PORT if port is None else port))
    except OSError as error:
        if port is not None:
            raise ReviewError(
                f"port {port} cannot be had: {error}; hint: another desk may be open there; leave the port"
                " out to have any that is free"
            ) from None
        return socket.create_server((HOST, 0))


def hosts_of(listener):
    """The ``host:port`` by which browsers may name a desk."""
    port = listener.getsockname()[1]
    return {f"{name}:{port}" for name in (HOST, "localhost")}


def server(app, listener, *, threads=8):
    """A server of an application on a socket of `listen`; its method ``run`` returns when interrupted."""
    largest = app.config["MAX_CONTENT_LENGTH"]
    return waitress.create_server(
        app,
        sockets=[listener],
        threads=threads,
        ident=None,
        expose_tracebacks=False,
        connection_limit=100,
        channel_timeout=60,  # seconds that a silent connection is kept
        max_request_header_size=64 * 1024,
        # The application refuses what is larger with a page; this is for what never ends.
        max_request_body_size=2 * largest,
    )
