"""Saving answers, real or made up, as the recordings that an example's chat mock replays."""

from typing import Any

from proving_ground.dataset import Sample
from proving_ground.fireworks.chat import chat_request, request_hash
from proving_ground.fireworks.recordings import Recording, read_recordings, write_recordings
from proving_ground.stages.run import Run


def save_recordings(run: Run, whole: list[Sample], new: list[Recording], **secrets: str) -> dict[str, Any]:
    """Save ``new`` recordings in the place of those of the same rows, and drop those that no row asks for.

    Returns the summary's fields.
    """
    path = run.task.folder / "recordings" / "chat.jsonl"
    old = read_recordings(path).values() if path.is_file() else ()
    # Another prompt, model or setting makes a recording one that nothing will ever find.
    asked = {sample["id"]: request_hash(chat_request(sample, run.config)) for sample in whole}
    by_id = {each.id: each for each in old if request_hash(each.request) == asked.get(each.id)}
    stay = by_id.keys() - {each.id for each in new}
    by_id |= {each.id: each for each in new}
    write_recordings(path, [by_id[name] for name in asked if name in by_id], **secrets)
    return {"rows": len(new), "recordings": str(path), "of_other_rows": len(stay)}
