-- What both scripts begin with. `take` is sent as head, one_bucket, count, take; `give_back` as head, count, give_back.
--
-- KEYS[i] holds the state of one limit. ARGV holds five words for each: kind, cost, and three numbers of the kind.
--
--   b  token bucket      burst  drain   price     state: time, level                     two doubles
--   l  sliding window    limit  window  -         state: the time of each admitted unit  doubles, oldest first
--   s  the same, strict  limit  step    -         state: step number, 11 counts          a double, 11 u32, newest first
--   i  interpolated      limit  step    -         the same
--
-- Times and windows are microseconds. A bucket's level falls by `drain` a microsecond and rises by `price` for a unit of
-- cost, up to `burst * price`. Every number is an integer below 2^53, so that a double counts it exactly; what is divided is
-- rounded so that nobody is admitted above the bound, and nobody is told a time too early.
--
-- A clock that was set back counts as one that stands still.
--
-- A script is run as a whole for each request: tables are made at once in their size, and a sum turns text into a number
-- without a call.

local call, pack, unpack_, floor, ceil = redis.call, struct.pack, struct.unpack, math.floor, math.ceil
local KEYS, ARGV = KEYS, ARGV

local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
