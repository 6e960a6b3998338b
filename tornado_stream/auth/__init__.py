"""Who may use the server: users, their passwords and tokens, sessions, and limits on attempts.

The rule: nothing here opens the server by itself. Once anybody could log in, a login is required
until the process ends, whatever happens to the users' file.
"""
