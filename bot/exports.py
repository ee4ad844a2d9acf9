"""Makes the exports that were asked for, one after the other, and deletes those whose time is over."""

import asyncio
import io
from collections.abc import Iterator
from datetime import timedelta

import structlog

from core import leases
from core.desk import Desk
from core.errors import DatabaseDown
from core.files import parts_of
from core.models import Attachment, Conversation, now
from core.web import place_of
from handoff import export
from handoff.export import Attempt
from handoff.export_contents import AsFile, Contents, read_contents, zip_parts

log = structlog.get_logger(__name__)

_LEASE_SECONDS = 300.0  # longer than one takes; one that takes longer still may be begun anew by another gateway


class Exports:
    """One gateway of several makes them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._hold = leases.Hold(desk.database, "exports", _LEASE_SECONDS)

    async def run_forever(self) -> None:
        await leases.work_while_held(self._desk, self._hold, export.TOPIC, self.do_due)

    async def do_due(self) -> None:
        await self.make_asked()
        await self.delete_outlived()

    async def make_asked(self) -> None:
        """Those asked for now. One that fails is told of and not tried again."""
        for one in await self._desk.database.read_soon(export.asked):
            if not await self._hold.take():  # renewed for each
                return
            attempt = await self._desk.database.write_soon(export.begin, one)
            if attempt is None:
                continue
            if attempt.earlier_blob_id:
                await asyncio.to_thread(self._desk.blobs.delete, attempt.earlier_blob_id)
            try:
                is_ready = await self._make(attempt)
            except DatabaseDown:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it was, the citizen is told
                log.error("export_failed", export_id=str(one.id), error=type(error).__name__, at=place_of(error))
                is_ready = False
                await self._desk.database.write_soon(export.give_up, self._desk, attempt)
            if not is_ready:
                await asyncio.to_thread(self._desk.blobs.delete, attempt.blob_id)
            log.info("export_tried", export_id=str(one.id), conversation_id=str(one.conversation_id), ready=is_ready)

    async def delete_outlived(self) -> None:
        """Those whose time is over, and those that a newer one has replaced."""
        before = now() - timedelta(hours=self._desk.settings.keep_export_hours)
        for one in await self._desk.database.read_soon(export.outlived, before):
            if one.blob_id:
                await asyncio.to_thread(self._desk.blobs.delete, one.blob_id)  # first: a mark without a deletion would never be made good
            await self._desk.database.write_soon(export.mark_gone, one, now())

    async def _make(self, attempt: Attempt) -> bool:
        desk = self._desk
        contents = await desk.database.read_soon(read_contents, desk, attempt.conversation_id)
        size = await asyncio.to_thread(self._store, attempt, contents)
        return await desk.database.write_soon(export.deliver, desk, attempt, size, contents.conversation.last_seq, now())

    def _store(self, attempt: Attempt, contents: Contents) -> int:
        made = AsFile(zip_parts(contents, self._read))
        sealed = self._desk.vault.seal_file(contents.conversation, attempt.blob_id, io.BufferedReader(made))
        self._desk.blobs.write(attempt.blob_id, sealed)
        return made.size

    def _read(self, conversation: Conversation, attachment: Attachment) -> Iterator[bytes]:
        return parts_of(self._desk, conversation, attachment.id)
