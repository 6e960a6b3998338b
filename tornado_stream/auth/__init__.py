"""Who gets in: users, their passwords and tokens, their sessions, and tries that are too many.

The rule: nothing here opens the server by itself. Once there was a way to log in, a login is
required until the process ends, whatever becomes of the users' file.
"""

from __future__ import annotations

from tornado_stream.auth.authenticator import Authenticator
from tornado_stream.auth.sessions import Sessions
from tornado_stream.auth.users import FILE, Users

__all__ = ["FILE", "Authenticator", "Sessions", "Users"]
