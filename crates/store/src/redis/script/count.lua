-- Counting: what `take.lua` and `give_back.lua` begin with. Each is sent as one text with this before it.
--
-- KEYS[i] holds the state of one limit. ARGV holds five words for each: kind, cost, and three numbers of the kind.
--
--   b  token bucket      price  drain  capacity   state: time, level                    two doubles
--   l  sliding window    limit  window  -         state: the time of each admitted unit  doubles, oldest first
--   s  the same, strict  limit  step    -         state: step number, 11 counts          a double, 11 u32, newest first
--   i  interpolated      limit  step    -         the same
--
-- Times and windows are microseconds. A bucket's level falls by `drain` a microsecond and rises by `price` for a unit of
-- cost, up to `capacity`. Every number is an integer below 2^53, so that a double counts it exactly; what is divided is
-- rounded so that nobody is admitted above the bound, and nobody is told a time too early.
--
-- A clock that was set back counts as one that stands still.

local call, pack, unpack_ = redis.call, struct.pack, struct.unpack
local floor, ceil = math.floor, math.ceil

local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]

-- The step of an interpolated window in at most 2^20 parts, so that a count (< 2^32) times a part is exact.
local PARTS = 1048576
local COUNTS = '<dI4I4I4I4I4I4I4I4I4I4I4'

-- The state of a limit: what it holds now, how much of `limit` is used, how many units are left.
local function read(i)
  local at = 5 * (i - 1)
  local key, kind = KEYS[i], ARGV[at + 1]
  local limit, size, capacity = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local state = {key = key, kind = kind, cost = tonumber(ARGV[at + 2]), size = size}
  local held = call('GET', key)
  if kind == 'b' then
    local since, level = now, 0
    if held then
      since, level = unpack_('<dd', held)
      if since < now then
        level = level - size * (now - since)
        if level < 0 then level = 0 end
        since = now
      end
    end
    state.since, state.level, state.price, state.capacity = since, level, limit, capacity
    state.fits = level + state.cost * limit <= capacity
  elseif kind == 'l' then
    held = held or ''
    local units, gone = #held / 8, 0
    while gone < units and unpack_('<d', held, gone * 8 + 1) <= now - size do gone = gone + 1 end
    state.held, state.used, state.limit = string.sub(held, gone * 8 + 1), units - gone, limit
    state.fits = units - gone + state.cost <= limit
  else
    local step, counts = floor(now / size), {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
    local into = now - step * size
    if held then
      local then_ = {unpack_(COUNTS, held)}
      if then_[1] > step then step, into = then_[1], 0 end
      local aged = step - then_[1]
      for n = 1, 11 - aged do counts[n + aged] = then_[n + 1] end
    end
    state.step, state.into, state.counts, state.limit = step, into, counts, limit
  end
  return state
end

-- How much of a window in steps is used.
local function used(state)
  local counts, sum = state.counts, 0
  for n = 1, 10 do sum = sum + counts[n] end
  local oldest = counts[11]
  if oldest > 0 then
    if state.kind == 'i' then
      local part = ceil(state.size / PARTS)
      local parts = ceil(state.size / part)
      oldest = ceil(oldest * (parts - floor(state.into / part)) / parts)
    end
    sum = sum + oldest
  end
  return sum
end

-- Microseconds until `units` more fit, if nobody else asks.
local function wait(state, units)
  if state.kind == 'b' then
    local above = state.level - (state.capacity - units * state.price)
    if above <= 0 then return 0 end
    return ceil(above / state.size) + state.since - now
  elseif state.kind == 'l' then
    local leave = state.used + units - state.limit
    if leave <= 0 then return 0 end
    return unpack_('<d', state.held, (leave - 1) * 8 + 1) + state.size - now
  end
  local counts, size, room = state.counts, state.size, state.limit - units
  if state.used <= room then return 0 end
  local newer = 0
  for n = 1, 11 do newer = newer + counts[n] end
  for n = 11, 1, -1 do
    newer = newer - counts[n]
    if newer <= room and counts[n] > 0 then
      -- those of this step have to leave: all of them at its end, or by and by in its last step
      local leaves = (state.step - n + 12) * size
      if state.kind == 'i' then
        local part = ceil(size / PARTS)
        local parts = ceil(size / part)
        local into = (parts - floor((room - newer) * parts / counts[n])) * part
        if into > size then into = size end
        leaves = leaves - size + into
      end
      return leaves - now
    end
  end
  return 0
end

-- Writes a state back, to be forgotten once it says nothing.
local function write(state)
  local text, left
  if state.kind == 'b' then
    text, left = pack('<dd', state.since, state.level), state.level / state.size + state.since - now
  elseif state.kind == 'l' then
    text = state.held
    left = #text > 0 and unpack_('<d', text, #text - 7) + state.size - now or 0
  else
    text = pack(COUNTS, state.step, unpack(state.counts))
    left = (state.step + 11) * state.size - now
  end
  call('SET', state.key, text, 'PX', ceil(left / 1000) + 1)
end

-- Adds five numbers of a limit to the reply: whether the cost fits, what is left, and the microseconds until there is more,
-- until all is there, and until the cost fits.
local function tell(reply, state, fits)
  local all, left
  if state.kind == 'b' then
    all, left = floor(state.capacity / state.price), floor((state.capacity - state.level) / state.price)
  else
    if state.counts then state.used = used(state) end
    all, left = state.limit, state.limit - state.used
    if left < 0 then left = 0 end
  end
  local at = #reply
  reply[at + 1] = fits and 1 or 0
  reply[at + 2] = left
  reply[at + 3] = left < all and wait(state, left + 1) or 0
  reply[at + 4] = wait(state, all)
  reply[at + 5] = not fits and state.cost <= all and wait(state, state.cost) or 0
end
