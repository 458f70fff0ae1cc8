"""All tools of the builtin rows."""

from collections.abc import Mapping, Sequence

from examples.function_calling_example import errand_tools, everyday_tools
from examples.function_calling_example.tool import Tool

TOOLS: Sequence[Tool] = (*everyday_tools.TOOLS, *errand_tools.TOOLS)
DOMAINS: Mapping[str, str] = {tool.name: tool.domain for tool in TOOLS}
