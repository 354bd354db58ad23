"""The coding agents that are known by name: how each is called without a person in front of it.

Every flag is in the program's own help (`PROGRAM --help`, or the page that `source` names), of the
version that stands there. What the flags are for, in the table's order: no questions, no other
settings than ours, an answer that a program can read, edits allowed and everything else denied, no
traces, and limits where the program has some. Success is never read from an exit code: of those
that were tried, all but one end with 0 where every tool was denied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

READ_BRIEF = "Do what BRIEF.md in this folder says; read it first."
OPENAI = ("OPENAI_API_KEY", "OPENAI_BASE_URL")
ANTHROPIC = ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")
GOOGLE = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL")
SILENT = '{"edit": "allow", "bash": "deny", "webfetch": "deny", "external_directory": "deny"}'


@dataclass(frozen=True)
class Preset:
    """How a coding agent is called.

    In the words `{dir}` stands for the folder of the session, `{brief}` for the path of `BRIEF.md`
    and `{genome}` for that of the file to change.

    Attributes:
        words: The command; the brief is on its standard input.
        model: Words that name a model, which stands for `{model}`.
        sandboxed: Words for a session in our sandbox, within which the agent's own cannot work.
        alone: Words for a session without a sandbox.
        environment: Variables that are set.
        keys: Variables of the user's that the agent sees if they are set, its keys among them.
        login: Files below the user's home, with its login, of which the agent gets a copy.
        dollars: Most dollars of a session, by a limit in `words`; 0 if it has none.
        reports: Whether its output tells dollars, "tokens" or "nothing".
        install: Command that installs the program.
        source: Version whose help has the flags.
    """

    words: tuple[str, ...]
    model: tuple[str, ...] = ("--model", "{model}")
    sandboxed: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    login: tuple[str, ...] = ()
    dollars: float = 0.0
    reports: str = "nothing"
    install: str = ""
    source: str = ""


PRESETS: dict[str, Preset] = {
    "claude": Preset(
        words=(
            *("claude", "-p", "--safe-mode", "--output-format", "json"),
            *("--permission-mode", "acceptEdits", "--tools", "Read,Edit,Write,Grep,Glob"),
            *("--strict-mcp-config", "--no-session-persistence"),
            *("--max-turns", "30", "--max-budget-usd", "0.50"),
        ),
        environment={"DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
        keys=(*ANTHROPIC, "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
        login=(".claude/.credentials.json", ".claude.json"),
        dollars=0.5,
        reports="dollars",
        install="npm install -g @anthropic-ai/claude-code",
        source="Claude Code 2.1.197, claude --help",
    ),
    "codex": Preset(
        words=(
            *("codex", "exec", "--json", "--ephemeral", "--ignore-user-config", "--ignore-rules"),
            *("--skip-git-repo-check", "-C", "{dir}", "-"),
        ),
        sandboxed=("-s", "danger-full-access"),
        alone=("-s", "workspace-write", "-c", "sandbox_workspace_write.exclude_slash_tmp=true"),
        model=("-m", "{model}"),
        keys=(*OPENAI, "CODEX_API_KEY"),
        login=(".codex/auth.json",),
        reports="tokens",
        install="npm install -g @openai/codex",
        source="codex-cli 0.171.0, codex exec --help",
    ),
    "opencode": Preset(
        words=("opencode", "run", "--pure", "--format", "json", "--dir", "{dir}", READ_BRIEF),
        environment={
            "OPENCODE_CONFIG_CONTENT": f'{{"autoupdate": false, "permission": {SILENT}}}',
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
        },
        keys=(*ANTHROPIC, *OPENAI, *GOOGLE, "OPENROUTER_API_KEY"),
        login=(".local/share/opencode/auth.json", ".config/opencode/opencode.json"),
        reports="dollars",
        install="npm install -g opencode-ai",
        source="OpenCode 1.18.33, opencode run --help",
    ),
    "gemini": Preset(
        words=(
            *("gemini", "-p", "", "--approval-mode", "auto_edit", "--skip-trust"),
            *("-o", "json"),
        ),
        model=("-m", "{model}"),
        keys=GOOGLE,
        login=(".gemini/oauth_creds.json", ".gemini/settings.json"),
        reports="tokens",
        install="npm install -g @google/gemini-cli",
        source="Gemini CLI 0.61.0, gemini --help",
    ),
    "pi": Preset(
        words=(
            *("pi", "-p", "--mode", "json", "--no-session", "--no-extensions", "--no-skills"),
            *("--no-prompt-templates", "--no-context-files"),
            *("--tools", "read,edit,write,grep,find,ls", READ_BRIEF),
        ),
        environment={"PI_TELEMETRY": "0"},
        keys=(*ANTHROPIC, *OPENAI, *GOOGLE, "OPENROUTER_API_KEY"),
        login=(".pi/agent/auth.json", ".pi/agent/settings.json", ".pi/agent/models.json"),
        reports="dollars",
        install="npm install -g @mariozechner/pi-coding-agent",
        source="pi 0.73.1, pi --help",
    ),
    "copilot": Preset(
        words=(
            *("copilot", "-p", READ_BRIEF, "--no-custom-instructions", "--disable-builtin-mcps"),
            *("--no-auto-update", "--no-ask-user", "--no-color", "--stream", "off"),
            *("--output-format", "json", "--allow-tool", "write", "--deny-tool", "shell"),
        ),
        keys=("COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"),
        login=(".copilot/config.json",),
        install="npm install -g @github/copilot",
        source="GitHub Copilot CLI 1.0.102, copilot --help",
    ),
    "aider": Preset(
        words=(
            *("aider", "--yes-always", "--no-auto-commits", "--no-git", "--no-stream"),
            *("--no-pretty", "--no-check-update", "--no-show-release-notes", "--analytics-disable"),
            *("--no-detect-urls", "--no-suggest-shell-commands", "--map-tokens", "0"),
            *("--message-file", "{brief}", "{genome}"),
        ),
        keys=(*ANTHROPIC, *OPENAI, "OPENAI_API_BASE", *GOOGLE, "OPENROUTER_API_KEY"),
        reports="dollars",
        install="pip install aider-chat",
        source="aider 0.86.2, aider --help",
    ),
}


def describe_agents() -> str:
    """List the known agents, for `--help`."""
    return ", ".join(PRESETS)
