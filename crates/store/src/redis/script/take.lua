-- Takes the cost of every limit, or of none.

local count, states, all = #KEYS, {}, true
for i = 1, count do
  local state = read(i)
  states[i] = state
  all = all and ARGV[5 * i - 3] + 0 <= state.left
end

local reply = {}
for i = 1, count do
  local state, cost = states[i], ARGV[5 * i - 3] + 0
  local fits = cost <= state.left
  if all and cost > 0 then
    local kind = state.kind
    if kind == 'b' then
      state.level = state.level + cost * state.price
    elseif kind == 'l' then
      local held, stamp = state.held, now
      if #held > 0 then stamp = math.max(now, unpack_('<d', held, #held - 7)) end
      state.held = held .. string.rep(pack('<d', stamp), cost)
    else
      state.counts[1] = state.counts[1] + cost
    end
    state.left = state.left - cost
    write(i, state)
  end
  if count == 1 then return {tell(state, fits, cost)} end
  local at = 5 * i
  reply[at - 4], reply[at - 3], reply[at - 2], reply[at - 1], reply[at] = tell(state, fits, cost)
end
return reply
