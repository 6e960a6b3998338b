"""Start the server: `python main.py`. The flag --help lists all settings."""

import sys

from tornado_stream.server import main

if __name__ == "__main__":
    sys.exit(main())
