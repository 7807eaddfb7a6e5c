-- The states of limits: what follows the head in both scripts.

-- The step of an interpolated window in at most 2^20 parts, so that a count (< 2^32) times a part is exact.
local PARTS = 1048576
local COUNTS = '<dI4I4I4I4I4I4I4I4I4I4I4'

-- The state of a limit: all the units there are, and how many are left.
local function read(i)
  local at = 5 * i
  local kind, all, size = ARGV[at - 4], ARGV[at - 2] + 0, ARGV[at - 1] + 0
  local held = call('GET', KEYS[i])
  if kind == 'b' then
    local price, since, level = ARGV[at] + 0, now, 0
    if held then
      since, level = unpack_('<dd', held)
      if since < now then
        level, since = level - size * (now - since), now
        if level < 0 then level = 0 end
      end
    end
    local left = floor((all * price - level) / price)
    return {kind = kind, all = all, left = left, size = size, price = price, since = since, level = level}
  elseif kind == 'l' then
    held = held or ''
    local units, gone = #held / 8, 0
    while gone < units and unpack_('<d', held, gone * 8 + 1) <= now - size do gone = gone + 1 end
    if gone > 0 then held = string.sub(held, gone * 8 + 1) end
    return {kind = kind, all = all, left = all - units + gone, size = size, held = held}
  end
  local step = floor(now / size)
  local counts, into, sum = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, now - step * size, 0
  if held then
    local before = {unpack_(COUNTS, held)}
    if before[1] > step then step, into = before[1], 0 end
    local aged = step - before[1]
    for n = 1, 11 - aged do
      local count = before[n + 1]
      counts[n + aged] = count
      sum = sum + count
    end
    local oldest = counts[11]
    if kind == 'i' and oldest > 0 then
      local part = ceil(size / PARTS)
      local parts = ceil(size / part)
      sum = sum - oldest + ceil(oldest * (parts - floor(into / part)) / parts)
    end
  end
  local left = all - sum
  if left < 0 then left = 0 end
  return {kind = kind, all = all, left = left, size = size, step = step, counts = counts}
end

-- Microseconds until `units` fit, of a limit where they do not.
local function wait(state, units)
  local kind, size = state.kind, state.size
  if kind == 'b' then
    return ceil((state.level - (state.all - units) * state.price) / size) + state.since - now
  elseif kind == 'l' then
    return unpack_('<d', state.held, (units - state.left - 1) * 8 + 1) + size - now
  end
  local counts, room, newer = state.counts, state.all - units, 0
  for n = 1, 11 do newer = newer + counts[n] end
  for n = 11, 1, -1 do
    newer = newer - counts[n]
    if newer <= room and counts[n] > 0 then
      -- those of this step have to leave: all of them at its end, or by and by in its last step
      local leaves = (state.step - n + 12) * size
      if kind == 'i' then
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

-- Writes a state, to be forgotten once it says nothing.
local function write(i, state)
  local kind, size, held, left = state.kind, state.size, state.held, 0
  if kind == 'b' then
    held, left = pack('<dd', state.since, state.level), state.level / size + state.since - now
  elseif kind == 'l' then
    if #held > 0 then left = unpack_('<d', held, #held - 7) + size - now end
  else
    held = pack(COUNTS, state.step, unpack(state.counts))
    left = (state.step + 11) * size - now
  end
  call('SET', KEYS[i], held, 'PX', ceil(left / 1000) + 1)
end

-- Five numbers of a limit: whether the cost fits, what is left, and the microseconds until there is more, until all is there,
-- and until the cost fits.
local function tell(state, fits, cost)
  local all, left = state.all, state.left
  local retry = 0
  if not fits and cost <= all then retry = wait(state, cost) end
  if left == all then return fits and 1 or 0, left, 0, 0, retry end
  return fits and 1 or 0, left, wait(state, left + 1), wait(state, all), retry
end
