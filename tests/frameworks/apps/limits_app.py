"""A FastAPI application with limits that Python says."""

# doc: begin
from fastapi import FastAPI
from mantlet import Mantlet, Policy, RateLimitConfig
from mantlet.fastapi import CurrentPermit

api = FastAPI()
policy = Policy(
    hosts=["127.0.0.1"],
    limits=[
        RateLimitConfig.token_bucket(requests=100, window=60, name="per-client"),
        RateLimitConfig.sliding_window(requests=3, window=3600, name="login", paths=["/login"]),
        # with store="redis" and Policy(redis="redis://..."), all processes count together
    ],
)
app = Mantlet(api, policy)


@api.get("/left")
async def left(permit: CurrentPermit) -> dict[str, int]:
    return {name: remaining for name, (remaining, _) in permit.quotas.items()}


# doc: end
