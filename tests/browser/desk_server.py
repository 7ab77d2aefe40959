"""Serves one site with its static files on 127.0.0.1, by the Python of its bench: `desk_server.py PORT SITE`.

`bench serve` listens on all addresses and shows the site that the Host header names.
"""

from __future__ import annotations

import os
import sys

import frappe.app
from werkzeug.serving import run_simple


def main(port: int, site: str) -> None:
	"""Serve until killed, in the folder of the bench's sites."""
	os.environ["SITES_PATH"] = frappe.app._sites_path = "."
	frappe.app._site = site
	application = frappe.app.application_with_statics()
	run_simple("127.0.0.1", port, application, threaded=True, use_reloader=False, use_debugger=False)


if __name__ == "__main__":
	main(int(sys.argv[1]), sys.argv[2])
