"""Take secrets out of what an API sent, before it is written anywhere."""

import re
from typing import Any

KEY_PLACE = "<FIREWORKS_API_KEY>"
ACCOUNT_PLACE = "<FIREWORKS_ACCOUNT_ID>"
PUBLIC_ACCOUNT = "fireworks"
"""The account of the models that everybody may use; its name is no secret and stands in every model's id."""


def scrubbed(value: Any, *, key: str = "", account: str = "") -> Any:
    """A JSON value without ``key`` anywhere and without ``account`` as a whole word, in strings and names.

    To be called on parsed JSON, where no escape sequence hides a secret. Empty secrets are left out.
    """
    rules = []
    if key:
        rules.append((re.compile(re.escape(key)), KEY_PLACE))
    if account and account != PUBLIC_ACCOUNT:
        rules.append((re.compile(rf"(?<![\w-]){re.escape(account)}(?![\w-])"), ACCOUNT_PLACE))

    def clean(part: Any) -> Any:
        match part:
            case str():
                for pattern, place in rules:
                    part = pattern.sub(place, part)
                return part
            case list():
                return [clean(item) for item in part]
            case dict():
                return {clean(name): clean(item) for name, item in part.items()}
        return part

    return clean(value)
