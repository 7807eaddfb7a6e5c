"""FastAPI with a CORS middleware, inside the middleware."""

# doc: begin
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from mantlet import Mantlet, Policy

PARTNERS = ["https://partner.example"]

api = FastAPI()
api.add_middleware(CORSMiddleware, allow_origins=PARTNERS, allow_methods=["GET", "POST"])
policy = Policy(preset="api", allowed_origins=PARTNERS)
app = Mantlet(api, policy=policy)  # outermost: CORS inside
# doc: end

notes: list[bytes] = []


@api.post("/notes")
async def note() -> int:
    notes.append(b"")
    return len(notes)
