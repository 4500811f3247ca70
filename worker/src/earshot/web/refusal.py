"""What a request is told when it gets nothing: a code for programs, one line for people."""

import json

from aiohttp import web

_JSON_PATHS = ("/api/", "/healthz", "/readyz")


class Refusal(Exception):
    """Ends a request. The message says what to do; it never repeats what the request held.

    Args:
        status: HTTP status, 4xx or 5xx.
        code: for programs: `bad_request`, `code_required`, …
        message: one line for people.
        retry_after_s: when it is worth trying again.
        close: whether the connection is of no further use (its body was not read to the end).
        allow: the methods that would be answered.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after_s: int | None = None,
        close: bool = False,
        allow: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.retry_after_s, self.close, self.allow = retry_after_s, close, allow

    def response(self, path: str) -> web.Response:
        """JSON where programs ask, a line of text where a person looks."""
        if path.startswith(_JSON_PATHS):
            body = json.dumps({"error": self.code, "message": self.message})
            response = web.Response(
                status=self.status, text=body + "\n", content_type="application/json"
            )
        else:
            response = web.Response(status=self.status, text=f"{self.status}: {self.message}\n")
        response.headers["Cache-Control"] = "no-store"
        if self.retry_after_s is not None:
            response.headers["Retry-After"] = str(self.retry_after_s)
        if self.allow is not None:
            response.headers["Allow"] = self.allow
        if self.close:
            response.force_close()
        return response


def from_http(error: web.HTTPException) -> Refusal:
    """aiohttp's own refusals (no such path, method or size), in the same form."""
    if isinstance(error, web.HTTPNotFound):
        return Refusal(404, "not_found", "There is nothing here; the page is at /.")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allow = ", ".join(sorted(error.allowed_methods))
        return Refusal(
            405, "method_not_allowed", f"This address answers {allow} only.", allow=allow
        )
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Refusal(413, "too_large", "The request is too large.", close=True)
    return Refusal(error.status, "refused", f"{error.reason}.")
