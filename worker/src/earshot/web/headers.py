"""The headers of every answer: a browser may load, run and reach what is ours, no more."""

from collections.abc import Iterable

from aiohttp import web

# What a page might ask a browser for. Only the microphone is left on; what a page needs to be heard
# and to copy a transcript (autoplay, speaker selection, clipboard-write) has sound defaults.
_OFF = (
    "accelerometer",
    "camera",
    "clipboard-read",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "identity-credentials-get",
    "idle-detection",
    "keyboard-map",
    "local-fonts",
    "magnetometer",
    "midi",
    "otp-credentials",
    "payment",
    "picture-in-picture",
    "publickey-credentials-create",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "sync-xhr",
    "usb",
    "window-management",
    "xr-spatial-tracking",
)

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": ", ".join(["microphone=(self)", *(f"{name}=()" for name in _OFF)]),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Server": "earshot",
}


def policy(connect_sources: Iterable[str] = ()) -> str:
    """The Content-Security-Policy of a page that may connect to `connect_sources` and to us."""
    connect = " ".join(["'self'", *connect_sources])
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            f"connect-src {connect}",
            "media-src 'self' blob: mediastream:",
            "worker-src 'self'",
            "manifest-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def secure(response: web.StreamResponse, connect_sources: Iterable[str] = ()) -> None:
    """Sets the headers."""
    response.headers.update(ALWAYS)
    response.headers["Content-Security-Policy"] = policy(connect_sources)
    response.headers.setdefault("Cache-Control", "no-store")
