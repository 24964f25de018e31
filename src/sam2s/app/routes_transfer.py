"""Exports and imports."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/api/videos/{video_id}", tags=["transfer"])
