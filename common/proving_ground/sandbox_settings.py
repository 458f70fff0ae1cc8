"""Where programs run and within which limits: one class for the configuration and for rewards."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class SandboxSettings(BaseModel):
    """Where model-written programs run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backend: Literal["local", "api"] = Field("local", description="bubblewrap here, or a SandboxFusion API")
    base_url: str | None = Field(None, pattern=r"^https?://", description="address of the sandbox API")
    workers: int | None = Field(
        None, ge=1, description="programs at once; the cores of this process by default"
    )
    timeout_seconds: float = Field(
        5.0, gt=0, description="CPU time of one run; four times as much wall clock"
    )
    memory_mb: int = Field(512, ge=1, description="memory of one run, all its processes together, in MiB")
