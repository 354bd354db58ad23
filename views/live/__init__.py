"""The live pages: the same pictures as in a report, sent anew to the browser as children finish.

`build_app` makes a small ASGI application that reads runs and changes nothing; it needs starlette.
`views.live.server` serves it with uvicorn.
"""

from views.live.app import Runs, build_app

__all__ = ["Runs", "build_app"]
