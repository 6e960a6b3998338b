"""Settings that would let anybody in are refused at the start."""

from __future__ import annotations

import logging

from tornado_stream.settings import SettingError, Settings

logger = logging.getLogger(__name__)


def check_user_header(settings: Settings) -> None:
    """The header must come from proxies alone: else anybody could name any user."""
    header, proxies = settings.user_header, settings.trusted_proxies
    if header is None:
        if settings.proxy_users != "known" or settings.logout_url:
            raise SettingError(
                "--proxy-users and --logout-url belong to the login by a proxy; name its header "
                "with --user-header"
            )
    elif not proxies or any(network.prefixlen == 0 for network in proxies):
        raise SettingError(
            f"--user-header {header} needs --trusted-proxies with the addresses of your reverse "
            "proxy alone, for example 127.0.0.1; otherwise every client could name any user"
        )


def check_open_access(settings: Settings) -> None:
    if not settings.allow_anyone:
        raise SettingError(
            f"other machines could reach {settings.host} without a login; set a password "
            "(TORNADO_STREAM_PASSWORD, or --set-password NAME), or allow this with --allow-anyone"
        )
    logger.warning(
        "anyone who reaches %s can read every conversation and use the model", settings.host
    )
