"""The MCP server, by the official package's own client, beside a run that measures."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters

ROOT = Path(__file__).parents[3]


def talk(place: Any, conversation: Callable[[Client], Awaitable[None]]) -> None:
    """Hold a conversation with a server in the place's folder."""
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "evolve", "mcp"],
        cwd=str(place.folder),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    async def hold() -> None:
        async with Client(parameters, read_timeout_seconds=120) as client:
            await conversation(client)

    anyio.run(hold)


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    answer = await client.call_tool(tool, arguments)
    text = answer.content[0].text
    assert not answer.is_error, text
    return json.loads(text)


def test_an_agent_works_by_mcp_on_a_run(place: Any, eventually: Any) -> None:
    process = place.start(
        *("--task", "toy", "--run", "m", "--devices", "cpu:0", "--no-proposals"),
    )
    database = place.run("m") / "archive.db"
    eventually(lambda: database.exists() and (place.run("m") / "results.tsv").exists())
    eventually(lambda: place.rows("m", "SELECT 1 FROM epochs"))

    async def conversation(client: Client) -> None:
        tools = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}
        assert set(tools) == {"brief", "submit", "status", "show", "wait"}
        reading = {name for name, hints in tools.items() if hints and hints.read_only_hint}
        assert reading == {"brief", "status", "show", "wait"}

        told = await call(client, "brief", run="m")
        assert "Make the score small." in told["text"]
        parent = told["parents"][0]["id"]
        source = (await call(client, "show", genome=str(parent)))["source"]
        mine = source.replace("RATE = 0.1", "RATE = 0.29")
        handed = await call(client, "submit", source=mine, idea="a rate", parents=[parent])
        assert handed["status"] == "queued"
        verdict = await call(client, "wait", genome=handed["id"])
        assert verdict["objective"] < told["parents"][0]["objective"]
        assert "than its parent #0" in verdict["text"] or "within noise" in verdict["text"]
        assert (await call(client, "status"))["children"] == 1

        again = await client.call_tool("submit", {"source": mine, "idea": "again"})
        assert again.is_error
        assert "tried before" in again.content[0].text
        nowhere = await client.call_tool("brief", {"run": "none"})
        assert nowhere.is_error
        assert "there is no run none" in nowhere.content[0].text

    talk(place, conversation)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert place.rows("m", "SELECT operator, description FROM individuals WHERE id = 1") == [
        ("submitted", "a rate")
    ]
