"""A posted form with files, read as it comes in: files beyond the limit are let go, and what was typed stays."""

from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from core.errors import Problem

_MOST_FILES = 100  # more than anybody may send: too many of them are told beside the field
_MOST_FIELDS = 50
_LONGEST_FIELD = 512 * 1024  # bytes: a text that is far too long is shown again too


@dataclass(frozen=True)
class PostedFile:
    name: str
    content: bytes


@dataclass(frozen=True)
class PostedForm:
    """``fields``: the last one of each name. ``is_too_large``: the files are not all there, and none is whole."""

    fields: dict[str, str]
    files: list[PostedFile]
    is_too_large: bool = False


class _BoundedParser(MultiPartParser):
    """Keeps ``most`` bytes of files, all together."""

    def __init__(self, request: Request, most: int) -> None:
        bounds = {"max_files": _MOST_FILES, "max_fields": _MOST_FIELDS, "max_part_size": _LONGEST_FIELD}
        super().__init__(request.headers, request.stream(), **bounds)
        self._left = most

    @property
    def is_too_large(self) -> bool:
        return self._left < 0

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._current_part.file is not None:
            self._left -= end - start
            if self.is_too_large:
                return
        super().on_part_data(data, start, end)


async def read_form(request: Request, max_bytes: int) -> PostedForm:
    """The multipart form, with at most ``max_bytes`` of files. Problem 400."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Problem(400, "malformed")
    parser = _BoundedParser(request, max_bytes)
    is_cut = False
    try:
        form = await parser.parse()
    except MultiPartException:
        raise Problem(400, "malformed") from None
    except HTTPException as error:  # more than any form may have: what came before is there
        if error.status_code != 413:
            raise
        is_cut = True
    fields = {name: value for name, value in parser.items if isinstance(value, str)}
    uploads = [value for _, value in parser.items if isinstance(value, UploadFile) and (value.filename or value.size)]
    if is_cut or parser.is_too_large:
        files = [PostedFile(upload.filename or "", b"") for upload in uploads]
    else:
        files = [PostedFile(upload.filename or "", await upload.read()) for upload in uploads]
    if not is_cut:  # else the parser has closed them
        await form.close()
    return PostedForm(fields, files, is_cut or parser.is_too_large)
