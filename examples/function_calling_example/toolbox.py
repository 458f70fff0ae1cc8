"""All tools of the builtin rows."""

from collections.abc import Mapping, Sequence

import errand_tools
import everyday_tools
from tool import Tool

TOOLS: Sequence[Tool] = (*everyday_tools.TOOLS, *errand_tools.TOOLS)
DOMAINS: Mapping[str, str] = {tool.name: tool.domain for tool in TOOLS}
