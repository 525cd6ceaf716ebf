"""A desk that lives again each time that it was killed: forked from one process that has loaded everything.

Started by `test_kills`, which writes a line for each life and reads the process id of the new one.
"""

import datetime
import os
import sys
from pathlib import Path

from livingreview.desk import app, guard, serving
from livingreview.desk.desk import Desk
from livingreview.desk.held import Held

NOW = datetime.datetime(2026, 11, 15, 12, 0, tzinfo=datetime.UTC)


def main(folder, port, token):
    """Serve a review on a port, once for each line of standard input."""
    hosts = {f"127.0.0.1:{port}"}
    desk = Desk(Path(folder), Held(folder), clock=lambda: NOW)
    made = app.create(desk, key=guard.key_of(folder), token=token, hosts=hosts)
    _warm(made, token, f"http://127.0.0.1:{port}")
    for _ in sys.stdin:
        listener = serving.listen(int(port))
        life = os.fork()
        if not life:
            serving.server(made, listener, threads=2).run()
            os._exit(0)
        listener.close()
        print(life, flush=True)
        os.waitpid(life, 0)


def _warm(made, token, top):
    """What a first page loads and compiles is not what dies."""
    browser = made.test_client()
    browser.get(f"/?token={token}", base_url=top)
    with browser.session_transaction(base_url=top) as session:
        session["name"] = "WARM"
    browser.get("/screening", base_url=top)


if __name__ == "__main__":
    main(*sys.argv[1:])
