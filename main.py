"""Start the server: python main.py (--help lists what can be set)."""

import sys

from tornado_stream.server import main

if __name__ == "__main__":
    sys.exit(main())
